using Atelier.Data.Images;
using Atelier.Models.Layers;
using Atelier.Recipes;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Convolution = Atelier.Models.Layers.Convolution;
using Embedding = Atelier.Models.Layers.Embedding;
using Linear = Atelier.Models.Layers.Linear;

namespace Atelier.Models.Gan;

/// <summary>
/// Makes pictures from noise: a small picture of many channels, doubled level by level (Radford et al. 2016, section 3).
/// It has no norms: batch norm's running figures do not go with averaged weights, and group norm takes away how strong
/// features are, which made pictures alike.
/// </summary>
internal sealed class GeneratorNetwork : nn.Module
{
    private static readonly double Gain = Math.Sqrt(2); // He et al. 2015, after ReLUs
    private readonly GanConfig _config;
    private readonly int _height, _width; // of the smallest picture
    private readonly Embedding? _classes;
    private readonly Linear _first;
    private readonly ModuleList<TransposedConvolution> _doublings = new();
    private readonly ModuleList<ResidualDoubling> _blocks = new();
    private readonly Convolution? _last;

    public GeneratorNetwork(GanConfig config, ImageSchema schema, Precision precision, Generator random)
        : base(nameof(GeneratorNetwork))
    {
        IReadOnlyList<int> channels = config.Channels;
        (_config, _height, _width) = (config, schema.Height >> channels.Count, schema.Width >> channels.Count);
        bool told = config.Condition != GanCondition.None;
        _classes = told ? new Embedding(schema.Classes.Count, config.NoiseSize, 1, random) : null;
        int inputs = told ? 2 * config.NoiseSize : config.NoiseSize;
        _first = new Linear(inputs, channels[0] * _height * _width, bias: true, precision, 1 / Math.Sqrt(inputs), random);
        bool residual = config.Networks == GanNetworks.Residual;
        for (int level = 0; level < channels.Count; level++)
        {
            bool last = level + 1 == channels.Count;
            if (residual)
                _blocks.Add(new ResidualDoubling(channels[level], channels[last ? level : level + 1], precision, random));
            else
                _doublings.Add(new TransposedConvolution(channels[level], last ? schema.Channels : channels[level + 1], precision, random, last ? 1 : Gain));
        }
        _last = residual ? new Convolution(channels[^1], schema.Channels, 3, 1, precision, random) : null;
        RegisterComponents();
    }

    /// <summary>The pictures.</summary>
    /// <param name="noise">Standard normal, [batch, noise size].</param>
    /// <param name="labels">The class of each, [batch], int64; null for a network that is told none.</param>
    /// <returns>[batch, channels, height, width], fp32, −1 to 1.</returns>
    public Tensor Forward(Tensor noise, Tensor? labels)
    {
        Tensor told = _classes is null ? noise : cat([noise, _classes.forward(labels!)], 1);
        Tensor x = _first.forward(told).view(-1, _config.Channels[0], _height, _width);
        if (_last is null)
        {
            foreach (TransposedConvolution doubling in _doublings)
                x = doubling.forward(F.relu(x)); // twice the width and height
        }
        else
        {
            foreach (ResidualDoubling block in _blocks)
                x = block.Forward(x);
            x = _last.forward(F.relu(x));
        }
        return x.to(ScalarType.Float32).tanh();
    }

    /// <summary>double(x) + conv(relu(conv(double(relu(x))))), with a 1 × 1 convolution beside where the channels differ (Miyato et al. 2018, figure 7).</summary>
    private sealed class ResidualDoubling : nn.Module
    {
        private readonly Convolution _conv1, _conv2;
        private readonly Convolution? _skip;

        public ResidualDoubling(int inputs, int outputs, Precision precision, Generator random)
            : base(nameof(ResidualDoubling))
        {
            _conv1 = new Convolution(inputs, outputs, 3, 1, precision, random, Gain);
            _conv2 = new Convolution(outputs, outputs, 3, 1, precision, random);
            _skip = inputs == outputs ? null : new Convolution(inputs, outputs, 1, 1, precision, random);
            RegisterComponents();
        }

        public Tensor Forward(Tensor x)
        {
            Tensor beside = Double(_skip is null ? x : _skip.forward(x)); // a 1 × 1 convolution before doubling is the same after it, at a quarter of the work
            x = _conv1.forward(Double(F.relu(x)));
            return beside.add(_conv2.forward(F.relu(x)));
        }

        private static Tensor Double(Tensor x) => F.interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Nearest);
    }
}
