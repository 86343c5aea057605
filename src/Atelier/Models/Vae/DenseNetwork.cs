using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Vae;

/// <summary>
/// Layers that connect everything to everything: an encoder's with SiLU after each, a decoder's with SiLU before each.
/// </summary>
internal sealed class DenseNetwork : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<Linear> _layers = new();
    private readonly bool _isDecoder;

    /// <summary>Makes a network with fresh weights.</summary>
    /// <param name="widths">What comes in, the hidden layers, and what goes out.</param>
    /// <param name="isDecoder">Whether what goes out is the model's answer.</param>
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

    /// <summary>[batch, ...] → [batch, last width], bf16 with that precision.</summary>
    public override Tensor forward(Tensor input)
    {
        Tensor x = input.flatten(1);
        foreach (Linear layer in _layers)
            x = _isDecoder ? layer.forward(F.silu(x)) : F.silu(layer.forward(x));
        return x;
    }
}
