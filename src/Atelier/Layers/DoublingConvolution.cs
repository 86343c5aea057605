using Atelier.Kernels;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// Convolutions that double width and height, computed at the smaller size. Each of the two by two pixels (phases) that
/// a position becomes depends on two by two positions, so four small windows replace a large one (Shi et al. 2016,
/// section 3.2). A window of 3 × 3 over doubled images takes four ninths of the multiplications; a transposed
/// convolution takes as many as before, but by a faster operator of the tensor library.
/// </summary>
internal static class DoublingConvolution
{
    /// <summary>What each row of a window of 3 over doubled rows adds to the two rows of each phase.</summary>
    private static readonly Tensor DoubledRows =
        Spread(new float[,] { { 1, 0, 0 }, { 0, 1, 1 }, { 1, 1, 0 }, { 0, 0, 1 } });

    /// <summary>
    /// Which row of a window of 4, transposed with stride 2 and padding 1, weights the two rows of each phase.
    /// </summary>
    private static readonly Tensor TransposedRows =
        Spread(new float[,] { { 0, 0, 0, 1 }, { 0, 1, 0, 0 }, { 0, 0, 1, 0 }, { 1, 0, 0, 0 } });

    /// <summary>Whether x can be computed here; on GPUs the tensor library's operators are used.</summary>
    public static bool Serves(Tensor x) => x.device_type == DeviceType.CPU;

    /// <summary>The convolution, with padding 1, of images after their width and height are doubled.</summary>
    /// <param name="x">[batch, inputs, height, width].</param>
    /// <param name="weight">[outputs, inputs, 3, 3], fp32.</param>
    /// <param name="bias">[outputs], fp32.</param>
    /// <param name="precision">The precision of the product.</param>
    /// <returns>[batch, outputs, 2 · height, 2 · width], bf16 if that is the precision.</returns>
    public static Tensor OfDoubled(Tensor x, Tensor weight, Tensor bias, Precision precision) =>
        Apply(x, weight, DoubledRows, bias, precision);

    /// <summary>The transposed convolution of stride 2 and padding 1.</summary>
    /// <param name="x">[batch, inputs, height, width].</param>
    /// <param name="weight">[inputs, outputs, 4, 4], fp32.</param>
    /// <param name="bias">[outputs], fp32.</param>
    /// <param name="precision">The precision of the product.</param>
    /// <returns>[batch, outputs, 2 · height, 2 · width], bf16 if that is the precision.</returns>
    public static Tensor Transposed(Tensor x, Tensor weight, Tensor bias, Precision precision) =>
        Apply(x, weight.transpose(0, 1), TransposedRows, bias, precision);

    private static Tensor Apply(Tensor x, Tensor weight, Tensor spread, Tensor bias, Precision precision)
    {
        (long outputs, long inputs) = (weight.shape[0], weight.shape[1]);
        Tensor windows = weight.reshape(outputs * inputs, -1).mm(spread) // [outputs · inputs, phases · positions]
            .view(outputs, inputs, 4, 2, 2).transpose(1, 2).reshape(4 * outputs, inputs, 2, 2);
        Tensor biases = bias.unsqueeze(1).expand(-1, 4).reshape(-1);
        (x, windows, Tensor? b) = RoundedWeights.Operands(precision, x, windows, biases);
        return PhaseShuffle.Apply(Convolutions.Convolve(x, windows, b!, padding: 1,
            secondOrder: StepContext.Current.SecondOrder));
    }

    /// <summary>
    /// Extends a rule for rows to windows: what each element of a window adds to the two by two positions of each of
    /// the two by two phases.
    /// </summary>
    /// <param name="rows">What each row adds, [2 · phase + position, row].</param>
    /// <returns>[rows · columns, phases · positions].</returns>
    private static Tensor Spread(float[,] rows)
    {
        int size = rows.GetLength(1);
        var all = new float[size * size, 16];
        for (int row = 0; row < size; row++)
        {
            for (int column = 0; column < size; column++)
            {
                for (int to = 0; to < 16; to++)
                {
                    (int phaseRow, int phaseColumn, int positionRow, int positionColumn) =
                        (to / 8, to / 4 % 2, to / 2 % 2, to % 2);
                    all[(row * size) + column, to] =
                        rows[(2 * phaseRow) + positionRow, row] * rows[(2 * phaseColumn) + positionColumn, column];
                }
            }
        }
        return tensor(all).DetachFromDisposeScope();
    }
}
