using Atelier.Data.Video;
using Atelier.Layers;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using Convolution = Atelier.Layers.Convolution;
using F = TorchSharp.torch.nn.functional;
using GroupNorm = Atelier.Layers.GroupNorm;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Evaluation.Video;

/// <summary>
/// A small network that learns how the frames of a clip were rearranged (in their order, shuffled as in Misra et al.
/// 2016, with the halves exchanged, or one frame throughout) and, where there are classes, the class of the clip.
/// Clips are compared by the input of its last layers, which has to show what moves as well as what there is.
/// </summary>
internal sealed class ClipClassifier : GradientModel<VideoBatch>
{
    /// <summary>The number of features of a clip.</summary>
    public const int Width = 64;

    private const int Orders = 4, Groups = 8, Pooled = 4, FrameWidth = 64;
    private readonly VideoSchema _schema;
    private readonly ModuleList<Convolution> _convolutions;
    private readonly ModuleList<GroupNorm> _norms;
    private readonly Linear _frame, _features, _order;
    [ComponentName(Name = "_class")]
    private readonly Linear? _label;

    /// <summary>Creates a network with new weights, on the CPU.</summary>
    /// <param name="schema">The size, channels, length and classes of the clips.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    public ClipClassifier(VideoSchema schema, long seed)
        : base(nameof(ClipClassifier))
    {
        _schema = schema;
        using var random = new Generator((ulong)seed, CPU);
        _convolutions = new ModuleList<Convolution>(
            new Convolution(schema.Channels, 16, 3, 2, Precision.Fp32, random),
            new Convolution(16, 32, 3, 2, Precision.Fp32, random, Math.Sqrt(2)));
        _norms = new ModuleList<GroupNorm>(new GroupNorm(Groups, 16), new GroupNorm(Groups, 32));
        _frame = Dense(32 * Pooled * Pooled, FrameWidth);
        _features = Dense(schema.Frames * FrameWidth, Width);
        _order = Dense(Width, Orders);
        _label = HasClasses ? Dense(Width, schema.Classes.Count) : null;
        RegisterComponents();
        Objectives = [new("loss", batch => Losses(batch, null).Loss, [.. parameters()])];

        Linear Dense(int inputs, int outputs) =>
            new(inputs, outputs, bias: true, Precision.Fp32, 1 / Math.Sqrt(inputs), random);
    }

    /// <summary>Whether it predicts classes as well.</summary>
    public bool HasClasses => _schema.Classes.Count > 1;

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<VideoBatch>> Objectives { get; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(VideoBatch batch)
    {
        using var random = new Generator(1, batch.Frames.device); // the same shuffles each time
        (Tensor loss, Tensor right) = Losses(batch, random);
        return new Dictionary<string, double> { ["loss"] = loss.Number(), ["accuracy"] = right.Number() };
    }

    /// <summary>Computes the features of clips.</summary>
    /// <param name="clips">[batch, frames, channels, height, width], −1 to 1.</param>
    /// <returns>[batch, <see cref="Width"/>], −1 to 1.</returns>
    public Tensor Features(Tensor clips)
    {
        Tensor x = clips.flatten(0, 1);
        for (int layer = 0; layer < _convolutions.Count; layer++)
            x = F.silu(_norms[layer].forward(_convolutions[layer].forward(x))); // half the side each
        x = F.adaptive_avg_pool2d(x, [Pooled, Pooled]).flatten(1);
        x = F.silu(_frame.forward(x)).view(clips.shape[0], -1); // the frames side by side
        return _features.forward(x).tanh();
    }

    /// <summary>The cross-entropy of orders and classes, and the share of orders that are right.</summary>
    private (Tensor Loss, Tensor Right) Losses(VideoBatch batch, Generator? random)
    {
        Tensor clips = batch.Frames;
        int frames = _schema.Frames;
        Tensor shuffle = empty([frames], device: clips.device).FillUniform(0, 1, random).argsort();
        Tensor[] halves = clips.split([frames / 2, frames - (frames / 2)], 1);
        Tensor features = Features(cat([clips, clips.index_select(1, shuffle), cat([halves[1], halves[0]], 1),
            clips.narrow(1, frames / 2, 1).expand_as(clips)], 0));
        Tensor orders = KeptScalars.Range(Orders, ScalarType.Int64, clips.device).repeat_interleave(clips.shape[0]);
        Tensor logits = _order.forward(features), loss = F.cross_entropy(logits, orders);
        if (_label is not null)
            loss = loss.Plus(F.cross_entropy(_label.forward(features.narrow(0, 0, clips.shape[0])), batch.Labels));
        return (loss, logits.argmax(1).eq(orders).to(ScalarType.Float32).mean());
    }
}
