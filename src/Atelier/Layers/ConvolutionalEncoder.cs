using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// An encoder of images whose levels have a convolution that halves width and height, then residual blocks.
/// </summary>
internal sealed class ConvolutionalEncoder : nn.Module<Tensor, Tensor>
{
    private const int MostLevels = 6, MostChannels = 8192;
    private readonly ModuleList<nn.Module<Tensor, Tensor>> _layers = new();
    private readonly GroupNorm _norm;

    /// <summary>Creates an encoder with new weights.</summary>
    /// <param name="inputs">The channels of an image.</param>
    /// <param name="channels">The channels of each level.</param>
    /// <param name="blocks">The number of residual blocks in each level.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="random">Draws the initial weights.</param>
    public ConvolutionalEncoder(int inputs, IReadOnlyList<int> channels, int blocks, Precision precision,
        Generator random)
        : base(nameof(ConvolutionalEncoder))
    {
        foreach (int outputs in channels)
        {
            _layers.Add(new Convolution(inputs, outputs, 3, 2, precision, random));
            for (int block = 0; block < blocks; block++)
                _layers.Add(new ResidualConvolution(outputs, outputs, conditionSize: 0, precision, random));
            inputs = outputs;
        }
        _norm = new GroupNorm(ResidualConvolution.Groups, inputs);
        RegisterComponents();
    }

    /// <summary>Throws if levels have impossible channels, or do not divide the images.</summary>
    /// <param name="channels">The channels of each level.</param>
    /// <param name="width">The width of the images.</param>
    /// <param name="height">Their height.</param>
    /// <param name="section">The section of a recipe with the size: "data.image" or "data.video".</param>
    /// <param name="key">The key of a recipe with the channels.</param>
    /// <exception cref="AtelierException">They do.</exception>
    public static void Check(IReadOnlyList<int> channels, int width, int height, string section,
        string key = "model.channels")
    {
        if (channels.Count is 0 or > MostLevels || channels.Any(c => c < ResidualConvolution.Groups
            || c % ResidualConvolution.Groups != 0 || c > MostChannels))
            throw new AtelierException($"{key} needs 1 to {MostLevels} levels, each a multiple of 8", key,
                "write [32, 64]");
        int halves = 1 << channels.Count;
        if (width % halves != 0 || height % halves != 0)
            throw new AtelierException($"{width} × {height} pixels cannot be halved {channels.Count} times", key,
                $"use fewer levels, or another {section}.width and height");
    }

    /// <summary>
    /// [batch, channels, height, width] → [batch, last channels, height / 2^levels, width / 2^levels], bf16 if that is
    /// the precision.
    /// </summary>
    public override Tensor forward(Tensor input) =>
        _norm.Silu(_layers.Aggregate(input, (x, layer) => layer.forward(x)));
}
