using System.Runtime.CompilerServices;
using Atelier.Networks;

namespace Atelier.Tensors.Checks;

/// <summary>The operators as plain loops in fp64. Arrays are in row-major order.</summary>
internal static class PlainLoops
{
    /// <summary>
    /// Computes a convolution, y = b + Σ x w over its terms; b has one element for each channel of y.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double[] Convolve(
        double[] x, double[] w, double[] b, ConvolutionShape shape, (int X, int W, int Y)[] terms)
    {
        double[] y = Spread(b, shape.Batch, shape.OutHeight * shape.OutWidth);
        foreach ((int at, int weight, int to) in terms)
            y[to] += x[at] * w[weight];
        return y;
    }

    /// <summary>
    /// Computes a transposed convolution, x = b + Σ y w over the same terms; b has one element for each channel of x.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double[] Transpose(
        double[] y, double[] w, double[] b, ConvolutionShape shape, (int X, int W, int Y)[] terms)
    {
        double[] x = Spread(b, shape.Batch, shape.Height * shape.Width);
        foreach ((int to, int weight, int at) in terms)
            x[to] += y[at] * w[weight];
        return x;
    }

    /// <summary>
    /// Computes a batch of matrix products C = A Bᵀ, with A [batch, rows, inner] and B [batch, columns, inner].
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double[] Multiply(double[] a, double[] b, int batch, int rows, int columns, int inner)
    {
        var c = new double[batch * rows * columns];
        for (int n = 0; n < batch; n++)
        {
            for (int r = 0; r < rows; r++)
            {
                for (int k = 0; k < columns; k++)
                {
                    ReadOnlySpan<double> row = a.AsSpan(((n * rows) + r) * inner, inner);
                    ReadOnlySpan<double> column = b.AsSpan(((n * columns) + k) * inner, inner);
                    double sum = 0;
                    for (int i = 0; i < row.Length; i++)
                        sum += row[i] * column[i];
                    c[(((n * rows) + r) * columns) + k] = sum;
                }
            }
        }
        return c;
    }

    /// <summary>Transposes a batch of matrices, [batch, rows, columns] → [batch, columns, rows].</summary>
    public static double[] Exchange(double[] a, int rows, int columns)
    {
        var t = new double[a.Length];
        for (int i = 0; i < a.Length; i++)
            t[(i / (rows * columns) * rows * columns) + (i % columns * rows) + (i / columns % rows)] = a[i];
        return t;
    }

    /// <summary>
    /// Computes causal attention, softmax(q kᵀ / √size) v; all arrays are [sequences, time, size].
    /// </summary>
    public static double[] Attend(double[] q, double[] k, double[] v, int sequences, int time, int size)
    {
        double[] scores = Multiply(q, k, sequences, time, time, size);
        for (int row = 0; row < sequences * time; row++)
        {
            Span<double> weights = scores.AsSpan(row * time, time);
            for (int to = 0; to < time; to++)
                weights[to] = to <= row % time ? Math.Exp(weights[to] / Math.Sqrt(size)) : 0;
            double sum = 0;
            foreach (double weight in weights)
                sum += weight;
            foreach (ref double weight in weights)
                weight /= sum;
        }
        return Multiply(scores, Exchange(v, time, size), sequences, time, size, time);
    }

    /// <summary>
    /// Normalizes each group of consecutive elements: (x − mean) / √(variance + ε) · w + b.
    /// </summary>
    /// <param name="x">The groups, one after another.</param>
    /// <param name="w">The scales.</param>
    /// <param name="b">The shifts.</param>
    /// <param name="run">The number of elements that are normalized together.</param>
    /// <param name="share">The number of consecutive elements that share a scale and a shift.</param>
    /// <param name="epsilon">The constant added to the variance.</param>
    /// <param name="centred">Whether the mean is subtracted; otherwise the variance is the mean square.</param>
    public static double[] Normalize(
        double[] x, double[] w, double[] b, int run, int share, double epsilon, bool centred = true)
    {
        var y = new double[x.Length];
        for (int from = 0; from < x.Length; from += run)
        {
            ReadOnlySpan<double> these = x.AsSpan(from, run);
            double mean = 0, square = 0;
            if (centred)
            {
                foreach (double value in these)
                    mean += value / run;
            }
            foreach (double value in these)
                square += (value - mean) * (value - mean) / run;
            for (int i = from; i < from + run; i++)
            {
                double scale = w[i / share % w.Length] / Math.Sqrt(square + epsilon);
                y[i] = ((x[i] - mean) * scale) + b[i / share % b.Length];
            }
        }
        return y;
    }

    /// <summary>Looks up rows of a table and concatenates them.</summary>
    public static double[] Embed(double[] table, long[] rows, int width) =>
        [.. rows.SelectMany(row => table.AsSpan((int)row * width, width).ToArray())];

    /// <summary>
    /// Computes the hidden states of a recurrent layer after each step, [batch, time, hidden], by PyTorch's equations.
    /// </summary>
    /// <param name="cell">The kind of cell.</param>
    /// <param name="x">[batch, time, inputs]: the inputs.</param>
    /// <param name="h">[batch, hidden]: the hidden state before the first step.</param>
    /// <param name="c">[batch, hidden]: for an LSTM, the cell state before the first step.</param>
    /// <param name="weights">The input weights [gates · hidden, inputs], the recurrent weights [gates · hidden,
    /// hidden], and two biases [gates · hidden].</param>
    /// <param name="batch">The number of sequences.</param>
    /// <param name="hidden">The width of the hidden state.</param>
    public static double[] Recur(
        CellName cell, double[] x, double[] h, double[] c, double[][] weights, int batch, int hidden)
    {
        int gates = weights[2].Length / hidden, inputs = weights[0].Length / weights[2].Length;
        int time = x.Length / batch / inputs, width = gates * hidden;
        (h, c) = ([.. h], [.. c]);
        var y = new double[batch * time * hidden];
        for (int t = 0; t < time; t++)
        {
            double[] now =
                [.. Enumerable.Range(0, batch).SelectMany(n => x.AsSpan(((n * time) + t) * inputs, inputs).ToArray())];
            double[] a = Multiply(now, weights[0], 1, batch, width, inputs);
            double[] u = Multiply(h, weights[1], 1, batch, width, hidden);
            for (int i = 0; i < batch * hidden; i++)
            {
                int row = i / hidden * width, column = i % hidden;
                double A(int gate) => a[row + (gate * hidden) + column] + weights[2][(gate * hidden) + column];
                double U(int gate) => u[row + (gate * hidden) + column] + weights[3][(gate * hidden) + column];
                switch (cell)
                {
                    case CellName.Lstm: // i, f, g, o
                        c[i] = (Sigmoid(A(1) + U(1)) * c[i]) + (Sigmoid(A(0) + U(0)) * Math.Tanh(A(2) + U(2)));
                        h[i] = Sigmoid(A(3) + U(3)) * Math.Tanh(c[i]);
                        break;
                    case CellName.Gru: // r, z, n
                        double fresh = Math.Tanh(A(2) + (Sigmoid(A(0) + U(0)) * U(2))), update = Sigmoid(A(1) + U(1));
                        h[i] = ((1 - update) * fresh) + (update * h[i]);
                        break;
                    default:
                        h[i] = Math.Tanh(A(0) + U(0));
                        break;
                }
                y[(((i / hidden * time) + t) * hidden) + column] = h[i];
            }
        }
        return y;
    }

    /// <summary>Repeats the element of each channel at all pixels of all images.</summary>
    private static double[] Spread(double[] b, int batch, int places) =>
        [.. Enumerable.Range(0, batch * b.Length * places).Select(i => b[i / places % b.Length])];

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
