using Atelier.Kernels;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// Convolutions that double width and height, computed at the smaller size: each of the two by two pixels that a place
/// becomes
/// sees a window of only two by two places, so that four small windows take the place of a large one (Shi et al. 2016,
/// section
/// 3.2). A window of three over doubled places then takes four ninths of the multiplications; a transposed convolution
/// takes as
/// many as before, but through the library's faster operator.
/// </summary>
internal static class DoublingConvolution
{
    /// <summary>What each row of a window of three over doubled places adds to the two places of each phase.</summary>
    private static readonly Tensor DoubledPlaces =
        Spread(new float[,] { { 1, 0, 0 }, { 0, 1, 1 }, { 1, 1, 0 }, { 0, 0, 1 } });

    /// <summary>
    /// Which row of a window of four, transposed with stride 2 and padding 1, weighs the two places of each phase.
    /// </summary>
    private static readonly Tensor TransposedRows =
        Spread(new float[,] { { 0, 0, 0, 1 }, { 0, 1, 0, 0 }, { 0, 0, 1, 0 }, { 1, 0, 0, 0 } });

    /// <summary>Whether it serves; elsewhere the library's own operators do.</summary>
    public static bool Serves(Tensor x) => x.device_type == DeviceType.CPU;

    /// <summary>The convolution, with padding 1, of pictures each place of which was made two by two.</summary>
    /// <param name="x">[batch, inputs, height, width].</param>
    /// <param name="weight">[outputs, inputs, 3, 3], fp32.</param>
    /// <param name="bias">[outputs], fp32.</param>
    /// <param name="precision">The precision of the product.</param>
    /// <returns>[batch, outputs, 2 · height, 2 · width], bf16 where the precision is.</returns>
    public static Tensor OfDoubled(Tensor x, Tensor weight, Tensor bias, Precision precision) =>
        Apply(x, weight, DoubledPlaces, bias, precision);

    /// <summary>The transposed convolution of stride 2 and padding 1.</summary>
    /// <param name="x">[batch, inputs, height, width].</param>
    /// <param name="weight">[inputs, outputs, 4, 4], fp32.</param>
    /// <param name="bias">[outputs], fp32.</param>
    /// <param name="precision">The precision of the product.</param>
    /// <returns>[batch, outputs, 2 · height, 2 · width], bf16 where the precision is.</returns>
    public static Tensor Transposed(Tensor x, Tensor weight, Tensor bias, Precision precision) =>
        Apply(x, weight.transpose(0, 1), TransposedRows, bias, precision);

    private static Tensor Apply(Tensor x, Tensor weight, Tensor spread, Tensor bias, Precision precision)
    {
        (long outputs, long inputs) = (weight.shape[0], weight.shape[1]);
        Tensor windows = weight.reshape(outputs * inputs, -1).mm(spread) // [outputs · inputs, phases · places]
            .view(outputs, inputs, 4, 2, 2).transpose(1, 2).reshape(4 * outputs, inputs, 2, 2);
        Tensor biases = bias.unsqueeze(1).expand(-1, 4).reshape(-1);
        if (precision == Precision.Bf16)
            (x, windows, biases) =
                (x.to(ScalarType.BFloat16), windows.to(ScalarType.BFloat16), biases.to(ScalarType.BFloat16));
        return PhaseShuffle.Apply(Convolutions.Convolve(x, windows, biases, padding: 1,
            secondOrder: StepContext.Current.SecondOrder));
    }

    /// <summary>
    /// From what rows add to the two places of each phase to what a window adds to the four places of each pair of
    /// phases.
    /// </summary>
    /// <param name="rows">[2 · phase + place, row].</param>
    /// <returns>[rows · columns, phases · places].</returns>
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
                    (int phaseRow, int phaseColumn, int placeRow, int placeColumn) =
                        (to / 8, to / 4 % 2, to / 2 % 2, to % 2);
                    all[(row * size) + column, to] =
                        rows[(2 * phaseRow) + placeRow, row] * rows[(2 * phaseColumn) + placeColumn, column];
                }
            }
        }
        return tensor(all).DetachFromDisposeScope();
    }
}
