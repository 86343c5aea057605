using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tests.Recipes;

namespace Atelier.Tests.Runs;

public sealed class RunTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("atelier").FullName;

    private string Folder => Path.Combine(_root, "run");

    internal static Recipe Recipe { get; } = RecipeReader.Parse("name: mine", "test", TestFamily.All);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_run_keeps_its_recipe_with_every_default()
    {
        using (Run.Create(Folder, Recipe))
            File.ReadAllText(Path.Combine(Folder, "recipe.yaml")).ShouldContain("learningRate: 0.001");
        using Run again = Run.Open(Folder, TestFamily.All);
        RecipeWriter.Write(again.Recipe).ShouldBe(RecipeWriter.Write(Recipe));
        again.IsFinished.ShouldBeFalse();
    }

    [Fact]
    public void A_second_holder_is_refused_until_the_first_lets_go()
    {
        using (Run.Create(Folder, Recipe))
        {
            Should.Throw<AtelierException>(() => Run.Open(Folder, TestFamily.All)).Message.ShouldContain("another process");
            Should.Throw<AtelierException>(() => Run.Create(Folder, Recipe)).Message.ShouldContain("unfinished");
        }
        Run.Open(Folder, TestFamily.All).Dispose();
    }

    [Fact]
    public void Creating_over_something_says_what_to_do()
    {
        using (Run run = Run.Create(Folder, Recipe))
            Should.Throw<AtelierException>(() => Run.Create(Folder, Recipe)).Hint!.ShouldContain("--resume");
        using (Run run = Run.Open(Folder, TestFamily.All))
            run.Finish(json => { json.WriteStartObject(); json.WriteEndObject(); });
        Should.Throw<AtelierException>(() => Run.Create(Folder, Recipe)).ToLine().ShouldContain("finished run is here already; choose another place with --out");

        string others = Directory.CreateDirectory(Path.Combine(_root, "others")).FullName;
        File.WriteAllText(Path.Combine(others, "thesis.txt"), "mine");
        Should.Throw<AtelierException>(() => Run.Create(others, Recipe)).Hint!.ShouldContain("--out");
        Directory.GetFiles(others).ShouldBe([Path.Combine(others, "thesis.txt")]);
        Should.Throw<AtelierException>(() => Run.Create(Path.Combine(others, "thesis.txt"), Recipe)).Message.ShouldContain("file");
    }

    [Fact]
    public void A_folder_without_a_run_cannot_be_opened()
    {
        Should.Throw<AtelierException>(() => Run.Open(Folder, TestFamily.All)).Message.ShouldContain("no run");
        Directory.Exists(Folder).ShouldBeFalse();
    }
}
