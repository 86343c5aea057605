using Atelier.Data.Images;
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

namespace Atelier.Evaluation.Images;

/// <summary>
/// A small convolutional network that learns the classes of images or, without classes, by which angle they were
/// rotated (Gidaris et al. 2018). Images are compared by the input of its last layer.
/// </summary>
internal sealed class ImageClassifier : GradientModel<ImageBatch>
{
    /// <summary>The number of features of an image.</summary>
    public const int Width = 64;

    private const int Turnings = 4;
    private const int Groups = 8;
    private IReadOnlyList<Objective<ImageBatch>>? _objectives;

    /// <summary>Creates a classifier with new weights, on the CPU.</summary>
    /// <param name="schema">The size, channels and classes of the images.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    public ImageClassifier(ImageSchema schema, long seed) : base(nameof(ImageClassifier))
    {
        using var random = new Generator((ulong)seed, CPU);
        Schema = schema;
        Convolutions = new ModuleList<Convolution>(
            new Convolution(schema.Channels, 32, 3, 2, Precision.Fp32, random),
            new Convolution(32, 64, 3, 2, Precision.Fp32, random, Math.Sqrt(2)),
            new Convolution(64, 64, 3, 2, Precision.Fp32, random, Math.Sqrt(2)));
        Norms = new ModuleList<GroupNorm>(new GroupNorm(Groups, 32), new GroupNorm(Groups, 64),
            new GroupNorm(Groups, 64));
        Features = new Linear(64 * Pooled * Pooled, Width, bias: true, Precision.Fp32,
            1 / Math.Sqrt(64 * Pooled * Pooled), random);
        Head = new Linear(Width, HasClasses ? schema.Classes.Count
            : Turnings, bias: true, Precision.Fp32, 1 / Math.Sqrt(Width), random);
        RegisterComponents();
    }

    private const int Pooled = 4; // the side of the feature layer's input, whatever the size of the images

    /// <summary>The size, channels and classes of the images.</summary>
    public ImageSchema Schema { get; }

    /// <summary>Whether it predicts classes rather than rotations.</summary>
    public bool HasClasses => Schema.Classes.Count > 1;

    [field: ComponentName(Name = "convolutions")]
    private ModuleList<Convolution> Convolutions { get; }

    [field: ComponentName(Name = "norms")]
    private ModuleList<GroupNorm> Norms { get; }

    [field: ComponentName(Name = "features")]
    private Linear Features { get; }

    [field: ComponentName(Name = "head")]
    private Linear Head { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<ImageBatch>> Objectives =>
        _objectives ??= [new("loss", batch => Losses(batch).Loss, [.. parameters()])];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(ImageBatch batch)
    {
        (Tensor loss, Tensor right) = Losses(batch);
        return new Dictionary<string, double> { ["loss"] = loss.Number(), ["accuracy"] = right.Number() };
    }

    /// <summary>Computes the features and logits of images.</summary>
    /// <param name="images">[batch, channels, height, width], −1 to 1.</param>
    /// <returns>Features, [batch, <see cref="Width"/>], −1 to 1, and logits.</returns>
    public (Tensor Features, Tensor Logits) Extract(Tensor images)
    {
        Tensor x = images;
        for (int layer = 0; layer < Convolutions.Count; layer++)
            x = F.silu(Norms[layer].call(Convolutions[layer].call(x))); // half the side each
        x = F.adaptive_avg_pool2d(x, [Pooled, Pooled]).flatten(1);
        x = Features.call(x).tanh();
        return (x, Head.call(x));
    }

    private (Tensor Loss, Tensor Right) Losses(ImageBatch batch)
    {
        Tensor images = HasClasses ? batch.Images : cat(Turned(batch.Images));
        Tensor labels = HasClasses ? batch.Labels
            : KeptScalars.Range(Turnings, ScalarType.Int64, batch.Labels.device)
            .repeat_interleave(batch.Labels.shape[0]);
        Tensor logits = Extract(images).Logits;
        return (F.cross_entropy(logits, labels), logits.argmax(1).eq(labels).to(ScalarType.Float32).mean());
    }

    /// <summary>
    /// Images rotated by multiples of 90 degrees; images that are not square are mirrored in either direction and
    /// rotated by 180 degrees.
    /// </summary>
    private static Tensor[] Turned(Tensor x) => x.shape[2] == x.shape[3]
        ? [x, x.transpose(2, 3).flip(2), x.flip(2, 3), x.transpose(2, 3).flip(3)]
        : [x, x.flip(2), x.flip(3), x.flip(2, 3)];
}
