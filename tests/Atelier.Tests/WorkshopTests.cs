using Atelier.Models;
using Atelier.Models.Ngram;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Training;

namespace Atelier.Tests;

public sealed class WorkshopTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_workshop_with_a_home_of_its_own_records_runs_there()
    {
        var workshop = new Workshop(new WorkshopOptions { Home = At("home") });
        await workshop.TrainAsync(workshop.ReadRecipe(Recipe("ngram")), new(At("run")));
        workshop.History.Find(At("run"))!.Status.ShouldBe("finished");
        new RunHistory(At("home/history.db")).List().Single().Folder.ShouldBe(At("run"));
        new Workshop().History.Find(At("run")).ShouldBeNull();
    }

    [Fact]
    public async Task A_workshop_with_a_history_of_its_own_records_runs_in_it()
    {
        var history = new RunHistory(At("mine.db"));
        var workshop = new Workshop(new WorkshopOptions { Home = At("home"), History = history });
        await workshop.TrainAsync(workshop.ReadRecipe(Recipe("ngram")), new(At("run")));
        history.List().Single().Folder.ShouldBe(At("run"));
        File.Exists(At("home/history.db")).ShouldBeFalse();
    }

    [Fact]
    public void A_workshop_knows_the_families_of_its_options_alone()
    {
        var workshop = new Workshop(new WorkshopOptions { Families = [new NgramFamily()], Home = At("home") });
        workshop.ReadRecipe(Recipe("ngram")).Model.Family.ShouldBe("ngram");
        Should.Throw<AtelierException>(() => workshop.ReadRecipe(Recipe("gpt"))).ToLine().ShouldContain("gpt");
    }

    [Fact]
    public void Two_families_of_one_name_are_refused() =>
        Should.Throw<ArgumentException>(() =>
            new Workshop(new WorkshopOptions { Families = [.. ModelFamilies.All, new NgramFamily()] }))
            .Message.ShouldContain("'ngram'");

    [Fact]
    public async Task A_run_learns_in_the_precision_that_this_machine_multiplies_in_and_its_recipe_says_so()
    {
        var workshop = new Workshop(new WorkshopOptions { Home = At("home") });
        Recipe recipe = workshop.ReadRecipe(Recipe("rnn"), "training.steps=1", "model.hiddenSize=16",
            "training.device=cpu", "training.evaluateEvery=0", "training.sampleEvery=0");
        recipe.Training.Precision.ShouldBeNull();
        await workshop.TrainAsync(recipe, new(At("run")));
        Precision fast = ComputeDevice.HasBf16Products ? Precision.Bf16 : Precision.Fp32;
        Run.ReadRecipe(At("run"), workshop.Families).Training.Precision.ShouldBe(fast);
        File.ReadAllText(At("run/recipe.yaml")).ShouldContain($"precision: {fast.ToString().ToLowerInvariant()}");

        var told = new List<string?>();
        await workshop.TrainAsync(workshop.ReadRecipe(Recipe("rnn"), "training.steps=1", "model.hiddenSize=16",
            "training.device=cpu", "training.precision=bf16"), new(At("bf16")) { Progress = new Told(told) });
        told.Exists(message => message?.Contains("no instructions for bf16", StringComparison.Ordinal) == true)
            .ShouldBe(!ComputeDevice.HasBf16Products);
    }

    private string At(string name) => Path.Combine(_folder.Path, name);

    private string Recipe(string family)
    {
        string path = At($"{family}.yaml");
        File.WriteAllText(path, $$"""
            data: {source: "world:stories-en", worldDocuments: 200}
            model: {family: {{family}}}
            """);
        return path;
    }

    private sealed class Told(List<string?> messages) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => messages.Add(value.Message);
    }
}
