using System.Diagnostics;
using TorchSharp;

namespace Atelier.Tests.Training;

[Collection(nameof(OneAtATime))]
public sealed class MemoryTests
{
    [Fact]
    public void The_live_tensors_of_the_learning_thread_do_not_grow_with_the_steps()
    {
        var live = new List<long>();
        using var run = new TinyRun(TinyRun.Plain with
        {
            Steps = 200, ReportEvery = 10, EvaluateEvery = 10, SampleEvery = 20, CheckpointEvery = 40,
                GradientAccumulation = 3, Ema = 0.9,
        });
        using var model = new TinyModel(dropout: 0.1);
        run.Learn(model, validation: new PointBatches(2), hooks: new()
        {
            WriteBundle = _ => { },
            WriteSample = (path, _) =>
            {
                // A batch's two tensors are made on another thread; all but the batch in hand were disposed on this
                // one.
                long step = 20L * (live.Count + 1), disposedForAnother = 2 * ((3 * step) - 1);
                ThreadDisposeScopeStatistics here = DisposeScopeManager.Statistics;
                live.Add(here.CreatedOutsideScopeCount
                    + here.CreatedInScopeCount - here.DisposedOutsideScopeCount - here.DisposedInScopeCount
                    + disposedForAnother);
                return new(path, "sample");
            },
        });
        live.Count.ShouldBe(10);
        live.Skip(1).ShouldAllBe(count => count == live[0], string.Join(' ', live));
    }

    [Fact]
    public void Ten_thousand_steps_hold_no_more_memory_than_the_first_thousand()
    {
        var resident = new List<double>();
        using var run =
            new TinyRun(TinyRun.Plain with { Steps = 10_000, ReportEvery = 100, SampleEvery = 1000, EvaluateEvery = 500,
            Ema = 0.99 });
        using var model = new TinyModel(dropout: 0.1, width: 64);
        run.Learn(model, validation: new PointBatches(2), hooks: new()
        {
            WriteBundle = _ => { },
            WriteSample = (path, _) =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                using Process self = Process.GetCurrentProcess();
                resident.Add(self.WorkingSet64 / 1048576.0);
                return new(path, "sample");
            },
        });
        resident.Count.ShouldBe(10);
        // A step makes some 40 tensors of up to 4 KiB: a leak of one tensor a step would show as 36 MiB.
        (resident[^1] - resident[0])
            .ShouldBeLessThan(16, $"MiB resident: {string.Join(", ", resident.Select(r => $"{r:F0}"))}");
    }
}
