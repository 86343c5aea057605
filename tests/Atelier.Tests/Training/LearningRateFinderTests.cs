using Atelier.Recipes;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Training;

[Collection(nameof(OneAtATime))]
public sealed class LearningRateFinderTests
{
    [Fact]
    public void The_suggestion_lies_where_a_loss_of_known_form_falls_the_fastest()
    {
        // 1 / (1 + rate / 0.01) over log(rate) is a logistic curve: steepest where rate = 0.01.
        var points = Enumerable.Range(0, 200).Select(i => 1e-6 * Math.Pow(1e7, i / 199.0))
            .Select(rate => (rate, 1 / (1 + (rate / 0.01)), 0.0)).ToList();
        LearningRateFinder.Suggest(points).ShouldBe(0.01, 0.0008);
    }

    [Fact]
    public void The_sweep_finds_a_rate_that_learns_and_leaves_the_model_as_it_was()
    {
        var recipe = new Recipe { Training = TinyRun.Plain with { Device = "cpu", Threads = 1 } };
        using var model = new TinyModel();
        float[] before = model.Weights();
        var trainer =
            new Trainer<PointBatch>(recipe, model, new PointBatches(1), null, new() { WriteBundle = _ => { } });
        LearningRateSweep sweep = trainer.FindLearningRate();
        model.Weights().ShouldBe(before);
        sweep.Suggestion.ShouldBeInRange(1e-4, 1);
        sweep.Points.Zip(sweep.Points.Skip(1)).ShouldAllBe(pair => pair.Second.Rate > pair.First.Rate);

        using var run =
            new TinyRun(TinyRun.Plain with { Steps = 60,
            Optimizer = new() { LearningRate = sweep.Suggestion, WeightDecay = 0 } });
        run.Learn(model).Metrics["trainingLoss"]
            .ShouldBeLessThan(0.5 * run.Told.First(t => t.Loss is not null).Loss!.Value);

        DirectoryInfo folder = Directory.CreateTempSubdirectory("atelier-test-");
        string path = Path.Combine(folder.FullName, "rates.png");
        sweep.SavePlot(path);
        File.ReadAllBytes(path)[..8].ShouldBe([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        folder.Delete(recursive: true);
    }

    [Fact]
    public void A_loss_that_is_never_finite_is_told()
    {
        var recipe = new Recipe { Training = TinyRun.Plain with { Device = "cpu", Threads = 1 } };
        using var model = new TinyModel { OnLoss = loss => loss / 0 };
        var trainer =
            new Trainer<PointBatch>(recipe, model, new PointBatches(1), null, new() { WriteBundle = _ => { } });
        Should.Throw<AtelierException>(() => trainer.FindLearningRate()).Message.ShouldContain("0 learning rates");
    }
}
