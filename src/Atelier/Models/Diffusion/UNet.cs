using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Convolution = Atelier.Layers.Convolution;
using GroupNorm = Atelier.Layers.GroupNorm;

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
    private readonly ModuleList<ResidualConvolution> _down = new(), _up = new();
    private readonly ModuleList<Convolution> _halve = new(), _double = new();
    private readonly ResidualConvolution _middle;
    private readonly GroupNorm _norm;

    /// <summary>Creates a network with new weights; its first predictions are zero.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="inputs">Channels of the input.</param>
    /// <param name="outputs">Channels of the prediction.</param>
    /// <param name="classes">Number of classes; 0 for none.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">The random numbers of the initial weights.</param>
    public UNet(DiffusionConfig config, int inputs, int outputs, int classes, Precision precision, Generator random)
        : base(nameof(UNet))
    {
        (_patch, _levels, _blocks) = (config.PatchSize, config.Channels.Count, config.Blocks);
        int pixels = _patch * _patch, width = 4 * config.Channels[0];
        _time = new TimeEmbedding(width, classes, random);
        _first = new Convolution(inputs * pixels, config.Channels[0], 3, 1, precision, random);
        int channels = config.Channels[0];
        var skips = new Stack<int>(); // channels of the skip connections
        for (int level = 0; level < _levels; level++)
        {
            for (int block = 0; block < _blocks; block++)
            {
                _down.Add(new ResidualConvolution(channels, config.Channels[level], width, precision, random));
                channels = config.Channels[level];
                skips.Push(channels);
            }
            if (level + 1 < _levels)
                _halve.Add(new Convolution(channels, channels, 3, 2, precision, random));
        }
        _middle = new ResidualConvolution(channels, channels, width, precision, random);
        for (int level = _levels - 1; level >= 0; level--)
        {
            for (int block = 0; block < _blocks; block++)
            {
                int inner = channels + skips.Pop();
                _up.Add(new ResidualConvolution(inner, config.Channels[level], width, precision, random));
                channels = config.Channels[level];
            }
            if (level > 0)
            {
                _double.Add(new Convolution(channels, 4 * config.Channels[level - 1], 1, 1, precision, random));
                channels = config.Channels[level - 1];
            }
        }
        _norm = new GroupNorm(8, channels);
        _last = new Convolution(channels, outputs * pixels, 3, 1, precision, random, gain: 0);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor Predict(Tensor x, Tensor times, Tensor? labels)
    {
        Tensor condition = _time.Forward(times, labels); // [batch, 4 · channels]
        x = _first.forward(F.pixel_unshuffle(x, _patch)); // [batch, channels, height / patch, width / patch]
        var skips = new Stack<Tensor>();
        for (int level = 0; level < _levels; level++)
        {
            for (int block = 0; block < _blocks; block++)
            {
                x = _down[(level * _blocks) + block].Forward(x, condition);
                skips.Push(x);
            }
            if (level + 1 < _levels)
                x = _halve[level].forward(x);
        }
        x = _middle.Forward(x, condition);
        for (int level = 0; level < _levels; level++) // from the lowest resolution
        {
            for (int block = 0; block < _blocks; block++)
                x = _up[(level * _blocks) + block].Forward(cat([x, skips.Pop()], 1), condition);
            if (level + 1 < _levels)
                x = F.pixel_shuffle(_double[level].forward(x), 2); // Shi et al. 2016
        }
        return F.pixel_shuffle(_last.forward(_norm.Silu(x)).to(ScalarType.Float32), _patch);
    }
}
