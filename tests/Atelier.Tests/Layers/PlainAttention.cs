using static TorchSharp.torch;

namespace Atelier.Tests.Layers;

/// <summary>
/// Multi-head attention of one sequence in double precision, loop by loop: the second way that the layer is held
/// against. A row is a position, and its heads stand one after another.
/// </summary>
internal static class PlainAttention
{
    /// <summary>Mixes values; a query that sees no key gets zeros.</summary>
    /// <param name="q">[time][heads · size].</param>
    /// <param name="k">[span][keyValueHeads · size].</param>
    /// <param name="v">As k.</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="keyValueHeads">Key heads.</param>
    /// <param name="sees">Whether query t sees key s.</param>
    /// <param name="bias">What is added to the score of head h, query t and key s.</param>
    /// <param name="scale">The factor of the products of queries and keys; null for 1/√size.</param>
    public static double[][] Mix(double[][] q, double[][] k, double[][] v, int heads, int keyValueHeads,
        Func<int, int, bool> sees, Func<int, int, int, double> bias, double? scale = null)
    {
        int size = q[0].Length / heads;
        double[][] result = [.. q.Select(row => new double[row.Length])];
        for (int h = 0; h < heads; h++)
        {
            int shared = h / (heads / keyValueHeads);
            for (int t = 0; t < q.Length; t++)
            {
                double total = 0;
                for (int s = 0; s < k.Length; s++)
                {
                    if (!sees(t, s))
                        continue;
                    double score = 0;
                    for (int i = 0; i < size; i++)
                        score += q[t][(h * size) + i] * k[s][(shared * size) + i];
                    double weight = Math.Exp((score * (scale ?? (1 / Math.Sqrt(size)))) + bias(h, t, s));
                    total += weight;
                    for (int i = 0; i < size; i++)
                        result[t][(h * size) + i] += weight * v[s][(shared * size) + i];
                }
                for (int i = 0; i < size && total > 0; i++)
                    result[t][(h * size) + i] /= total;
            }
        }
        return result;
    }

    /// <summary>W x + b.</summary>
    public static double[] Product(double[] x, double[][] weight, double[]? bias) =>
        [.. weight.Select((row, j) => row.Zip(x, (w, value) => w * value).Sum() + (bias?[j] ?? 0))];

    /// <summary>Turns components i and i + size/2 of each head by position / base^(2 i / size).</summary>
    public static double[] Rotate(double[] x, int position, int size, double theta)
    {
        double[] y = [.. x];
        for (int start = 0; start < x.Length; start += size)
        {
            for (int i = 0; i < size / 2; i++)
            {
                (double sine, double cosine) = Math.SinCos(position / Math.Pow(theta, 2.0 * i / size));
                (double a, double b) = (x[start + i], x[start + i + (size / 2)]);
                y[start + i] = (a * cosine) - (b * sine);
                y[start + i + (size / 2)] = (b * cosine) + (a * sine);
            }
        }
        return y;
    }

    /// <summary>The rows of a matrix.</summary>
    public static double[][] Rows(Tensor matrix) =>
        [.. matrix.detach().to(ScalarType.Float64).unbind(0).Select(row => row.contiguous().data<double>().ToArray())];
}
