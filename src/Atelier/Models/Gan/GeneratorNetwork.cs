using Atelier.Data.Images;
using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Convolution = Atelier.Layers.Convolution;
using Embedding = Atelier.Layers.Embedding;
using GroupNorm = Atelier.Layers.GroupNorm;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Gan;

/// <summary>
/// The generator: a linear layer from noise to features of low resolution, then levels that double width and height
/// (Radford et al. 2016, section 3). It has group normalisation in place of that paper's batch normalisation, whose
/// running statistics an average of the weights would not contain.
/// </summary>
internal sealed class GeneratorNetwork : nn.Module
{
    private const int Groups = 8;
    private readonly GanConfig _config;
    private readonly int _height, _width; // of the lowest resolution
    private readonly Embedding? _classes;
    private readonly Linear _first;
    private readonly ModuleList<GroupNorm> _norms = new();
    private readonly ModuleList<TransposedConvolution> _doublings = new();
    private readonly ModuleList<ResidualDoubling> _blocks = new();
    private readonly Convolution? _last;

    public GeneratorNetwork(GanConfig config, ImageSchema schema, Precision precision, Generator random)
        : base(nameof(GeneratorNetwork))
    {
        IReadOnlyList<int> channels = config.Channels;
        (_config, _height, _width) = (config, schema.Height >> channels.Count, schema.Width >> channels.Count);
        bool isConditional = config.Condition != GanCondition.None;
        _classes = isConditional ? new Embedding(schema.Classes.Count, config.NoiseSize, 1, random) : null;
        int inputs = isConditional ? 2 * config.NoiseSize : config.NoiseSize;
        _first = new Linear(inputs, channels[0] * _height * _width, bias: true, precision, 1 / Math.Sqrt(inputs),
            random);
        double gain = config.GroupNorm ? 1 : Math.Sqrt(2); // for ReLUs without a norm (He et al. 2015)
        bool residual = config.Networks == GanNetworks.Residual;
        for (int level = 0; level < channels.Count; level++)
        {
            bool last = level + 1 == channels.Count;
            if (residual)
            {
                _blocks.Add(new ResidualDoubling(channels[level], channels[last ? level : level + 1], config.GroupNorm,
                    precision, random));
            }
            else
            {
                if (config.GroupNorm)
                    _norms.Add(new GroupNorm(Groups, channels[level]));
                _doublings.Add(new TransposedConvolution(channels[level], last ? schema.Channels : channels[level + 1],
                    precision, random, last ? 1 : gain));
            }
        }
        if (residual && config.GroupNorm)
            _norms.Add(new GroupNorm(Groups, channels[^1]));
        _last = residual ? new Convolution(channels[^1], schema.Channels, 3, 1, precision, random) : null;
        RegisterComponents();
    }

    /// <summary>Generates images.</summary>
    /// <param name="noise">Standard normal, [batch, noise size].</param>
    /// <param name="labels">The class of each image, [batch], int64, or weights of all classes, [batch, classes], fp32;
    /// null for a network without classes.</param>
    /// <returns>[batch, channels, height, width], fp32, −1 to 1.</returns>
    public Tensor Forward(Tensor noise, Tensor? labels)
    {
        Tensor input = _classes is null ? noise : cat([noise, _classes.forward(labels!)], 1);
        Tensor x = _first.forward(input).view(-1, _config.Channels[0], _height, _width);
        if (_last is null)
        {
            for (int level = 0; level < _doublings.Count; level++)
                x = _doublings[level].forward(F.relu(_config.GroupNorm ? _norms[level].forward(x) : x));
        }
        else
        {
            foreach (ResidualDoubling block in _blocks)
                x = block.Forward(x);
            x = _last.forward(F.relu(_config.GroupNorm ? _norms[0].forward(x) : x));
        }
        return x.to(ScalarType.Float32).tanh();
    }

    /// <summary>
    /// double(x) + conv(relu(norm(conv(double(relu(norm(x))))))), with a 1 × 1 convolution on the shortcut if the
    /// channels differ (Miyato et al. 2018, figure 7).
    /// </summary>
    private sealed class ResidualDoubling : nn.Module
    {
        private readonly GroupNorm? _norm1, _norm2;
        private readonly Convolution _conv1, _conv2;
        private readonly Convolution? _skip;

        public ResidualDoubling(int inputs, int outputs, bool norms, Precision precision, Generator random)
            : base(nameof(ResidualDoubling))
        {
            (_norm1, _norm2) = norms ? (new GroupNorm(Groups, inputs), new GroupNorm(Groups, outputs)) : (null, null);
            _conv1 = new Convolution(inputs, outputs, 3, 1, precision, random);
            _conv2 = new Convolution(outputs, outputs, 3, 1, precision, random);
            _skip = inputs == outputs ? null : new Convolution(inputs, outputs, 1, 1, precision, random);
            RegisterComponents();
        }

        public Tensor Forward(Tensor x)
        {
            // a convolution of 1 × 1 commutes with doubling, and takes a quarter of the work before it
            Tensor skip = Double(_skip is null ? x : _skip.forward(x));
            x = _conv1.ForwardDoubled(F.relu(_norm1 is null ? x : _norm1.forward(x)));
            return skip.Plus(_conv2.forward(F.relu(_norm2 is null ? x : _norm2.forward(x))));
        }

        private static Tensor Double(Tensor x) =>
            F.interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Nearest);
    }
}
