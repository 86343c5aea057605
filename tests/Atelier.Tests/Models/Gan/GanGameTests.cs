using Atelier.Data;
using Atelier.Data.Images;
using Atelier.Models.Gan;
using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Tests.Training;
using Atelier.Training;
using Atelier.Training.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Gan;

/// <summary>Two players that take turns over pictures of 4 × 4.</summary>
[Collection(nameof(OneAtATime))]
public sealed class GanGameTests
{
    private static readonly ImageSchema Schema = new(4, 4, 1, ["a", "b"]);

    public static TheoryData<GanConfig> Games => new(
        new GanConfig(),
        new GanConfig { Networks = GanNetworks.Residual, Loss = GanLoss.NonSaturating,
            Condition = GanCondition.Projection },
        new GanConfig { Loss = GanLoss.Wasserstein, SpectralNorm = false, GradientPenalty = 10, R1 = 1,
            Condition = GanCondition.Classifier,
            Augment = [Augmentation.Colour, Augmentation.Translation, Augmentation.Cutout] });

    [Theory]
    [MemberData(nameof(Games))]
    public void A_turn_moves_its_own_player_and_leaves_no_gradient_at_the_other(GanConfig config)
    {
        using var model = new GanModel(config with { Channels = [8] }, Schema, Precision.Fp32, seed: 1);
        using var replicas = new Replicas<ImageBatch>(model, null, new ExecutionPlan(1, 1));
        using ImageBatch batch = new GaussianPictures().Get(0);
        ObjectiveOptimizer<ImageBatch>[] movers = [.. Enumerable.Range(0, 2)
            .Select(turn =>
            new ObjectiveOptimizer<ImageBatch>(turn, replicas, new Dictionary<nint, string>(), new TrainingSection()))];
        for (int turn = 0; turn < 2; turn++)
        {
            using ObjectiveOptimizer<ImageBatch> mover = movers[turn];
            Dictionary<string, float[]> before = Weights(model);
            replicas.Seed(1, 1);
            mover.Begin();
            mover.Learn(batch, 1);
            foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
                (parameter.grad is not null).ShouldBe(IsOf(name, turn), name);
            mover.Move(0.01);
            // a bias may stand still: where real and made pull alike
            foreach ((string name, float[] after) in Weights(model)
                .Where(w => !IsOf(w.Key, turn) || w.Key.EndsWith("weight", StringComparison.Ordinal)))
                after.SequenceEqual(before[name]).ShouldBe(!IsOf(name, turn), name);
        }

        static bool IsOf(string name, int turn) =>
            name.StartsWith(turn == 0 ? "discriminator" : "generator", StringComparison.Ordinal);
    }

    [Fact]
    public void Copies_of_the_players_learn_the_same_again_bit_for_bit()
    {
        Dictionary<string, float[]> first = Played(), again = Played();
        foreach ((string name, float[] weights) in first)
            weights.ShouldBe(again[name], name);
    }

    [Fact]
    public void Several_turns_of_the_discriminator_see_other_batches_and_the_generator_the_last()
    {
        var asked = new List<long>();
        Play(new GanConfig { DiscriminatorTurns = 3 }, new GaussianPictures { OnGet = asked.Add }, steps: 2).Dispose();
        asked[..6].ShouldBe([0, 1, 2, 3, 4, 5], "none is made twice");
    }

    public static TheoryData<GanConfig> Fair => new(
        new GanConfig { Loss = GanLoss.NonSaturating, SpectralNorm = false, R1 = 0.1 },
        new GanConfig { Loss = GanLoss.Wasserstein, SpectralNorm = false, GradientPenalty = 1,
            DiscriminatorTurns = 2 });

    [Theory]
    [MemberData(nameof(Fair))]
    public void The_game_finds_a_Gaussian(GanConfig config)
    {
        var pictures = new GaussianPictures();
        using GanModel model = Play(config with { NoiseSize = 4, GroupNorm = false }, pictures, steps: 400);
        using var scope = NewDisposeScope();
        using var none = no_grad();
        using var random = new Generator(9, CPU);
        Tensor made = model.Sample(empty(2000, 4).normal_(0, 1, random), null, new(), random).mean([1, 2, 3]);
        made.mean().ToDouble().ShouldBe(GaussianPictures.Mean, 0.15);
        made.std().ToDouble().ShouldBeInRange(GaussianPictures.Deviation / 2, GaussianPictures.Deviation * 2);
    }

    [Fact]
    public void A_collapse_is_told_in_one_line()
    {
        using var model = new GanModel(new GanConfig { Channels = [8] }, Schema, Precision.Fp32, seed: 1);
        model.Warn(new Dictionary<string, double> { ["diversity"] = 0.8 }).ShouldBeNull();
        model.Warn(new Dictionary<string, double> { ["diversity"] = 0.12 })!.ShouldContain("0.12 times as diverse");
    }

    private static Dictionary<string, float[]> Played()
    {
        using GanModel model =
            Play(new GanConfig { Condition = GanCondition.Projection }, new GaussianPictures(), steps: 6, replicas: 2);
        return Weights(model);
    }

    private static GanModel Play(GanConfig config, GaussianPictures pictures, int steps, int replicas = 1)
    {
        var model = new GanModel(config with { Channels = [8] }, Schema, Precision.Fp32, seed: 1);
        using var run = new TinyRun(TinyRun.Plain with
        {
            Steps = steps, BatchSize = 32, Replicas = replicas, ClipNorm = 0,
                Optimizer = new() { Name = OptimizerName.Adam, LearningRate = 4e-3, Beta1 = 0.5, WeightDecay = 0 },
        });
        var trainer = new Trainer<ImageBatch>(run.Run.Recipe, model, pictures, null, new TrainerHooks
        {
            WriteBundle = _ => { },
            CreateReplica = () => new GanModel(config with { Channels = [8] }, Schema, Precision.Fp32, seed: 2),
        });
        trainer.LearnAsync(run.Run, new Progress<TrainingProgress>(), CancellationToken.None).GetAwaiter().GetResult();
        return model;
    }

    private static Dictionary<string, float[]> Weights(GanModel model)
    {
        using var scope = NewDisposeScope();
        return model.named_parameters()
            .ToDictionary(p => p.name, p => p.parameter.detach().flatten().data<float>().ToArray());
    }

    /// <summary>Pictures of one grey, which is normally distributed.</summary>
    private sealed class GaussianPictures : IBatchSource<ImageBatch>
    {
        public const double Mean = 0.2, Deviation = 0.3;

        public long BatchesPerEpoch => 1000;

        public long ItemsPerBatch => 32;

        public Action<long>? OnGet { get; init; }

        public ImageBatch Get(long number)
        {
            OnGet?.Invoke(number);
            using var random = new Generator((ulong)number, CPU);
            return new(empty(ItemsPerBatch, 1, 1, 1).normal_(Mean, Deviation, random).expand(-1, -1, 4, 4).contiguous(),
                arange(ItemsPerBatch).remainder(2));
        }
    }
}
