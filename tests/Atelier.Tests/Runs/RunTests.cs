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
            Should.Throw<AtelierException>(() =>
                Run.Open(Folder, TestFamily.All)).Message.ShouldContain("another process");
            Should.Throw<AtelierException>(() => Run.Create(Folder, Recipe)).Message.ShouldContain("another process");
        }
        Run.Open(Folder, TestFamily.All).Dispose();
    }

    [Fact]
    public void Creating_over_something_says_what_to_do()
    {
        using (Run run = Run.Create(Folder, Recipe))
            Directory.CreateDirectory(Path.Combine(run.CheckpointFolder, "step-5"));
        Should.Throw<AtelierException>(() => Run.Create(Folder, Recipe)).Hint!.ShouldContain("continue with 'resume'");
        using (Run run = Run.Open(Folder, TestFamily.All))
            run.Finish(json => { json.WriteStartObject(); json.WriteEndObject(); });
        Should.Throw<AtelierException>(() => Run.Create(Folder, Recipe)).ToLine()
            .ShouldContain("the folder holds a finished run already; choose another folder with 'out'");

        string others = Directory.CreateDirectory(Path.Combine(_root, "others")).FullName;
        File.WriteAllText(Path.Combine(others, "thesis.txt"), "mine");
        Should.Throw<AtelierException>(() => Run.Create(others, Recipe)).Hint!.ShouldContain("with 'out'");
        Directory.GetFiles(others).ShouldBe([Path.Combine(others, "thesis.txt")]);
        Should.Throw<AtelierException>(() =>
            Run.Create(Path.Combine(others, "thesis.txt"), Recipe)).Message.ShouldContain("file");
    }

    [Theory]
    [InlineData("")]
    [InlineData("data/train.bin")]
    [InlineData("data/documents.partial")]
    [InlineData("metrics.jsonl")]
    [InlineData("samples/step-2.txt")]
    [InlineData("bundle.partial/config.json")]
    public void A_run_that_ended_before_anything_was_kept_gives_its_folder_to_the_next(string left)
    {
        Run.Create(Folder, Recipe).Dispose();
        string path = Path.Combine(Folder, left);
        if (left.Length > 0)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "left");
        }
        Run.CanBegin(Folder).ShouldBeTrue();
        using Run run = Run.Create(Folder, Recipe with { Seed = 7 });
        Directory.EnumerateFileSystemEntries(Folder).Select(e => Path.GetFileName(e)!).Order()
            .ShouldBe([".lock", "recipe.yaml"]);
        Run.ReadRecipe(Folder, TestFamily.All).Seed.ShouldBe(7);
    }

    [Theory]
    [InlineData("checkpoints/step-5/state.json", true)]
    [InlineData("bundle/config.json", true)]
    [InlineData("notes.txt", true)]
    [InlineData("data/mine.csv", false)] // a person's own folder with a recipe in it, where no run ever was
    public void What_was_learned_and_what_is_a_persons_own_is_never_replaced(string file, bool wasRun)
    {
        Directory.CreateDirectory(Folder);
        if (wasRun)
            Run.Create(Folder, Recipe).Dispose();
        else
            File.WriteAllText(Path.Combine(Folder, "recipe.yaml"), "name: mine");
        string path = Path.Combine(Folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "kept");
        Run.CanBegin(Folder).ShouldBeFalse();
        Should.Throw<AtelierException>(() => Run.Create(Folder, Recipe)).Message.ShouldContain("unfinished run");
        File.ReadAllText(path).ShouldBe("kept");
    }

    [Fact]
    public void A_run_that_is_abandoned_takes_the_folders_with_it_that_were_made_for_it()
    {
        string deep = Path.Combine(_root, "runs", "of", "mine");
        using (Run run = Run.Create(deep, Recipe))
        {
            Directory.CreateDirectory(run.DataFolder);
            run.IsBarelyBegun.ShouldBeTrue();
            run.Abandon();
        }
        Directory.EnumerateFileSystemEntries(_root).ShouldBeEmpty();

        Directory.CreateDirectory(Folder); // it was there before, so it stays
        using (Run run = Run.Create(Folder, Recipe))
            run.Abandon();
        Directory.EnumerateFileSystemEntries(Folder).ShouldBeEmpty();
        Directory.Exists(Folder).ShouldBeTrue();
    }

    [Fact]
    public void A_run_that_is_taken_up_again_or_has_figures_is_not_abandoned()
    {
        using (Run run = Run.Create(Folder, Recipe))
        {
            File.WriteAllText(run.MetricsPath, "{}");
            run.IsBarelyBegun.ShouldBeFalse();
            File.Delete(run.MetricsPath);
        }
        using Run again = Run.Open(Folder, TestFamily.All);
        again.IsBarelyBegun.ShouldBeFalse();
    }

    [Fact]
    public void A_folder_without_a_run_cannot_be_opened()
    {
        Should.Throw<AtelierException>(() => Run.Open(Folder, TestFamily.All)).Message.ShouldContain("no run");
        Directory.Exists(Folder).ShouldBeFalse();
    }
}
