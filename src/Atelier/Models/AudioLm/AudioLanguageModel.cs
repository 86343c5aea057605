using Atelier.Data.Audio;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tasks.Audio;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using Dropout = Atelier.Layers.Dropout;
using Embedding = Atelier.Layers.Embedding;
using F = TorchSharp.torch.nn.functional;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.AudioLm;

/// <summary>
/// A causal Transformer over the codes of a codec in the delay pattern (MusicGen, Copet et al. 2023): the embeddings of
/// all codebooks are summed, and each codebook has its output layer. The embedding of the class is added at each step.
/// </summary>
public sealed class AudioLanguageModel : SoundModel
{
    private const double Deviation = 0.02; // of the initial weights (Radford et al. 2018, section 4.1)
    private const string Sinusoids = "sinusoids";

    private readonly Precision _precision;
    private readonly AttentionProduct _product = new();
    private readonly ModuleList<Embedding> _embeddings = new();
    private readonly ModuleList<TransformerBlock> _blocks = new();
    private readonly ModuleList<Linear> _heads = new();
    private readonly Embedding? _classes; // the last vector stands for any class
    private readonly BlockStack _layers;
    [ComponentName(Name = Sinusoids)]
    private readonly Tensor _sinusoids; // [context, hidden]

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="schema">The sample rate, channels, length and classes of its clips.</param>
    /// <param name="codes">The shape of the codes of a clip.</param>
    /// <param name="precision">The precision of matrix products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the sounds.</exception>
    public AudioLanguageModel(AudioLmConfig config, AudioSchema schema, CodeShape codes, Precision precision, long seed)
        : base("audio-lm", schema, codes)
    {
        config.Check(schema, codes);
        (Config, _precision) = (config, precision);
        using var random = new Generator((ulong)seed, CPU);
        int hidden = config.HiddenSize;
        var shape = new BlockShape(hidden, config.HeadCount, hidden / config.HeadCount, config.FeedForwardSize)
        {
            Activation = ActivationName.Gelu, NormFirst = true, Deviation = Deviation, Dropout = config.Dropout,
            AttentionDropout = config.Dropout,
        };
        for (int book = 0; book < codes.Codebooks; book++)
        {
            _embeddings.Add(new Embedding(codes.CodebookSize + 1, hidden, Deviation, random)); // the last: no code
            _heads.Add(new Linear(hidden, codes.CodebookSize, bias: false, precision, Deviation, random));
        }
        for (int layer = 0; layer < config.LayerCount; layer++)
            _blocks.Add(new TransformerBlock(shape, _product, cross: null, precision, random));
        var norm = Norm.Create(shape.Norm, hidden, shape.Bias, shape.NormEpsilon);
        _layers = new BlockStack(_blocks, norm);
        _sinusoids = SinusoidalPositions.Table(Context, hidden);
        register_module("embeddings", _embeddings);
        register_module("blocks", _blocks);
        register_module("finalNorm", norm);
        register_module("heads", _heads);
        register_buffer(Sinusoids, _sinusoids, persistent: false);
        if (config.Conditional)
        {
            _classes = new Embedding(schema.Classes.Count + 1, hidden, Deviation, random);
            register_module("classes", _classes);
        }
        Objectives = [new Objective<CodeBatch>("loss", Loss, [.. parameters()])];
    }

    /// <summary>The configuration.</summary>
    public AudioLmConfig Config { get; }

    /// <inheritdoc/>
    public override bool IsConditional => Config.Conditional;

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<CodeBatch>> Objectives { get; }

    /// <summary>The number of steps that it is trained on: those of a clip.</summary>
    internal int Context => DelayPattern.Steps(Codes);

    /// <summary>The id that stands where a step has no code of a codebook.</summary>
    internal long Empty => Codes.CodebookSize;

    /// <summary>The label that stands for any class.</summary>
    internal long AnyClass => Schema.Classes.Count;

    /// <summary>Its device.</summary>
    internal Device Device => _embeddings[0].Weight.device;

    /// <inheritdoc/>
    public override Tensor NegativeLogLikelihood(CodeBatch batch)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = Encode(Inputs(batch.Codes), batch.Labels, caches: null);
        Tensor[] losses = [.. Enumerable.Range(0, Codes.Codebooks).Select(k =>
            F.cross_entropy(Logits(hidden.narrow(1, k, Codes.Frames), k).flatten(0, 1),
                batch.Codes.select(1, k).flatten(), reduction: nn.Reduction.None).view(-1, Codes.Frames))];
        return stack(losses, 1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override int[][][] Sample(SoundSampling sampling, CancellationToken cancellation = default) =>
        new CodeSampler(this, sampling).Run(cancellation);

    /// <summary>Computes the last hidden states.</summary>
    /// <param name="steps">The codes of the steps before those to predict, [batch, codebooks, steps], int64.</param>
    /// <param name="labels">The classes, [batch], int64; null or ignored without classes.</param>
    /// <param name="caches">Keys and values of earlier steps, one cache for each block; null for none.</param>
    /// <returns>[batch, steps, hidden]; state s predicts step s.</returns>
    internal Tensor Encode(Tensor steps, Tensor? labels, IReadOnlyList<KeyValueCache>? caches)
    {
        Tensor x = _sinusoids.narrow(0, caches?[0].Length ?? 0, steps.shape[2]).unsqueeze(0);
        for (int k = 0; k < Codes.Codebooks; k++)
            x = x.Plus(_embeddings[k].forward(steps.select(1, k))); // [batch, steps, hidden]
        if (_classes is not null)
            x = x.Plus(_classes.forward(labels!).unsqueeze(1));
        x = Dropout.Apply(x, training ? Config.Dropout : 0);
        return _layers.Forward(x, caches is null ? null : i => new AttentionContext { Cache = caches[i] },
            checkpoint: ActivationCheckpointing ? Through : null);
    }

    /// <summary>The logits of a codebook, [..., codebook size], fp32.</summary>
    internal Tensor Logits(Tensor hidden, int codebook) => _heads[codebook].forward(hidden).to(ScalarType.Float32);

    /// <summary>The caches of new sequences.</summary>
    internal IReadOnlyList<KeyValueCache> CreateCaches() =>
        [.. Enumerable.Range(0, Config.LayerCount).Select(_ => new KeyValueCache())];

    /// <summary>
    /// The codes of the steps before each step, [batch, codebooks, steps]: a step without codes, then all but the last.
    /// </summary>
    internal Tensor Inputs(Tensor codes)
    {
        Tensor steps = DelayPattern.Apply(codes, Empty);
        Tensor start = KeptScalars.Full([steps.shape[0], steps.shape[1], 1], Empty, ScalarType.Int64, steps.device);
        return cat([start, steps.narrow(2, 0, steps.shape[2] - 1)], 2);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _product.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>The mean cross-entropy of all codes: each codebook has as many.</summary>
    private Tensor Loss(CodeBatch batch)
    {
        Tensor hidden = Encode(Inputs(batch.Codes), Labels(batch), caches: null);
        return Enumerable.Range(0, Codes.Codebooks)
            .Select(k => new VocabularyHead(_heads[k].Weight, null, _precision).CrossEntropy(
                hidden.narrow(1, k, Codes.Frames).contiguous(), batch.Codes.select(1, k).contiguous(), smoothing: 0))
            .Aggregate((sum, loss) => sum.Plus(loss)).Times(1.0 / Codes.Codebooks);
    }

    private Tensor Labels(CodeBatch batch) => training && IsConditional
        ? Dropout.OfLabels(batch.Labels, Config.ClassDropout, AnyClass) : batch.Labels;
}
