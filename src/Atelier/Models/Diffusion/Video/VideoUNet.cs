using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Convolution = Atelier.Layers.Convolution;
using GroupNorm = Atelier.Layers.GroupNorm;

namespace Atelier.Models.Diffusion.Video;

/// <summary>
/// A U-Net with factorised space-time layers (Ho et al. 2022, section 3): convolutions see one frame at a time, as
/// those of <see cref="UNet"/>, and after each residual block, attention over time mixes the frames at each place.
/// Frames that are given are inputs without noise, marked by a further channel, and have the time 0.
/// </summary>
internal sealed class VideoUNet : DenoisingNetwork
{
    private readonly int _patch, _levels, _blocks;
    private readonly AttentionProduct _product = new(causal: false);
    private readonly TimeEmbedding _time;
    private readonly Convolution _first, _last;
    private readonly ModuleList<ResidualConvolution> _down = new(), _up = new();
    private readonly ModuleList<TemporalAttention> _downTime = new(), _upTime = new();
    private readonly ModuleList<Convolution> _halve = new(), _double = new();
    private readonly ResidualConvolution _middle, _middleLast;
    private readonly TemporalAttention _middleTime;
    private readonly SpaceTimeAttention? _spaceTime;
    private readonly GroupNorm _norm;

    /// <summary>Creates a network with new weights; its first predictions are zero.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="shape">Channels, frames, height and width of clips or their latents.</param>
    /// <param name="classes">Number of classes; 0 for none.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">The random numbers of the initial weights.</param>
    public VideoUNet(VideoDiffusionConfig config, long[] shape, int classes, Precision precision, Generator random)
        : base(nameof(VideoUNet))
    {
        (int channels, int frames) = ((int)shape[0], (int)shape[1]);
        (_patch, _levels, _blocks) = (config.PatchSize, config.Channels.Count, config.Blocks);
        int pixels = _patch * _patch, condition = 4 * config.Channels[0], now = config.Channels[0];
        _time = new TimeEmbedding(condition, classes, random);
        _first = new Convolution((channels + 1) * pixels, now, 3, 1, precision, random);
        var skips = new Stack<int>(); // channels of the skip connections
        for (int level = 0; level < _levels; level++)
        {
            for (int block = 0; block < _blocks; block++)
            {
                _down.Add(Block(now, config.Channels[level]));
                _downTime.Add(Time(config.Channels[level]));
                skips.Push(now = config.Channels[level]);
            }
            if (level + 1 < _levels)
                _halve.Add(new Convolution(now, now, 3, 2, precision, random));
        }
        _middle = Block(now, now);
        _middleTime = Time(now);
        if (config.SpaceTimeLayers > 0)
        {
            int width = (int)shape[3] / _patch >> (_levels - 1), height = (int)shape[2] / _patch >> (_levels - 1);
            _spaceTime = new SpaceTimeAttention(config.SpaceTimeLayers, now, config.HeadCount, frames, width * height,
                _product, precision, random);
        }
        _middleLast = Block(now, now);
        for (int level = _levels - 1; level >= 0; level--)
        {
            for (int block = 0; block < _blocks; block++)
            {
                _up.Add(Block(now + skips.Pop(), config.Channels[level]));
                _upTime.Add(Time(config.Channels[level]));
                now = config.Channels[level];
            }
            if (level > 0)
            {
                _double.Add(new Convolution(now, 4 * config.Channels[level - 1], 1, 1, precision, random));
                now = config.Channels[level - 1];
            }
        }
        _norm = new GroupNorm(ResidualConvolution.Groups, now);
        _last = new Convolution(now, channels * pixels, 3, 1, precision, random, gain: 0);
        RegisterComponents();

        ResidualConvolution Block(int from, int to) => new(from, to, condition, precision, random);

        TemporalAttention Time(int width) => new(width, config.HeadCount, frames, _product, precision, random);
    }

    /// <summary>The prediction.</summary>
    /// <param name="x">x_t of frames, or x₀ of given frames, and a last channel that is 1 at given frames and 0 at
    /// others: [batch, channels + 1, frames, height, width], fp32.</param>
    /// <param name="times">The time of each clip, [batch], fp32.</param>
    /// <param name="labels">As in <see cref="DenoisingNetwork.Predict"/>.</param>
    /// <returns>[batch, channels, frames, height, width], fp32.</returns>
    public override Tensor Predict(Tensor x, Tensor times, Tensor? labels)
    {
        long batch = x.shape[0], frames = x.shape[2];
        Tensor isGiven = x.select(1, x.shape[1] - 1).select(-1, 0).select(-1, 0); // [batch, frames]
        Tensor noisy = isGiven.Times(-1).PlusNumber(1);
        Tensor? each = labels?.unsqueeze(1).expand([batch, frames, .. labels.shape[1..]]).flatten(0, 1);
        Tensor condition = _time.Forward(times.unsqueeze(1).mul(noisy).flatten(), each); // [batch · frames, width]
        // [batch · frames, channels, height / patch, width / patch]
        x = _first.forward(F.pixel_unshuffle(x.transpose(1, 2).flatten(0, 1), _patch));
        var skips = new Stack<Tensor>();
        for (int level = 0; level < _levels; level++)
        {
            for (int block = level * _blocks; block < (level + 1) * _blocks; block++)
            {
                x = Block(x, _down[block], _downTime[block], condition);
                skips.Push(x);
            }
            if (level + 1 < _levels)
                x = _halve[level].forward(x);
        }
        x = Block(x, _middle, _middleTime, condition);
        x = _middleLast.Forward(_spaceTime?.Forward(x) ?? x, condition);
        for (int level = 0; level < _levels; level++) // from the lowest resolution
        {
            for (int block = level * _blocks; block < (level + 1) * _blocks; block++)
                x = Block(cat([x, skips.Pop()], 1), _up[block], _upTime[block], condition);
            if (level + 1 < _levels)
                x = F.pixel_shuffle(_double[level].forward(x), 2); // Shi et al. 2016
        }
        Tensor answer = F.pixel_shuffle(_last.forward(_norm.Silu(x)).to(ScalarType.Float32), _patch);
        return answer.reshape(batch, frames, answer.shape[1], answer.shape[2], answer.shape[3]).transpose(1, 2);
    }

    private static Tensor Block(Tensor x, ResidualConvolution space, TemporalAttention time, Tensor condition)
    {
        using var scope = NewDisposeScope(); // what no gradient needs is gone before the next block begins
        Tensor y = space.Forward(x, condition);
        return time.Forward(y).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _product.Dispose();
        base.Dispose(disposing);
    }
}
