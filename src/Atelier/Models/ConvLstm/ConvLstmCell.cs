using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;
using Convolution = Atelier.Layers.Convolution;

namespace Atelier.Models.ConvLstm;

/// <summary>
/// A cell of a convolutional LSTM (Shi et al. 2015, eq. 3, without the peephole weights): the gates are convolutions of
/// the input and of the hidden state.
/// </summary>
internal sealed class ConvLstmCell : nn.Module
{
    private const int Gates = 4; // input, forget, cell, output
    private readonly Convolution _gates;

    public ConvLstmCell(int inputs, int hidden, int kernel, Precision precision, Generator random)
        : base(nameof(ConvLstmCell))
    {
        _gates = new Convolution(inputs + hidden, Gates * hidden, kernel, 1, precision, random);
        RegisterComponents();
    }

    /// <summary>Computes a step.</summary>
    /// <param name="x">[batch, inputs, height, width].</param>
    /// <param name="hidden">h, [batch, hidden, height, width], fp32.</param>
    /// <param name="cell">c, the shape of h, fp32.</param>
    /// <returns>The next h and c.</returns>
    public (Tensor Hidden, Tensor Cell) Forward(Tensor x, Tensor hidden, Tensor cell)
    {
        Tensor[] gates = _gates.forward(cat([x, hidden], 1)).to(ScalarType.Float32).chunk(Gates, 1);
        Tensor next = gates[1].PlusNumber(1).sigmoid().mul(cell).PlusProduct(gates[0].sigmoid(), gates[2].tanh());
        return (gates[3].sigmoid().mul(next.tanh()), next);
    }
}
