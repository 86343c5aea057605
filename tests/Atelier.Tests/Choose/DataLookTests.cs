using Atelier.Choose;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Tasks.Tables;
using Atelier.Tasks.Text;
using Atelier.Tests.Data;

namespace Atelier.Tests.Choose;

public sealed class DataLookTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Text_has_its_documents_lengths_characters_copies_and_language()
    {
        string path = Path.Combine(_folder.Path, "lines.txt");
        const string copied = "the cat and the dog";
        File.WriteAllLines(path, [copied, "of the sea that is in", copied, "it is to be"]);
        DataLook look = Look(path, "data.document=line");
        Fact(look, "documents").ShouldBe("4");
        Fact(look, "characters").ShouldStartWith("70, "); // 19 + 21 + 19 + 11
        Fact(look, "copies").ShouldBe("25%");
        Fact(look, "language").ShouldBe("probably English");
        look.Warnings.ShouldContain(warning => warning.Contains("are copies of others", StringComparison.Ordinal));

        File.WriteAllText(path, "明月几时有,把酒问青天。");
        Fact(Look(path, "data.document=line"), "language").ShouldBe("Chinese");
        File.WriteAllText(path, "すべての人間は、生まれながらにして自由である");
        Fact(Look(path, "data.document=line"), "language").ShouldBe("Japanese");
    }

    [Fact]
    public void A_table_has_its_missing_cells_and_its_keys()
    {
        string path = Path.Combine(_folder.Path, "people.csv");
        File.WriteAllLines(path, Enumerable.Range(0, 40).Select(i => $"id{i},{(i % 4 == 0 ? "" : "yes")},{i % 3}")
            .Prepend("key,answer,level"));
        DataLook look = DataLooks.Of(new Recipe { Data = new DataSection { Source = path } }, new TableTask(), null,
            CancellationToken.None);
        Fact(look, "rows").ShouldBe("40");
        Fact(look, "missing cells").ShouldBe("8.3%"); // 10 of 120
        look.Warnings.ShouldContain(warning =>
            warning.StartsWith("the column key has another value", StringComparison.Ordinal));
        look.Warnings.ShouldContain(warning => warning.StartsWith("40 rows are few", StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_has_the_kinds_of_at_least_a_tenth_of_its_files()
    {
        for (int i = 0; i < 12; i++)
            File.WriteAllText(Path.Combine(_folder.Path, $"{i}.txt"), "text");
        File.WriteAllBytes(Path.Combine(_folder.Path, "a.png"), [1]);
        SourceKind.In(_folder.Path).ShouldBe([Modality.Text]);
        File.WriteAllBytes(Path.Combine(_folder.Path, "b.png"), [1]);
        SourceKind.In(_folder.Path).ShouldBe([Modality.Text, Modality.Image]);
    }

    private static DataLook Look(string path, params string[] changes) => DataLooks.Of(
        RecipeReader.Parse("", "test", Atelier.Models.ModelFamilies.All, [$"data.source={RecipeWriter.Quote(path)}",
            .. changes]), new TextTask(), null, CancellationToken.None);

    private static string Fact(DataLook look, string name) => look.Facts.Single(fact => fact.Name == name).Value;
}
