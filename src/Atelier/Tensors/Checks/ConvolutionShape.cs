using System.Runtime.CompilerServices;

namespace Atelier.Tensors.Checks;

/// <summary>The sizes of a convolution y = x * w with square kernels.</summary>
/// <param name="Inputs">The number of channels of x.</param>
/// <param name="Outputs">The number of channels of y.</param>
/// <param name="Kernel">The height and width of the kernel.</param>
/// <param name="Stride">The stride of the window, in pixels.</param>
/// <param name="Padding">The number of zeros added at each side of the images.</param>
/// <param name="Height">The height of x.</param>
/// <param name="Width">The width of x.</param>
/// <param name="Groups">The number of groups of channels that are convolved separately.</param>
/// <param name="Batch">The number of images.</param>
internal sealed record ConvolutionShape(
    int Inputs, int Outputs, int Kernel, int Stride, int Padding, int Height, int Width, int Groups = 1, int Batch = 2)
{
    /// <summary>The height of y.</summary>
    public int OutHeight => ((Height + (2 * Padding) - Kernel) / Stride) + 1;

    /// <summary>The width of y.</summary>
    public int OutWidth => ((Width + (2 * Padding) - Kernel) / Stride) + 1;

    /// <summary>The shape of x: [batch, inputs, height, width].</summary>
    public long[] Pictures => [Batch, Inputs, Height, Width];

    /// <summary>The shape of w: [outputs, inputs / groups, kernel, kernel].</summary>
    public long[] Weight => [Outputs, Inputs / Groups, Kernel, Kernel];

    /// <summary>The shape of y: [batch, outputs, out height, out width].</summary>
    public long[] Answers => [Batch, Outputs, OutHeight, OutWidth];

    /// <summary>The same sizes with the images cropped to the pixels that windows cover.</summary>
    public ConvolutionShape Covered() => this with
    {
        Height = ((OutHeight - 1) * Stride) - (2 * Padding) + Kernel,
        Width = ((OutWidth - 1) * Stride) - (2 * Padding) + Kernel,
    };

    /// <summary>
    /// The terms of the convolution, as flat indices into x, w and y:
    /// y[n, o, p, q] = Σ x[n, i, p s + u − padding, q s + v − padding] w[o, i, u, v].
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public (int X, int W, int Y)[] Terms()
    {
        var terms = new List<(int, int, int)>();
        int inputs = Inputs / Groups, outputs = Outputs / Groups;
        int window = inputs * Kernel * Kernel, places = OutHeight * OutWidth;
        for (int y = 0; y < Batch * Outputs * places; y++)
        {
            (int q, int p) = (y % OutWidth, y / OutWidth % OutHeight);
            (int o, int n) = (y / places % Outputs, y / places / Outputs);
            for (int w = 0; w < window; w++)
            {
                (int v, int u, int i) = (w % Kernel, w / Kernel % Kernel, w / Kernel / Kernel);
                int row = (p * Stride) + u - Padding, column = (q * Stride) + v - Padding;
                if (row < 0 || row >= Height || column < 0 || column >= Width)
                    continue;
                int channel = (n * Inputs) + (o / outputs * inputs) + i;
                terms.Add(((((channel * Height) + row) * Width) + column, (o * window) + w, y));
            }
        }
        return [.. terms];
    }
}
