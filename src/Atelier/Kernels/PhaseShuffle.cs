using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Kernels;

/// <summary>
/// Two by two pixels from four channels, as Shi et al. 2016, section 3.2, but of windows that lie between places: phase
/// (p, q) of place (i, j) is read at (i + p, j + q), so that one convolution of 2 × 2 windows over a bordered picture
/// serves all four.
/// </summary>
internal sealed unsafe class PhaseShuffle : autograd.SingleTensorFunction<PhaseShuffle>
{
    /// <inheritdoc/>
    public override string Name => nameof(PhaseShuffle);

    /// <summary>The pictures of twice the width and height.</summary>
    /// <param name="windows">[batch, 4 · channels, height + 1, width + 1] on a CPU, bf16 or fp32; of each channel the
    /// phases (0, 0), (0, 1), (1, 0) and (1, 1).</param>
    /// <returns>[batch, channels, 2 · height, 2 · width], as the windows.</returns>
    public static Tensor Apply(Tensor windows) => is_grad_enabled() ? apply(windows) : Forward(windows);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => Forward((Tensor)vars[0]);

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var scope = NewDisposeScope();
        Tensor pixels = grad_output.contiguous();
        long[] shape = pixels.shape;
        // zeros, since a phase does not read all places
        Tensor windows = zeros([shape[0], 4 * shape[1], (shape[2] / 2) + 1, (shape[3] / 2) + 1], pixels.dtype);
        Move(windows, pixels, back: true);
        return [windows.MoveToOuterDisposeScope()];
    }

    private static Tensor Forward(Tensor windows)
    {
        using var scope = NewDisposeScope();
        windows = windows.contiguous();
        long[] shape = windows.shape;
        Tensor pixels = empty([shape[0], shape[1] / 4, 2 * (shape[2] - 1), 2 * (shape[3] - 1)], windows.dtype);
        Move(windows, pixels, back: false);
        return pixels.MoveToOuterDisposeScope();
    }

    private static void Move(Tensor windows, Tensor pixels, bool back)
    {
        long[] shape = pixels.shape;
        (int height, int width) = ((int)shape[2] / 2, (int)shape[3] / 2);
        if (pixels.dtype == ScalarType.BFloat16)
            Move(windows.Pointer<ushort>(), pixels.Pointer<ushort>(), shape[0] * shape[1], height, width, back);
        else
            Move(windows.Pointer<float>(), pixels.Pointer<float>(), shape[0] * shape[1], height, width, back);
    }

    /// <summary>Moves every number that the pixels consist of, from the windows or back to them.</summary>
    private static void Move<T>(T* windows, T* pixels, long pictures, int height, int width, bool back)
        where T : unmanaged
    {
        int phase = (height + 1) * (width + 1);
        for (long picture = 0; picture < pictures; picture++, windows += 4 * phase)
        {
            for (int row = 0; row < 2 * height; row++, pixels += 2 * width)
            {
                T* even = Row(windows, row, phase, width), odd = even + phase + 1;
                if (back)
                {
                    for (int i = 0; i < width; i++)
                        (even[i], odd[i]) = (pixels[2 * i], pixels[(2 * i) + 1]);
                }
                else
                {
                    for (int i = 0; i < width; i++)
                        (pixels[2 * i], pixels[(2 * i) + 1]) = (even[i], odd[i]);
                }
            }
        }
    }

    /// <summary>Where the even pixels of a row lie; the odd ones lie a phase and a place further.</summary>
    private static T* Row<T>(T* windows, int row, int phase, int width)
        where T : unmanaged => windows + (2 * (row % 2) * phase) + (((row / 2) + (row % 2)) * (width + 1));
}
