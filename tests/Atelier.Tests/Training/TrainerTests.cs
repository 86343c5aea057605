using Atelier.Data;
using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp;

namespace Atelier.Tests.Training;

[Collection(nameof(OneAtATime))]
public sealed class TrainerTests
{
    [Fact]
    public void A_small_network_learns_a_curve_and_the_report_says_how_it_went()
    {
        using var run = new TinyRun(TinyRun.Plain with { Steps = 400, EvaluateEvery = 100 });
        using var model = new TinyModel();
        string? bundle = null;
        TrainingReport report =
            run.Learn(model, validation: new PointBatches(2), hooks: new() { WriteBundle = folder => bundle = folder });
        report.Steps.ShouldBe(400);
        report.StopReason.ShouldBe("steps");
        report.Metrics["validationLoss"].ShouldBeLessThan(0.02);
        run.Told.First(t => t.Loss is not null).Loss!.Value.ShouldBeGreaterThan(0.3);
        bundle.ShouldBe(run.Run.BundleFolder);
    }

    [Theory]
    [InlineData(4, 16, 100, new long[] { 12, 37, 62, 87 })]
    [InlineData(null, 32, 3, new long[] { 0, 1, 2 })]
    [InlineData(null, 32, 80, null)] // 40 of them
    [InlineData(null, 8, 1000, null)] // 160: as many rows
    public void A_measurement_takes_batches_spread_over_the_validation_part_and_says_of_how_many_it_is(int? most,
        int batchSize, int batches, long[]? expected)
    {
        var asked = new List<long>();
        using var run =
            new TinyRun(TinyRun.Plain with { Steps = 2, EvaluateEvery = 1, EvaluationBatches = most,
            BatchSize = batchSize });
        using var model = new TinyModel();
        TrainingReport report =
            run.Learn(model, validation: new PointBatches(2, size: 4, batches: batches) { OnGet = asked.Add });
        long[] first = [.. asked.Take(asked.Count / 2)];
        asked.Skip(asked.Count / 2).ShouldBe(first, "each measurement takes the same");
        if (expected is not null)
            first.ShouldBe(expected);
        else
        {
            first.Length.ShouldBe(1280 / batchSize);
            first.Zip(first.Skip(1), (a, b) => b - a)
                .ShouldAllBe(gap => gap == batches / first.Length || gap == (batches / first.Length) + 1);
        }
        report.Metrics["validationBatches"].ShouldBe(first.Length);
        report.Metrics["validationBatchesInAll"].ShouldBe(batches);
        run.Told.First(t => t.ValidationLoss is not null).ValidationBatches.ShouldBe((first.Length, batches));
    }

    [Fact]
    public void A_model_without_blocks_refuses_to_compute_them_anew()
    {
        using var run = new TinyRun(TinyRun.Plain with { ActivationCheckpointing = true });
        using var model = new TinyModel();
        Should.Throw<AtelierException>(() => run.Learn(model)).Where.ShouldBe("training.activationCheckpointing");
    }

    [Theory]
    [InlineData(Precision.Tf32, true)]
    [InlineData(Precision.Fp32, false)]
    [InlineData(Precision.Bf16, false)]
    public void CUDA_may_round_products_to_tf32_only_where_the_recipe_says_so(Precision precision, bool allowed)
    {
        using var run = new TinyRun(TinyRun.Plain with { Precision = precision, Steps = 1 });
        using var model = new TinyModel();
        run.Learn(model);
        torch.backends.cuda.matmul.allow_tf32.ShouldBe(allowed);
        torch.backends.cudnn.allow_tf32.ShouldBe(allowed);
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

    [Fact]
    public void One_batch_can_be_learned_by_heart_and_no_other_is_asked_for()
    {
        var asked = new HashSet<long>();
        using var run = new TinyRun(TinyRun.Plain with { OverfitOneBatch = true, Steps = 800 });
        using var model = new TinyModel(width: 64);
        TrainingReport report = run.Learn(model, new PointBatches(1, size: 4) { OnGet = n => asked.Add(n) });
        report.Metrics["trainingLoss"].ShouldBeLessThan(1e-4);
        asked.ShouldBe([0L]);
    }

    [Fact]
    public void Full_batch_descent_takes_every_batch_in_every_step()
    {
        using var full =
            new TinyRun(TinyRun.Plain with { Steps = 3,
            Optimizer = new() { Name = OptimizerName.FullBatch, LearningRate = 0.1 } });
        using var one =
            new TinyRun(TinyRun.Plain with { Steps = 3,
            Optimizer = new() { Name = OptimizerName.Sgd, LearningRate = 0.1 } });
        using TinyModel a = new(), b = new();
        full.Learn(a, new PointBatches(1, size: 8, batches: 2));
        one.Learn(b, new JoinedBatches(new PointBatches(1, size: 8, batches: 2)));
        a.Weights().Zip(b.Weights()).ShouldAllBe(pair => Math.Abs(pair.First - pair.Second) < 2e-6f);
    }

    [Fact]
    public void Epochs_and_time_end_a_run_where_they_come_first()
    {
        using var epochs = new TinyRun(TinyRun.Plain with { Epochs = 1.5 });
        using var time = new TinyRun(TinyRun.Plain with { Steps = null, Minutes = 0.001 });
        using TinyModel a = new(), b = new();
        TrainingReport report = epochs.Learn(a);
        (report.Steps, report.StopReason).ShouldBe((12, "epochs"));
        time.Learn(b).StopReason.ShouldBe("time");
    }

    [Fact]
    public void Training_without_an_end_is_refused()
    {
        using var run = new TinyRun(TinyRun.Plain with { Steps = null });
        using var model = new TinyModel();
        Should.Throw<AtelierException>(() => run.Learn(model)).Hint!.ShouldContain("training.steps");
    }

    [Fact]
    public void Early_stopping_keeps_the_best_weights()
    {
        // Validation heights that the training data contradict: soon it gets worse.
        using var run = new TinyRun(TinyRun.Plain with { Steps = 2000, EvaluateEvery = 5, Patience = 3 });
        using var model = new TinyModel(width: 64);
        float[]? kept = null;
        TrainingReport report =
            run.Learn(model, new PointBatches(1, size: 4, batches: 1), new PointBatches(7, size: 64, batches: 1),
            new() { WriteBundle = _ => kept = model.Weights() });
        report.StopReason.ShouldBe("early-stopping");
        double[] measured = [.. run.Told.Where(t => t.ValidationLoss is not null).Select(t => t.ValidationLoss!.Value)];
        measured[^4].ShouldBe(measured.Min());
        using PointBatch batch = new PointBatches(7, size: 64, batches: 1).Get(0);
        model.Evaluate(batch)["loss"].ShouldBe(measured.Min(), 1e-6);
        kept.ShouldBe(model.Weights());
        report.Metrics["validationLoss"].ShouldBe(measured.Min());
    }

    [Fact]
    public void The_moving_average_is_what_its_equation_says_and_is_what_is_judged()
    {
        var weights = new List<float[]>();
        using var run = new TinyRun(TinyRun.Plain with { Steps = 6, Ema = 0.4, EvaluateEvery = 6 });
        using var model = new TinyModel();
        float[] average = model.Weights();
        float[]? bundled = null;
        using var spy = new TinyModelSpy(model, () => weights.Add(model.Weights()));
        run.Learn(spy, validation: new PointBatches(2), hooks: new() { WriteBundle = _ => bundled = model.Weights() });
        weights.Add(model.Weights()); // the loss of step t sees the weights after step t - 1; these are the last
        for (int step = 1; step <= 6; step++)
        {
            double decay = Math.Min(0.4, (1.0 + step) / (10.0 + step));
            average = [.. average.Zip(weights[step], (a, w) => (float)((decay * a) + ((1 - decay) * w)))];
        }
        bundled!.Zip(average).ShouldAllBe(pair => Math.Abs(pair.First - pair.Second) < 1e-6f);
        bundled!.ShouldNotBe(model.Weights());
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_the_run_with_its_step_and_batch_and_the_last_checkpoint_stays()
    {
        int calls = 0;
        using var run =
            new TinyRun(TinyRun.Plain with { CheckpointEvery = 5, ReportEvery = 10, Steps = 40,
            GradientAccumulation = 2 });
        // the first batch of step 13
        using var model = new TinyModel { OnLoss = loss => ++calls >= 25 ? loss / 0 : loss };
        var e = Should.Throw<AtelierException>(() => run.Learn(model));
        e.Where.ShouldBe("step 13, batch 24");
        e.ToLine().ShouldContain("learningRate");
        Directory.GetDirectories(run.Run.CheckpointFolder).Select(Path.GetFileName)
            .ShouldBe(["step-10", "step-5"], ignoreOrder: true);
    }

    [Fact]
    public void A_batch_that_does_not_fit_is_told_as_such()
    {
        using var run = new TinyRun(TinyRun.Plain);
        using var model = new TinyModel { OnLoss = loss => loss + TorchSharp.torch.ones(1L << 50).sum() };
        var e = Should.Throw<AtelierException>(() => run.Learn(model));
        e.Where.ShouldBe("training.batchSize");
        e.Hint!.ShouldContain("gradientAccumulation");
    }

    [Fact]
    public void A_mistake_in_the_data_comes_out_as_itself()
    {
        using var run = new TinyRun(TinyRun.Plain);
        using var model = new TinyModel();
        var training = new PointBatches(1) { OnGet = n => { if (n == 7) throw new AtelierException("row 7 is odd"); } };
        Should.Throw<AtelierException>(() => run.Learn(model, training)).Message.ShouldBe("row 7 is odd");
    }

    [Fact]
    public void A_sample_is_told_and_lies_in_the_folder_of_samples()
    {
        using var run = new TinyRun(TinyRun.Plain with { SampleEvery = 10 });
        using var model = new TinyModel();
        run.Learn(model, hooks: new()
        {
            WriteBundle = _ => { },
            WriteSample = (path, _) =>
            {
                string shown = model.training ? "training" : "judged";
                File.WriteAllText(path + ".txt", shown);
                return new(path + ".txt", shown);
            },
        });
        run.Told.Where(t => t.Sample is not null).Select(t => (t.Step, t.Sample))
            .ShouldBe([(10, "judged"), (20, "judged"), (30, "judged")]);
        File.ReadAllText(Path.Combine(run.Run.SampleFolder, "step-20.txt")).ShouldBe("judged");
        model.training.ShouldBeTrue();
    }

    [Fact]
    public void A_finished_run_that_is_asked_to_go_on_tells_the_same_again()
    {
        using var run = new TinyRun(TinyRun.Plain);
        using TinyModel first = new(), again = new(seed: 5);
        TrainingReport told = run.Learn(first, validation: new PointBatches(2));
        string metrics = File.ReadAllText(run.Run.MetricsPath);
        TrainingReport retold = run.Learn(again, validation: new PointBatches(2));
        (retold.Steps, retold.StopReason).ShouldBe((told.Steps, told.StopReason));
        retold.Metrics["validationLoss"].ShouldBe(told.Metrics["validationLoss"]);
        retold.Metrics["trainingLoss"].ShouldBe(told.Metrics["trainingLoss"]);
        File.ReadAllText(run.Run.MetricsPath).ShouldBe(metrics);
        again.Weights().ShouldBe(first.Weights());
    }

    [Fact]
    public void A_run_that_is_cancelled_before_it_begins_ends_in_peace()
    {
        using var run = new TinyRun(TinyRun.Plain);
        using var model = new TinyModel();
        TrainingReport report = run.Learn(model, cancellation: new CancellationToken(canceled: true));
        (report.Steps, report.StopReason).ShouldBe((0, "interrupted"));
    }

    [Fact]
    public void Weights_that_the_last_update_spoiled_are_not_saved()
    {
        using var run =
            new TinyRun(TinyRun.Plain with { CheckpointEvery = 5, ReportEvery = 100, ClipNorm = 0,
            Optimizer = new() { Name = OptimizerName.Sgd, LearningRate = 0.1 } });
        int calls = 0;
        // The loss stays finite while its gradient is not: the square root of zero has an infinite slope.
        using var model = new TinyModel { OnLoss = loss => ++calls == 10 ? loss + (loss * 0).sqrt() : loss };
        var e = Should.Throw<AtelierException>(() => run.Learn(model));
        e.Where.ShouldBe("step 10, batch 9");
        Directory.GetDirectories(run.Run.CheckpointFolder).Select(Path.GetFileName).ShouldBe(["step-5"]);
    }

    /// <summary>A model that says when its loss is asked for.</summary>
    private sealed class TinyModelSpy : GradientModel<PointBatch>
    {
        private readonly TinyModel _model;

        public TinyModelSpy(TinyModel model, Action look)
            : base("spy")
        {
            _model = model;
            RegisterComponents();
            Objective<PointBatch> turn = model.Objectives[0];
            Objectives = [turn with
            {
                Loss = batch =>
                {
                    look();
                    return turn.Loss(batch);
                },
            }];
        }

        public override IReadOnlyList<Objective<PointBatch>> Objectives { get; }

        public override IReadOnlyDictionary<string, double> Evaluate(PointBatch batch) => _model.Evaluate(batch);
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
