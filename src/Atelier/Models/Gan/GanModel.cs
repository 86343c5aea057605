using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Atelier.Training;
using Atelier.Training.Execution;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Gan;

/// <summary>
/// Two networks in a game (Goodfellow et al. 2014): the discriminator learns to distinguish real images from generated
/// ones, the generator to make images that pass as real. A step has several updates of the discriminator and one of the
/// generator.
/// </summary>
public sealed class GanModel : ImageModel
{
    private const double Collapsed = 0.5; // of the distance that real pictures are apart
    private readonly GeneratorNetwork _generator;
    private readonly DiscriminatorNetwork _discriminator;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="schema">The size, channels and classes of its images.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the images.</exception>
    public GanModel(GanConfig config, ImageSchema schema, Precision precision, long seed)
        : base("gan", schema)
    {
        config.Check(schema);
        Config = config;
        using var random = new Generator((ulong)seed, CPU);
        _generator = new GeneratorNetwork(config, schema, precision, random);
        _discriminator = new DiscriminatorNetwork(config, schema, precision, random);
        register_module("generator", _generator);
        register_module("discriminator", _discriminator);
        Objectives =
        [
            new("discriminator", DiscriminatorLoss,
                [.. _discriminator.parameters()]) { Repeats = config.DiscriminatorTurns,
                RateFactor = config.DiscriminatorRate },
            new("generator", GeneratorLoss, [.. _generator.parameters()]),
        ];
    }

    /// <summary>The configuration.</summary>
    public GanConfig Config { get; }

    /// <inheritdoc/>
    public override bool IsConditional => Config.Condition != GanCondition.None;

    /// <inheritdoc/>
    public override long NoiseSize => Config.NoiseSize;

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<ImageBatch>> Objectives { get; }

    /// <inheritdoc/>
    public override void Prepare(int turn)
    {
        if (turn == 0)
            _discriminator.Iterate();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> SamplingFields => ["interpolate"];

    /// <inheritdoc/>
    public override SamplingOptions Check(SamplingOptions drawing, SamplingDefaults defaults)
    {
        if (drawing.Interpolate is { AreSeeds: false })
            throw new AtelierException("a GAN cannot encode images, so it interpolates between seeds only",
                Mention.Field("interpolate"), $"give seeds: {Mention.Field("interpolate")} 1,2,3");
        base.Check(drawing with { Interpolate = null }, defaults);
        return drawing;
    }

    /// <inheritdoc/>
    public override Tensor Sample(Tensor noise, Tensor? labels, SamplingOptions drawing, Generator random,
        Tensor? given = null, CancellationToken cancellation = default)
    {
        using RowTeam team = Threads.Begin(noise.device, noise.shape[0]);
        return team.Map(noise.shape[0],
            (first, rows) => _generator.Forward(noise.narrow(0, first, rows), labels?.narrow(0, first, rows)));
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(ImageBatch batch)
    {
        using var scope = NewDisposeScope();
        // the same noise each time, so that measurements can be compared
        using var random = new Generator(1, batch.Images.device);
        Tensor made = Make(batch, random);
        Tensor realLogits = _discriminator.Forward(batch.Images, batch.Labels).Logits,
            madeLogits = _discriminator.Forward(made, batch.Labels).Logits;
        (Tensor realRight, Tensor madeRight) = Config.Loss.Right(realLogits, madeLogits);
        return new Dictionary<string, double>
        {
            ["loss"] = Config.Loss.Discriminator(realLogits, madeLogits).Number(),
            ["generatorLoss"] = Config.Loss.Generator(madeLogits).Number(),
            ["realRight"] = realRight.Number(),
            ["madeRight"] = madeRight.Number(),
            ["diversity"] = SampleDiversity.Of(made, batch.Images, IsConditional ? batch.Labels : null),
        };
    }

    /// <inheritdoc/>
    public override string? Warn(IReadOnlyDictionary<string, double> figures) =>
        figures["diversity"] >= Collapsed ? null
        : string.Create(CultureInfo.InvariantCulture,
            $"the generator may have collapsed: its images are {figures["diversity"]:0.00} times as diverse as "
                + $"real ones; a lower training.optimizer.learningRate, more model.discriminatorTurns or another "
                + $"model.loss may help");

    private Tensor DiscriminatorLoss(ImageBatch batch)
    {
        Generator? random = StepContext.Current.Random?.Generator;
        Tensor made;
        using (no_grad())
            made = Make(batch, random);
        long count = batch.Labels.shape[0];
        Tensor pictures = DifferentiableAugmentation.Apply(Config.Augment, cat([batch.Images, made], 0), random),
            labels = cat([batch.Labels, batch.Labels], 0);
        (Tensor logits, Tensor? classes) = _discriminator.Forward(pictures, labels, batches: 2);
        (Tensor real, Tensor fake) = (logits.narrow(0, 0, count), logits.narrow(0, count, count));
        Tensor loss = Config.Loss.Discriminator(real, fake);
        (Tensor realRight, Tensor madeRight) = Config.Loss.Right(real, fake);
        Note("realRight", realRight);
        Note("madeRight", madeRight);
        if (classes is not null)
            loss = loss.Plus(F.cross_entropy(classes.narrow(0, 0, count), batch.Labels));
        if (Config.GradientPenalty > 0)
            loss = loss.Plus(GradientPenalties.Between(Judge, pictures.narrow(0, 0, count),
                pictures.narrow(0, count, count), random).Times(Config.GradientPenalty));
        if (Config.R1 > 0)
            loss = loss.Plus(GradientPenalties.AtReal(Judge, pictures.narrow(0, 0, count)).Times(Config.R1 / 2));
        return loss;

        Tensor Judge(Tensor x) => _discriminator.Forward(x, batch.Labels).Logits;
    }

    private Tensor GeneratorLoss(ImageBatch batch)
    {
        Generator? random = StepContext.Current.Random?.Generator;
        Tensor pictures = DifferentiableAugmentation.Apply(Config.Augment, Make(batch, random), random);
        (Tensor logits, Tensor? classes) = _discriminator.Forward(pictures, batch.Labels);
        Tensor loss = Config.Loss.Generator(logits);
        return classes is null ? loss : loss.Plus(F.cross_entropy(classes, batch.Labels));
    }

    /// <summary>As many pictures as a batch has, of the same classes.</summary>
    private Tensor Make(ImageBatch batch, Generator? random)
    {
        Tensor noise = empty([batch.Labels.shape[0], NoiseSize], ScalarType.Float32, batch.Images.device)
            .normal_(0, 1, random);
        return _generator.Forward(noise, IsConditional ? batch.Labels : null);
    }
}
