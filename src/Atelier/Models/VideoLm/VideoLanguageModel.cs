using Atelier.Abstractions;
using Atelier.Data.Video;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Recipes;
using Atelier.Tasks;
using Atelier.Tasks.Video;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Dropout = Atelier.Layers.Dropout;
using Embedding = Atelier.Layers.Embedding;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.VideoLm;

/// <summary>
/// A language model of clips (VideoGPT, Yan et al. 2021): an autoencoder turns frames into codes, and a causal
/// Transformer predicts the codes of a clip one after another, frame by frame and row by row. Both are trained
/// together; no gradient flows from the Transformer to the codes. The paper trains one after the other, and its
/// autoencoder also shortens time.
/// </summary>
public sealed class VideoLanguageModel : VideoModel
{
    private const double Deviation = 0.02; // of the initial weights (Radford et al. 2018, section 4.1)

    private readonly Precision _precision;
    private readonly AttentionProduct _product = new();
    private readonly FrameCodec _codec;
    private readonly Embedding _codes, _frames, _places; // the last code stands before the first one
    private readonly Embedding? _classes; // the last vector stands for any class
    private readonly ModuleList<TransformerBlock> _blocks = new();
    private readonly BlockStack _layers;
    private readonly Linear _head;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="schema">The size, channels, length and classes of its clips.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the clips.</exception>
    public VideoLanguageModel(VideoLmConfig config, VideoSchema schema, Precision precision, long seed)
        : base("video-lm", schema)
    {
        config.Check(schema);
        (Config, _precision) = (config, precision);
        using var random = new Generator((ulong)seed, CPU);
        int hidden = config.HiddenSize;
        _codec = new FrameCodec(config, schema.Channels, schema.Height, schema.Width, precision, random);
        _codes = new Embedding(config.Codes + 1, hidden, Deviation, random);
        _frames = new Embedding(schema.Frames, hidden, Deviation, random);
        _places = new Embedding(FramePositions, hidden, Deviation, random);
        var shape = new BlockShape(hidden, config.HeadCount, hidden / config.HeadCount, 4 * hidden)
        {
            Activation = ActivationName.Gelu, NormFirst = true, Deviation = Deviation, Dropout = config.Dropout,
            AttentionDropout = config.Dropout,
        };
        for (int layer = 0; layer < config.LayerCount; layer++)
            _blocks.Add(new TransformerBlock(shape, _product, cross: null, precision, random));
        var norm = Norm.Create(shape.Norm, hidden, shape.Bias, shape.NormEpsilon);
        _layers = new BlockStack(_blocks, norm);
        _head = new Linear(hidden, config.Codes, bias: false, precision, Deviation, random);
        register_module("codec", _codec);
        register_module("codes", _codes);
        register_module("frames", _frames);
        register_module("places", _places);
        register_module("blocks", _blocks);
        register_module("finalNorm", norm);
        register_module("head", _head);
        if (config.Conditional)
        {
            _classes = new Embedding(schema.Classes.Count + 1, hidden, Deviation, random);
            register_module("classes", _classes);
        }
        Objectives = [new Objective<VideoBatch>("loss", Loss, [.. parameters()])];
    }

    /// <summary>The configuration.</summary>
    public VideoLmConfig Config { get; }

    /// <inheritdoc/>
    public override bool IsConditional => Config.Conditional;

    /// <inheritdoc/>
    public override bool GeneratesFreely => true;

    /// <inheritdoc/>
    public override bool FillsIn => false;

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<VideoBatch>> Objectives { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> SamplingFields => IsConditional ? ["guidance"] : [];

    /// <inheritdoc/>
    public override bool ChoosesCodes => true;

    /// <summary>The number of codes of a frame.</summary>
    internal int FramePositions => Config.PositionsOfFrame(Schema);

    /// <summary>The id that stands before the first code.</summary>
    internal long Start => Config.Codes;

    /// <summary>The label that stands for any class.</summary>
    internal long AnyClass => Schema.Classes.Count;

    /// <inheritdoc/>
    public override string Unit(string figure) => figure switch
    {
        "crossEntropyPerCode" => "nats per code",
        "reconstruction" => "of the variance of pixels",
        _ => "sum of the losses",
    };

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(VideoBatch batch)
    {
        using var scope = NewDisposeScope();
        FrameCodec.Result coded = _codec.Through(batch.Frames.flatten(0, 1));
        double crossEntropy = CrossEntropy(coded.Codes.view(batch.Labels.shape[0], -1), batch.Labels).Number(),
            reconstruction = coded.Reconstruction.Number();
        return new Dictionary<string, double>
        {
            ["loss"] = crossEntropy + reconstruction + coded.Commitment.Number(),
            ["crossEntropyPerCode"] = crossEntropy,
            ["reconstruction"] = reconstruction,
        };
    }

    /// <inheritdoc/>
    /// <remarks>Moves the codes towards the frames of the step.</remarks>
    public override void Conclude(int turn) => _codec.Follow();

    /// <inheritdoc/>
    public override bool DividesAmongRanks => false;

    /// <inheritdoc/>
    public override void ForgetBatches() => _codec.Forget();

    /// <summary>Lets the codes follow the frames of a replica as well.</summary>
    internal void Join(VideoLanguageModel replica) => _codec.Join(replica._codec);

    /// <inheritdoc/>
    public override SamplingOptions Check(SamplingOptions drawing, SamplingDefaults defaults) =>
        drawing with { Guidance = CodeDecoding.Guidance(drawing, IsConditional, defaults.Guidance) };

    /// <inheritdoc/>
    public override Tensor Sample(Tensor noise, GivenFrames? given, Tensor? labels, VideoSampling sampling,
        Generator random, CancellationToken cancellation = default)
    {
        if (given is { ArePrefix: false })
            throw new AtelierException("the model continues the first frames of a clip, and fills in none",
                Mention.Field("given"), "give the first frames, such as 0-3");
        int count = given?.IsGiven.Count(one => one) ?? 0;
        Tensor clips = BatchRows.Map((rows, _) =>
        {
            long some = rows.shape[0];
            Tensor? known = count == 0 ? null
                : _codec.Encode(given!.Frames.index_select(0, rows).narrow(1, 0, count).flatten(0, 1)).view(some, -1);
            Tensor codes = new ClipSampler(this, sampling).Run(noise.index_select(0, rows), known,
                labels?.index_select(0, rows), cancellation);
            Tensor frames = _codec.Decode(codes.view(-1, FramePositions));
            return frames.view([some, Schema.Frames, .. frames.shape[1..]]).Clamped(-1, 1);
        }, KeptScalars.Range(noise.shape[0], ScalarType.Int64, noise.device));
        return count == 0 ? clips
            : cat([given!.Frames.narrow(1, 0, count), clips.narrow(1, count, Schema.Frames - count)], 1);
    }

    /// <summary>Computes the logits of codes.</summary>
    /// <param name="before">The codes before those to predict, [batch, codes], int64.</param>
    /// <param name="labels">The classes, [batch], int64; null or ignored without classes.</param>
    /// <param name="caches">Keys and values of earlier codes, one cache for each block.</param>
    /// <returns>The logits of the last position, [batch, codes], fp32.</returns>
    internal Tensor NextLogits(Tensor before, Tensor? labels, IReadOnlyList<KeyValueCache> caches)
    {
        Tensor hidden = Encode(before, labels, caches);
        return _head.forward(hidden.select(1, hidden.shape[1] - 1)).to(ScalarType.Float32);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _product.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>The cross-entropy of the codes, the error of the decoded frames and the commitment.</summary>
    private Tensor Loss(VideoBatch batch)
    {
        FrameCodec.Result coded = _codec.Through(batch.Frames.flatten(0, 1));
        return CrossEntropy(coded.Codes.view(batch.Labels.shape[0], -1), Labels(batch))
            .Plus(coded.Reconstruction).Plus(coded.Commitment);
    }

    private Tensor Labels(VideoBatch batch) => training && IsConditional
        ? Dropout.OfLabels(batch.Labels, Config.ClassDropout, AnyClass) : batch.Labels;

    /// <summary>The mean cross-entropy of codes in nats, a scalar.</summary>
    /// <param name="codes">[batch, codes], int64.</param>
    /// <param name="labels">[batch], int64.</param>
    private Tensor CrossEntropy(Tensor codes, Tensor labels)
    {
        Tensor start = KeptScalars.Full([codes.shape[0], 1], Start, ScalarType.Int64, codes.device);
        Tensor hidden = Encode(cat([start, codes.narrow(1, 0, codes.shape[1] - 1)], 1), labels, caches: null);
        return new VocabularyHead(_head.Weight, null, _precision).CrossEntropy(hidden, codes, smoothing: 0);
    }

    private Tensor Encode(Tensor before, Tensor? labels, IReadOnlyList<KeyValueCache>? caches)
    {
        Tensor positions = // [positions of a clip, hidden]
            _frames.Weight.unsqueeze(1).Plus(_places.Weight.unsqueeze(0)).flatten(0, 1);
        Tensor x = _codes.forward(before)
            .Plus(positions.narrow(0, caches?[0].Length ?? 0, before.shape[1]).unsqueeze(0));
        if (_classes is not null)
            x = x.Plus(_classes.forward(labels!).unsqueeze(1));
        x = Dropout.Apply(x, training ? Config.Dropout : 0);
        return _layers.Forward(x, caches is null ? null : i => new AttentionContext { Cache = caches[i] },
            checkpoint: ActivationCheckpointing ? Through : null);
    }
}
