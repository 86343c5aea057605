using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Convolution = Atelier.Layers.Convolution;
using GroupNorm = Atelier.Layers.GroupNorm;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Diffusion;

/// <summary>
/// A U-Net: levels that halve width and height on the way down and double them on the way up, with skip connections
/// between levels of equal size (Ronneberger et al. 2015) and residual blocks conditioned on time (Ho et al. 2020,
/// appendix B). The first convolution reads patches of pixels as channels, so that the largest level is small.
/// </summary>
internal sealed class UNet : DenoisingNetwork
{
    private readonly int _patch, _levels, _blocks;
    private readonly TimeEmbedding _time;
    private readonly Convolution _first, _last;
    private readonly ModuleList<ResidualBlock> _down = new(), _up = new();
    private readonly ModuleList<Convolution> _halve = new(), _double = new();
    private readonly ResidualBlock _middle;
    private readonly GroupNorm _norm;

    public UNet(DiffusionConfig config, int shownChannels, int pictureChannels, int classes, Precision precision,
        Generator random)
        : base(nameof(UNet))
    {
        (_patch, _levels, _blocks) = (config.PatchSize, config.Channels.Count, config.Blocks);
        int shown = shownChannels * _patch * _patch, values = pictureChannels * _patch * _patch,
            width = 4 * config.Channels[0];
        _time = new TimeEmbedding(width, classes, random);
        _first = new Convolution(shown, config.Channels[0], 3, 1, precision, random);
        int channels = config.Channels[0];
        var kept = new Stack<int>(); // channels of the twins
        for (int level = 0; level < _levels; level++)
        {
            for (int block = 0; block < _blocks; block++)
            {
                _down.Add(new ResidualBlock(channels, config.Channels[level], width, precision, random));
                channels = config.Channels[level];
                kept.Push(channels);
            }
            if (level + 1 < _levels)
                _halve.Add(new Convolution(channels, channels, 3, 2, precision, random));
        }
        _middle = new ResidualBlock(channels, channels, width, precision, random);
        for (int level = _levels - 1; level >= 0; level--)
        {
            for (int block = 0; block < _blocks; block++)
            {
                _up.Add(new ResidualBlock(channels + kept.Pop(), config.Channels[level], width, precision, random));
                channels = config.Channels[level];
            }
            if (level > 0)
            {
                _double.Add(new Convolution(channels, 4 * config.Channels[level - 1], 1, 1, precision, random));
                channels = config.Channels[level - 1];
            }
        }
        _norm = new GroupNorm(8, channels);
        _last = new Convolution(channels, values, 3, 1, precision, random, gain: 0);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor Predict(Tensor x, Tensor times, Tensor? labels)
    {
        Tensor condition = _time.Forward(times, labels); // [batch, 4 · channels]
        x = _first.forward(F.pixel_unshuffle(x, _patch)); // [batch, channels, height / patch, width / patch]
        var twins = new Stack<Tensor>();
        for (int level = 0; level < _levels; level++)
        {
            for (int block = 0; block < _blocks; block++)
            {
                x = _down[(level * _blocks) + block].Forward(x, condition);
                twins.Push(x);
            }
            if (level + 1 < _levels)
                x = _halve[level].forward(x);
        }
        x = _middle.Forward(x, condition);
        for (int level = 0; level < _levels; level++) // from the smallest
        {
            for (int block = 0; block < _blocks; block++)
                x = _up[(level * _blocks) + block].Forward(cat([x, twins.Pop()], 1), condition);
            if (level + 1 < _levels)
                x = F.pixel_shuffle(_double[level].forward(x), 2); // Shi et al. 2016
        }
        return F.pixel_shuffle(_last.forward(_norm.Silu(x)).to(ScalarType.Float32), _patch);
    }

    /// <summary>
    /// x + conv(silu(norm(conv(silu(norm(x)))) · (1 + scale) + shift))), with scale and shift from the time's vector
    /// (Dhariwal and Nichol 2021, section 3.1).
    /// </summary>
    private sealed class ResidualBlock : nn.Module
    {
        private readonly GroupNorm _norm1, _norm2;
        private readonly Convolution _conv1, _conv2;
        private readonly Linear _told;
        private readonly Convolution? _skip;

        public ResidualBlock(int inputs, int outputs, int toldWidth, Precision precision, Generator random)
            : base(nameof(ResidualBlock))
        {
            (_norm1, _norm2) = (new GroupNorm(8, inputs), new GroupNorm(8, outputs));
            _conv1 = new Convolution(inputs, outputs, 3, 1, precision, random);
            _told = new Linear(toldWidth, 2 * outputs, bias: true, Precision.Fp32, 0.1 / Math.Sqrt(toldWidth), random);
            _conv2 = new Convolution(outputs, outputs, 3, 1, precision, random, gain: 0);
            _skip = inputs == outputs ? null : new Convolution(inputs, outputs, 1, 1, precision, random);
            RegisterComponents();
        }

        public Tensor Forward(Tensor x, Tensor condition)
        {
            Tensor[] parts = _told.forward(condition).chunk(2, 1); // scale and shift, [batch, outputs]
            Tensor h = _norm2.Silu(_conv1.forward(_norm1.Silu(x)), parts[0], parts[1]);
            return _conv2.forward(h).Plus(_skip is null ? x : _skip.forward(x));
        }
    }
}
