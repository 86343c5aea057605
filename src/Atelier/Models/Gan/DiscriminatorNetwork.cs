using Atelier.Data.Images;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Embedding = Atelier.Layers.Embedding;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Gan;

/// <summary>
/// The discriminator: levels that halve width and height, then one logit, and logits of the classes if it classifies
/// (Radford et al. 2016, section 3; Miyato and Koyama 2018, figure 14). It normalises weights, but no activations.
/// </summary>
internal sealed class DiscriminatorNetwork : nn.Module
{
    private const double Tiny = 1e-8; // the root has no slope at zero
    private static readonly Scalar Slope = 0.1; // of leaky ReLU (Miyato et al. 2018, table 3)

    private readonly GanConfig _config;
    private readonly ModuleList<BoundedConvolution> _halvings = new();
    private readonly ModuleList<ResidualHalving> _blocks = new();
    private readonly Linear _logit;
    private readonly Linear? _classLogits;
    private readonly Embedding? _classes;
    private readonly SpectralNorm? _logitNorm, _classesNorm;

    public DiscriminatorNetwork(GanConfig config, ImageSchema schema, Precision precision, Generator random)
        : base(nameof(DiscriminatorNetwork))
    {
        _config = config;
        int[] channels = [schema.Channels, .. config.Channels.Reverse()];
        for (int level = 1; level < channels.Length; level++)
        {
            if (config.Networks == GanNetworks.Residual)
                _blocks.Add(new ResidualHalving(channels[level - 1], channels[level], isFirst: level == 1,
                    config.SpectralNorm, precision, random));
            else
                _halvings.Add(new BoundedConvolution(channels[level - 1], channels[level], 4, 2, config.SpectralNorm,
                    precision, random));
        }
        int positions = config.Networks == GanNetworks.Residual ? 1
            : (schema.Height >> config.Channels.Count) * (schema.Width >> config.Channels.Count);
        int features = channels[^1] * positions;
        _logit = new Linear(features + (config.BatchDeviation ? 1 : 0), 1, bias: true, Precision.Fp32,
            1 / Math.Sqrt(features), random);
        if (config.Condition == GanCondition.Projection)
            _classes = new Embedding(schema.Classes.Count, features, 1 / Math.Sqrt(features), random);
        else if (config.Condition == GanCondition.Classifier)
            _classLogits =
                new Linear(features, schema.Classes.Count, bias: true, Precision.Fp32, 1 / Math.Sqrt(features), random);
        if (config.SpectralNorm)
        {
            _logitNorm = new SpectralNorm(() => _logit.Weight, random);
            _classesNorm = _classes is null ? null : new SpectralNorm(() => _classes.Weight, random);
        }
        RegisterComponents();
    }

    /// <summary>The discriminator's score of each image.</summary>
    /// <param name="images">[batch, channels, height, width], fp32.</param>
    /// <param name="labels">The class of each image, [batch], int64; unused without a condition.</param>
    /// <param name="batches">The number of batches in the images: two for real and generated images, or one.</param>
    /// <returns>Logits, [batch], and logits of the classes, [batch, classes], or null; fp32.</returns>
    public (Tensor Logits, Tensor? Classes) Forward(Tensor images, Tensor labels, int batches = 1)
    {
        Tensor x = images;
        foreach (BoundedConvolution halving in _halvings)
            x = halving.Forward(x).leaky_relu(Slope);
        foreach (ResidualHalving block in _blocks)
            x = block.Forward(x);
        if (x.dtype == ScalarType.BFloat16)
            x = x.to(ScalarType.Float32);
        // [batch, features]
        Tensor features = _config.Networks == GanNetworks.Residual ? F.relu(x).sum([2, 3]) : x.flatten(1);
        Tensor input = _config.BatchDeviation ? cat([features, Deviation(features, batches)], 1) : features;
        Tensor logits = Linear.Product(input, _logitNorm?.Weight() ?? _logit.Weight, _logit.Bias, Precision.Fp32)
            .squeeze(1);
        if (_classes is not null)
        {
            Tensor vectors = (_classesNorm?.Weight() ?? _classes.Weight).index_select(0, labels); // [batch, features]
            logits = logits.Plus(features.mul(vectors).sum(1)); // Miyato and Koyama 2018, eq. 3
        }
        return (logits, _classLogits?.forward(features));
    }

    /// <summary>
    /// The mean over features of their standard deviation in an image's batch, [batch, 1], multiplied by the root of
    /// their number: the length of a vector whose features have that size.
    /// </summary>
    private static Tensor Deviation(Tensor features, int batches)
    {
        Tensor grouped = features.view(batches, -1, features.shape[1]); // [batches, images, features]
        Tensor variance = grouped.Plus(grouped.mean([1], keepdim: true).neg()).Squared().mean([1]);
        // [batches, 1]
        Tensor mean = variance.PlusNumber(Tiny).sqrt().mean([1], keepdim: true).Times(Math.Sqrt(features.shape[1]));
        return mean.unsqueeze(1).expand(-1, grouped.shape[1], -1).reshape(-1, 1);
    }

    /// <summary>One power iteration of every normalised weight.</summary>
    public void Iterate()
    {
        foreach (SpectralNorm norm in modules().OfType<SpectralNorm>())
            norm.Iterate();
    }

    /// <summary>
    /// half(x) + half(conv(relu(conv(relu(x))))) (Miyato et al. 2018, figure 8). The first block has no ReLU of pixels.
    /// </summary>
    private sealed class ResidualHalving : nn.Module
    {
        private readonly bool _isFirst;
        private readonly BoundedConvolution _conv1, _conv2, _skip;

        public ResidualHalving(int inputs, int outputs, bool isFirst, bool spectral, Precision precision,
            Generator random)
            : base(nameof(ResidualHalving))
        {
            _isFirst = isFirst;
            _conv1 = new BoundedConvolution(inputs, outputs, 3, 1, spectral, precision, random);
            _conv2 = new BoundedConvolution(outputs, outputs, 3, 1, spectral, precision, random);
            _skip = new BoundedConvolution(inputs, outputs, 1, 1, spectral, precision, random);
            RegisterComponents();
        }

        public Tensor Forward(Tensor x)
        {
            // a convolution of 1 × 1 commutes with halving, and takes a quarter of the work after it
            Tensor skip = _skip.Forward(Half(x));
            x = _conv1.Forward(_isFirst ? x : F.relu(x));
            return skip.Plus(Half(_conv2.Forward(F.relu(x))));
        }

        private static Tensor Half(Tensor x) => F.avg_pool2d(x, 2);
    }
}
