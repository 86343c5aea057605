using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Vae;

/// <summary>
/// Fully connected layers. An encoder has a SiLU after each layer, a decoder before each.
/// </summary>
internal sealed class DenseNetwork : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<Linear> _layers = new();
    private readonly bool _isDecoder;

    /// <summary>Creates a network with new weights.</summary>
    /// <param name="widths">The widths of the input, of the hidden layers and of the output.</param>
    /// <param name="isDecoder">Whether it is a decoder.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">The random numbers of the initial weights.</param>
    public DenseNetwork(IReadOnlyList<int> widths, bool isDecoder, Precision precision, Generator random)
        : base(nameof(DenseNetwork))
    {
        _isDecoder = isDecoder;
        for (int i = 1; i < widths.Count; i++)
            _layers.Add(new Linear(widths[i - 1], widths[i], bias: true, precision, 1 / Math.Sqrt(widths[i - 1]),
                random));
        RegisterComponents();
    }

    /// <summary>[batch, ...] → [batch, last width], bf16 if that is the precision.</summary>
    public override Tensor forward(Tensor input)
    {
        Tensor x = input.flatten(1);
        foreach (Linear layer in _layers)
            x = _isDecoder ? layer.forward(F.silu(x)) : F.silu(layer.forward(x));
        return x;
    }
}
