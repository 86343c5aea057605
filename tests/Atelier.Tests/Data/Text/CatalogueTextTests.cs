using Atelier.Data.Text;
using Atelier.Recipes;
using Atelier.TestSupport;

namespace Atelier.Tests.Data.Text;

public sealed class CatalogueTextTests
{
    private static TextPreview Look(string name, string file, string? column = null)
    {
        DataFolder.File(name, file);
        return TextPreview.Of(new DataSection { Source = name, Column = column }, 1, 2);
    }

    [Fact]
    public void Tinyshakespeare_is_one_document()
    {
        TextPreview look = Look("tinyshakespeare", "input.txt");
        (look.Documents, look.Characters).ShouldBe((1, 1_115_394));
    }

    [Fact]
    public void Names_are_32033_documents()
    {
        TextPreview look = Look("names", "names.txt");
        (look.Documents, look.Characters).ShouldBe((32_033, 228_145 - 32_032));
        look.First.ShouldBe(["emma", "olivia"]);
    }

    [Fact]
    public void Poems_are_4000_documents_of_lines()
    {
        TextPreview look = Look("poetry-zh", "ci.song.0.json");
        look.Documents.ShouldBe(4000);
        look.First[0].ShouldStartWith("气和玉烛，睿化著鸿明。\n缇管一阳生。\n");
    }

    [Theory]
    [InlineData("english", "Hi.")]
    [InlineData("chinese", "嗨。")]
    public void Sentence_pairs_are_read_by_column(string column, string first)
    {
        TextPreview look = Look("translation-en-zh", "cmn.txt", column);
        look.Documents.ShouldBe(21_116);
        look.First[0].ShouldBe(first);
    }

    [Fact]
    public void A_name_that_is_nearly_one_is_told() =>
        Should.Throw<AtelierException>(() => TextPreview.Of(new DataSection { Source = "tinyshakespear" }, 1, 1))
            .Hint!.ShouldContain("'tinyshakespeare'");
}
