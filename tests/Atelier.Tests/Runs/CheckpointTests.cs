using System.Diagnostics;
using System.Text.Json.Nodes;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Tests.Training;
using Atelier.Training;

namespace Atelier.Tests.Runs;

[Collection(nameof(OneAtATime))]
public sealed class CheckpointTests
{
    private static readonly TrainingSection Section = TinyRun.Plain with
    {
        CheckpointEvery = 5, EvaluateEvery = 4, SampleEvery = 3, Ema = 0.9, GradientAccumulation = 2,
        Optimizer = new() { LearningRate = 0.01, WeightDecay = 0.1 },
        Schedule = new() { WarmupSteps = 5 },
    };

    [Theory]
    [InlineData(OptimizerName.AdamW)]
    [InlineData(OptimizerName.Lion)]
    public void A_run_that_was_killed_goes_on_to_the_same_weights_bit_for_bit(OptimizerName name)
    {
        TrainingSection section = Section with { Optimizer = Section.Optimizer with { Name = name } };
        (float[] unbroken, string metrics) = LearnTo(section, 30, killAt: null);
        (float[] broken, string brokenMetrics) = LearnTo(section, 30, killAt: 18);
        broken.ShouldBe(unbroken);
        brokenMetrics.ShouldBe(metrics);
    }

    [Fact]
    public void A_cancelled_run_saves_says_so_and_goes_on_to_the_same_weights()
    {
        (float[] unbroken, _) = LearnTo(Section, 30, killAt: null);
        using var run = new TinyRun(Section);
        using var cancel = new CancellationTokenSource();
        using (var model = new TinyModel(dropout: 0.3))
        {
            TrainingReport report = run.Learn(model, validation: new PointBatches(2), cancellation: cancel.Token,
                hooks: Hooks(() => { if (run.Told[^1].Step >= 8) cancel.Cancel(); }));
            (report.StopReason, report.Steps).ShouldBe(("interrupted", 9L));
            Directory.Exists(Path.Combine(run.Run.CheckpointFolder, "step-9")).ShouldBeTrue();
        }
        using var again = new TinyModel(seed: 99, dropout: 0.3);
        run.Learn(again, validation: new PointBatches(2), hooks: Hooks(() => { })).StopReason.ShouldBe("steps");
        again.Weights().ShouldBe(unbroken);
    }

    [Theory]
    [InlineData("model.safetensors", true)]
    [InlineData("optimizer.safetensors", false)]
    [InlineData("state.json", false)]
    [InlineData("checksums.json", true)]
    public void A_checkpoint_that_was_cut_or_altered_is_told_and_the_one_before_it_taken(string file, bool cut)
    {
        (float[] unbroken, _) = LearnTo(Section, 30, killAt: null);
        using var run = new TinyRun(Section);
        Kill(run, 18);
        string path = Path.Combine(run.Run.CheckpointFolder, "step-15", file);
        byte[] bytes = File.ReadAllBytes(path);
        if (!cut)
            bytes[^20] ^= 1;
        File.WriteAllBytes(path, cut ? bytes[..(bytes.Length / 2)] : bytes);
        run.Told.Clear();
        using var model = new TinyModel(seed: 99, dropout: 0.3);
        run.Learn(model, validation: new PointBatches(2), hooks: Hooks(() => { }));
        run.Told[0].Message!.ShouldContain("step-15");
        run.Told[0].Message!.ShouldContain("damaged");
        run.Told.ShouldContain(t => t.Message == "goes on from the checkpoint of step 10");
        model.Weights().ShouldBe(unbroken);
    }

    [Fact]
    public void Where_no_checkpoint_is_whole_the_run_is_refused_rather_than_begun_anew()
    {
        using var run = new TinyRun(Section);
        Kill(run, 18);
        foreach (string folder in Directory.GetDirectories(run.Run.CheckpointFolder))
            File.Delete(Path.Combine(folder, "model.safetensors"));
        using var model = new TinyModel();
        Should.Throw<AtelierException>(() => run.Learn(model)).Message.ShouldBe("no checkpoint is whole");
    }

    [Fact]
    public void A_checkpoint_of_another_model_is_refused_by_the_tensor_that_differs()
    {
        using var run = new TinyRun(Section);
        Kill(run, 18);
        using var wide = new TinyModel(width: 17);
        var e = Should.Throw<AtelierException>(() => run.Learn(wide));
        e.ToLine().ShouldContain("[16, 2]");
        e.ToLine().ShouldContain("[17, 2]");
    }

    [Fact]
    public void The_last_two_and_the_best_are_kept()
    {
        using var run =
            new TinyRun(TinyRun.Plain with { Steps = 60, CheckpointEvery = 10, EvaluateEvery = 5, Patience = 1000 });
        using var model = new TinyModel();
        run.Learn(model, new PointBatches(1, size: 2, batches: 1), new RisingBatches());
        long best = run.Told.Where(t => t.ValidationLoss is not null).MinBy(t => t.ValidationLoss)!.Step;
        Directory.GetDirectories(run.Run.CheckpointFolder).Select(Path.GetFileName)
            .ShouldBe(new[] { $"step-{best}", "step-50", "step-60" }.Distinct(), ignoreOrder: true);
        best.ShouldBeLessThan(50);
    }

    [Fact]
    public void A_full_disk_is_told_once_and_the_checkpoint_before_stays()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs tmpfs");
        using var run = new TinyRun(TinyRun.Plain with { CheckpointEvery = 10 });
        Directory.CreateDirectory(run.Run.CheckpointFolder);
        Assert.SkipUnless(Command("mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", run.Run.CheckpointFolder) == 0,
            "tmpfs cannot be mounted here");
        try
        {
            using var model = new TinyModel(width: 2000); // 32 kB of weights, thrice a checkpoint
            var e = Should.Throw<AtelierException>(() => run.Learn(model));
            e.ToLine().ShouldContain("the checkpoint of step 20 could not be saved");
            e.ToLine().ShouldContain("space");
            Directory.GetFileSystemEntries(run.Run.CheckpointFolder).Select(Path.GetFileName).ShouldBe(["step-10"]);
            run.Told.Clear();
            Should.Throw<AtelierException>(() => run.Learn(model));
            run.Told[0].Message.ShouldBe("goes on from the checkpoint of step 10");
        }
        finally
        {
            Command("umount", run.Run.CheckpointFolder).ShouldBe(0);
        }
    }

    private static TrainerHooks Hooks(Action preview) => new()
    {
        WriteBundle = _ => { },
        WriteSample = (path, _) =>
        {
            preview();
            TorchSharp.torch.rand(3).Dispose(); // a sample draws random numbers of its own
            return new(path, "sample");
        },
    };

    private static (float[] Weights, string Metrics) LearnTo(TrainingSection section, long steps, long? killAt)
    {
        using var run = new TinyRun(section with { Steps = steps });
        if (killAt is { } step)
            Kill(run, step);
        using var model = new TinyModel(seed: killAt is null ? 1 : 99, dropout: 0.3);
        run.Learn(model, validation: new PointBatches(2), hooks: Hooks(() => { }));
        IEnumerable<string> lines = File.ReadLines(run.Run.MetricsPath).Select(line =>
        {
            JsonObject values = JsonNode.Parse(line)!.AsObject();
            values.Remove("tokensPerSecond");
            return values.ToJsonString();
        });
        return (model.Weights(), string.Join('\n', lines));
    }

    /// <summary>Learns until a step and then breaks off without saving.</summary>
    private static void Kill(TinyRun run, long step)
    {
        using var model = new TinyModel(dropout: 0.3);
        Should.Throw<InvalidOperationException>(() =>
            run.Learn(model, validation: new PointBatches(2), hooks: Hooks(() =>
        {
            if (run.Told[^1].Step >= step - 1)
                throw new InvalidOperationException("killed");
        })));
    }

    private static int Command(string name, params string[] arguments)
    {
        try
        {
            using Process process =
                Process.Start(new ProcessStartInfo(name, arguments) { RedirectStandardError = true,
                UseShellExecute = false })!;
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }

    /// <summary>Heights far from the training data's, so that the loss on them soon rises.</summary>
    private sealed class RisingBatches : IBatchSource<PointBatch>
    {
        public long BatchesPerEpoch => 1;

        public long ItemsPerBatch => 64;

        public PointBatch Get(long number) => new PointBatches(7, size: 64, batches: 1).Get(0);
    }
}
