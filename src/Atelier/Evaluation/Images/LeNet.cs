using Atelier.Data;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Evaluation.Images;

/// <summary>
/// LeNet-5 with hyperbolic tangents and maximum pooling over grey images of 32 × 32 (after LeCun et al. 1998), from
/// weights that PyTorch saved. The 84 values of its layer f6 are the features that Fréchet distances on MNIST are
/// published on.
/// </summary>
internal sealed class LeNet : FeatureNetwork
{
    /// <summary>The name of the published weights in the catalogue.</summary>
    public const string CatalogueName = "lenet-mnist";

    private const int Side = 32;
    private readonly Dictionary<string, Tensor> _weights = [];
    private readonly string _path;

    private LeNet(string path, ImageSchema schema, Device device)
    {
        _path = path;
        KnowsClasses = schema.Classes.SequenceEqual(Enumerable.Range(0, 10).Select(digit => $"{digit}"));
        PyTorchFile file = PyTorchFile.Open(path);
        foreach ((string name, long[] shape) in Shapes)
        {
            SafetensorsEntry? entry = file.Entries.FirstOrDefault(e => e.Name == name);
            if (entry is null || !entry.Shape.SequenceEqual(shape))
                throw new AtelierException(
                    $"the tensor {name} is {(entry is null ? "missing" : $"[{string.Join(", ", entry.Shape)}]")}, "
                        + $"where [{string.Join(", ", shape)}] is expected", path,
                        $"give the weights of a LeNet, or write evaluation.features: {CatalogueName}");
            _weights[name] = tensor(file.Read(name), shape).to(device).DetachFromDisposeScope();
        }
    }

    private static IEnumerable<(string Name, long[] Shape)> Shapes { get; } =
    [
        ("convnet.c1.weight", [6, 1, 5, 5]), ("convnet.c1.bias", [6]), ("convnet.c3.weight", [16, 6, 5, 5]),
            ("convnet.c3.bias", [16]),
        ("convnet.c5.weight", [120, 16, 5, 5]), ("convnet.c5.bias", [120]), ("fc.f6.weight", [84, 120]),
            ("fc.f6.bias", [84]),
        ("fc.f7.weight", [10, 84]), ("fc.f7.bias", [10]),
    ];

    /// <inheritdoc/>
    public override string Description => $"the 84 values of layer f6 of the LeNet in {Path.GetFileName(_path)}";

    /// <inheritdoc/>
    public override bool KnowsClasses { get; }

    /// <summary>Loads the network.</summary>
    /// <param name="source">A file, or <see cref="CatalogueName"/>.</param>
    /// <param name="schema">The size, channels and classes of the images.</param>
    /// <param name="device">The device.</param>
    /// <param name="progress">Receives a message about each download.</param>
    /// <param name="cancellation">Cancels the download.</param>
    /// <exception cref="AtelierException">The file is missing or is not such a network, or the images are in
    /// colour.</exception>
    public static LeNet Load(string source, ImageSchema schema, Device device, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        if (schema.Channels != 1)
            throw new AtelierException("a LeNet reads grey images, and these are in colour", "evaluation.features",
                "write auto");
        if (source != CatalogueName)
            return new LeNet(source, schema, device);
        var catalogue = Catalogue.OfThisMachine();
        return new LeNet(catalogue.Get(catalogue.Find(CatalogueName)!, progress, cancellation)[0], schema, device);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (Tensor weight in _weights.Values)
            weight.Dispose();
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, Tensor Weight)> Weights => _weights.Select(w => (w.Key, w.Value));

    /// <inheritdoc/>
    protected override (Tensor Features, Tensor? Logits) Forward(Tensor images)
    {
        Tensor x = images.to(_weights["fc.f6.bias"].device).PlusNumber(1).Times(0.5); // 0 (black) to 1
        if (x.shape[2] != Side || x.shape[3] != Side)
            x = F.interpolate(x, size: [Side, Side], mode: InterpolationMode.Bilinear, align_corners: false);
        x = F.max_pool2d(Convolve(x, "c1").tanh(), [2, 2]); // [batch, 6, 14, 14]
        x = F.max_pool2d(Convolve(x, "c3").tanh(), [2, 2]); // [batch, 16, 5, 5]
        x = Convolve(x, "c5").tanh().flatten(1); // [batch, 120]
        x = F.linear(x, _weights["fc.f6.weight"], _weights["fc.f6.bias"]).tanh(); // [batch, 84]
        return (x, F.linear(x, _weights["fc.f7.weight"], _weights["fc.f7.bias"]));
    }

    private Tensor Convolve(Tensor x, string layer) =>
        Convolutions.Convolve(x, _weights[$"convnet.{layer}.weight"], _weights[$"convnet.{layer}.bias"]);
}
