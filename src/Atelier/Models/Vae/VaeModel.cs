using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Images;
using Atelier.Layers;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Models.Vae;

/// <summary>
/// A variational autoencoder (Kingma and Welling 2014; Rezende et al. 2014): an encoder q(z | x), a decoder p(x | z)
/// and a prior p(z), trained by the evidence lower bound log p(x) ≥ E[log p(x | z)] − KL(q(z | x) ‖ p(z)) (eq. 3).
/// </summary>
public sealed class VaeModel : ImageModel, IAutoencoder
{
    private readonly nn.Module<Tensor, Tensor> _encoder, _decoder;
    private readonly ILatents _latents;
    private readonly Likelihood _likelihood;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="schema">The size, channels and classes of its images.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the images.</exception>
    public VaeModel(VaeConfig config, ImageSchema schema, Precision precision, long seed)
        : base("vae", schema)
    {
        config.Check(schema);
        Config = config;
        using var random = new Generator((ulong)seed, CPU);
        (_encoder, _decoder, long[] features) = config.Network == NetworkKind.Dense ? Dense(precision, random)
            : Convolutional(precision, random);
        int classes = config.Conditional ? schema.Classes.Count : 0;
        nn.Module latents = config.Codes > 0
            ? new DiscreteLatents(config, features, classes, precision, random)
            : new GaussianLatents(config, features, classes, precision, random);
        (_latents, _likelihood) = ((ILatents)latents, new Likelihood(config));
        register_module("encoder", _encoder);
        register_module("latents", latents);
        register_module("decoder", _decoder);
        register_module("likelihood", _likelihood);
        Objectives = [new Objective<ImageBatch>("loss", batch => Bound(batch).Loss, [.. parameters()])];
    }

    /// <summary>The configuration.</summary>
    public VaeConfig Config { get; }

    /// <inheritdoc/>
    public override bool IsConditional => Config.Conditional;

    /// <inheritdoc/>
    public bool HasGrid => Config.HasGrid;

    /// <inheritdoc/>
    public override long NoiseSize => _latents.NoiseSize;

    /// <inheritdoc/>
    /// <remarks>A codebook follows the latents of the whole batch.</remarks>
    public override bool NeedsWholeBatch => Config.Codes > 0;

    /// <inheritdoc/>
    public override string Unit(string figure) => figure switch
    {
        "codesUsed" or "codePerplexity" => "codes",
        _ => "nats per picture",
    };

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<ImageBatch>> Objectives { get; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(ImageBatch batch)
    {
        // the same draws each time, so that measurements can be compared
        using var random = new Generator(1, batch.Images.device);
        (Tensor loss, Tensor reconstruction, Posterior posterior) = Bound(batch, random);
        double logLikelihood = -reconstruction.mean().Number(), divergence = posterior.Divergence.mean().Number();
        var figures = new Dictionary<string, double>
        {
            ["loss"] = loss.Number(), ["elbo"] = logLikelihood - divergence, ["reconstruction"] = logLikelihood,
            ["divergence"] = divergence,
        };
        foreach ((string name, Tensor value) in posterior.Figures)
            figures[name] = value.Number();
        return figures;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Adds the importance-weighted bound: the mean of log 1/K Σ p(x | z) p(z) / q(z | x) over K draws (Burda et al.
    /// 2016, eq. 8), with the standard normal prior and with the fitted prior.
    /// </remarks>
    public override IReadOnlyDictionary<string, double> Judge(ImageBatch batch, EvaluationSection options)
    {
        var figures = new Dictionary<string, double>(Evaluate(batch));
        if (_latents is GaussianLatents latents)
        {
            (double standard, double? fitted) = ImportanceBound(latents, batch, options.ImportanceSamples);
            figures["importanceWeightedBound"] = standard;
            if (fitted is { } value)
                figures["importanceWeightedBoundFittedPrior"] = value;
        }
        return figures;
    }

    /// <inheritdoc/>
    public override Tensor Sample(Tensor noise, Tensor? labels, SamplingOptions drawing, Generator random,
        Tensor? given = null, CancellationToken cancellation = default) =>
        BatchRows.Map(Decode, _latents.Sample(noise, labels), labels);

    /// <inheritdoc/>
    public Tensor Encode(Tensor pictures, Tensor? labels)
    {
        using var random = new Generator(1, pictures.device);
        return _latents.Mean(_encoder.forward(_likelihood.Target(pictures, random)), Condition(labels));
    }

    /// <inheritdoc/>
    public Tensor Decode(Tensor latents, Tensor? labels) => _likelihood.Mean(Output(latents, Condition(labels)));

    /// <inheritdoc/>
    /// <remarks>
    /// The class with the highest bound: Bayes' rule for classes of equal probability, with the bound as likelihood.
    /// </remarks>
    public Tensor? Recognise(Tensor pictures)
    {
        if (!IsConditional)
            return null;
        using var scope = NewDisposeScope();
        using var random = new Generator(1, pictures.device);
        Tensor target = _likelihood.Target(pictures, random), features = _encoder.forward(target);
        Tensor[] negativeBounds = [.. Enumerable.Range(0, Schema.Classes.Count).Select(label =>
        {
            using var each = NewDisposeScope();
            Tensor labels = KeptScalars.Full([pictures.shape[0]], label, ScalarType.Int64, pictures.device);
            Tensor divergence = _latents.Posterior(features, labels, random).Divergence,
                output = Output(_latents.Mean(features, labels), labels);
            return _likelihood.NegativeLogLikelihood(target, output).Plus(divergence).MoveToOuterDisposeScope();
        })];
        return stack(negativeBounds).argmin(0).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <remarks>Fits the prior of sampling to draws from the posteriors of training images.</remarks>
    public override void FitAfterTraining(IBatchSource<ImageBatch> training, long batches)
    {
        if (_latents is not GaussianLatents { HasFittedPrior: true })
            return;
        using var scope = NewDisposeScope();
        using var random = new Generator(1, CPU);
        (List<Tensor> latents, List<Tensor> labels) = ([], []);
        for (long number = 0; number < Math.Min(batches, training.BatchesPerEpoch); number++)
        {
            using var each = NewDisposeScope();
            using ImageBatch batch = training.Get(number);
            Device device = this.parameters().First().device;
            Tensor target = _likelihood.Target(batch.Images.to(device), random),
                classes = batch.Labels.to(device).alias();
            Posterior posterior = _latents.Posterior(_encoder.forward(target), Condition(classes), random);
            latents.Add(posterior.Latents.MoveToOuterDisposeScope());
            labels.Add(classes.MoveToOuterDisposeScope());
        }
        _latents.Fit(cat(latents), Condition(cat(labels)));
    }

    /// <summary>The loss of a batch, −log p(x | z) of each image, and the posterior q(z | x).</summary>
    private (Tensor Loss, Tensor Reconstruction, Posterior Posterior) Bound(ImageBatch batch, Generator? random = null)
    {
        Tensor? labels = Condition(batch.Labels);
        Tensor target = _likelihood.Target(batch.Images, random); // [batch, channels, height, width]
        Posterior posterior = _latents.Posterior(_encoder.forward(target), labels, random);
        Tensor reconstruction = // [batch]
            _likelihood.NegativeLogLikelihood(target, Output(posterior.Latents, labels));
        return (reconstruction.mean().Plus(posterior.Penalty), reconstruction, posterior);
    }

    private (double Standard, double? Fitted) ImportanceBound(GaussianLatents latents, ImageBatch batch, int draws)
    {
        using var random = new Generator(1, batch.Images.device);
        Tensor? labels = Condition(batch.Labels);
        Tensor target = _likelihood.Target(batch.Images, random), features = _encoder.forward(target);
        (List<Tensor> standard, List<Tensor> fitted) = ([], []);
        for (int draw = 0; draw < draws; draw++)
        {
            using var scope = NewDisposeScope();
            (Tensor z, Tensor ratio, Tensor? fittedRatio) = latents.ImportanceSample(features, labels, random);
            Tensor reconstruction = _likelihood.NegativeLogLikelihood(target, Output(z, labels));
            standard.Add(ratio.sub(reconstruction).MoveToOuterDisposeScope());
            if (fittedRatio is not null)
                fitted.Add(fittedRatio.sub(reconstruction).MoveToOuterDisposeScope());
        }
        return (LogMean(standard), fitted.Count == 0 ? null : LogMean(fitted));

        double LogMean(List<Tensor> weights) => stack(weights).logsumexp(0).mean().Number() - Math.Log(draws);
    }

    /// <summary>The decoder's output, in the shape of the images, fp32.</summary>
    private Tensor Output(Tensor latents, Tensor? labels) =>
        _decoder.forward(_latents.Features(latents, labels)).to(ScalarType.Float32)
            .view(latents.shape[0], Schema.Channels, Schema.Height, Schema.Width);

    private Tensor? Condition(Tensor? labels) => IsConditional ? labels : null;

    private (nn.Module<Tensor, Tensor>, nn.Module<Tensor, Tensor>, long[]) Convolutional(Precision precision,
        Generator random)
    {
        int halves = 1 << Config.Channels.Count;
        return (new ConvolutionalEncoder(Schema.Channels, Config.Channels, Config.Blocks, precision, random),
            new ConvolutionalDecoder(Config.Channels, Config.Blocks, Schema.Channels, precision, random),
            [Config.Channels[^1], Schema.Height / halves, Schema.Width / halves]);
    }

    private (nn.Module<Tensor, Tensor>, nn.Module<Tensor, Tensor>, long[]) Dense(Precision precision,
        Generator random) =>
        (new DenseNetwork([Schema.Size, .. Config.Hidden], isDecoder: false, precision, random),
            new DenseNetwork([.. Config.Hidden.Reverse(), Schema.Size], isDecoder: true, precision, random),
                [Config.Hidden[^1]]);
}
