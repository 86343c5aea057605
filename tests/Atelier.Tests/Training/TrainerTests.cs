using Atelier.Recipes;
using Atelier.Training;

namespace Atelier.Tests.Training;

public sealed class TrainerTests
{
    [Fact]
    public void A_small_network_learns_a_curve_and_the_report_says_how_it_went()
    {
        using var run = new TinyRun(TinyRun.Plain with { Steps = 400, EvaluateEvery = 100 });
        using var model = new TinyModel();
        string? bundle = null;
        TrainingReport report = run.Learn(model, validation: new PointBatches(2), hooks: new() { WriteBundle = folder => bundle = folder });
        report.Steps.ShouldBe(400);
        report.StopReason.ShouldBe("steps");
        report.Metrics["validationLoss"].ShouldBeLessThan(0.02);
        run.Told[0].Loss!.Value.ShouldBeGreaterThan(0.3);
        bundle.ShouldBe(run.Run.BundleFolder);
    }

    [Fact]
    public void Gradients_of_parts_of_a_batch_add_up_to_those_of_the_whole()
    {
        var halves = new PointBatches(1);
        using var accumulated = new TinyRun(TinyRun.Plain with { GradientAccumulation = 2, Steps = 5 });
        using var whole = new TinyRun(TinyRun.Plain with { Steps = 5 });
        using TinyModel a = new(), b = new();
        accumulated.Learn(a, halves);
        whole.Learn(b, new JoinedBatches(halves));
        a.Weights().Zip(b.Weights()).ShouldAllBe(pair => Math.Abs(pair.First - pair.Second) < 2e-6f);
    }

    private sealed class JoinedBatches(PointBatches halves) : IBatchSource<PointBatch>
    {
        public long BatchesPerEpoch => halves.BatchesPerEpoch / 2;

        public long ItemsPerBatch => halves.ItemsPerBatch * 2;

        public PointBatch Get(long number)
        {
            using PointBatch first = halves.Get(2 * number), second = halves.Get((2 * number) + 1);
            return new(TorchSharp.torch.cat([first.X, second.X]), TorchSharp.torch.cat([first.Y, second.Y]));
        }
    }
}
