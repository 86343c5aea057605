using Atelier.Kernels;
using Atelier.Networks;

namespace Atelier.Runtime.Tests.Networks;

/// <summary>An encoder in the plainest code and double precision, a token and a number at a time.</summary>
internal sealed class PlainEncoder(EncoderConfig config, EncoderWeights weights)
{
    /// <summary>The weights of attention so far: of each layer, each token and each head.</summary>
    public List<double[]> Attention { get; } = [];

    /// <summary>The hidden states of a sequence.</summary>
    public double[][] Encode(int[] tokens, int[]? types = null)
    {
        double[][] x = [.. tokens.Select((token, t) => Norm(
            Sum(Row(weights.Embedding, token), Row(weights.Positions, config.PositionOffset + t),
                Row(weights.Types, types?[t] ?? 0)), weights.EmbeddingNorm))];
        foreach (BlockWeights block in weights.Blocks)
        {
            double[][] queries = [.. x.Select(row => Linear(block.Query, row))],
                keys = [.. x.Select(row => Linear(block.Key, row))],
                values = [.. x.Select(row => Linear(block.Value, row))];
            x = [.. x.Select((row, t) => Norm(
                Sum(row, Linear(block.Output, Attend(queries[t], keys, values))), block.AttentionNorm!))];
            (_, LinearWeights up, LinearWeights down) = block.FeedForward!;
            x = [.. x.Select(row => Norm(
                Sum(row, Linear(down, [.. Linear(up, row).Select(Activate)])), block.FeedForwardNorm!))];
        }
        return x;
    }

    public double[] Pool(double[] first) => [.. Linear(weights.Pooler!, first).Select(Math.Tanh)];

    public double[] Logits(double[] state) => Linear(weights.MaskedHead!.Decoder,
        Norm([.. Linear(weights.MaskedHead.Transform, state).Select(Activate)], weights.MaskedHead.Norm));

    private double[] Attend(double[] query, double[][] keys, double[][] values)
    {
        int size = config.HeadSize;
        double[] result = new double[config.HiddenSize];
        for (int head = 0; head < config.HeadCount; head++)
        {
            int at = head * size;
            double[] exp = [.. keys.Select(key => Math.Exp(
                Enumerable.Range(at, size).Sum(i => query[i] * key[i]) / Math.Sqrt(size)))];
            Attention.Add([.. exp.Select(e => e / exp.Sum())]);
            for (int i = at; i < at + size; i++)
                result[i] = exp.Select((e, t) => e * values[t][i]).Sum() / exp.Sum();
        }
        return result;
    }

    private double Activate(double x) => config.Activation switch
    {
        ActivationName.Relu => Math.Max(x, 0),
        ActivationName.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
        _ => 0.5 * x * (1 + Erf(x / Math.Sqrt(2))),
    };

    // 2/√π ∫ exp(−t²) from 0 to x by Simpson's rule.
    private static double Erf(double x)
    {
        const int steps = 400;
        double h = x / steps, sum = 1 + Math.Exp(-x * x);
        for (int i = 1; i < steps; i++)
            sum += (i % 2 == 0 ? 2 : 4) * Math.Exp(-(i * h) * (i * h));
        return 2 / Math.Sqrt(Math.PI) * sum * h / 3;
    }

    private double[] Norm(double[] x, NormWeights norm)
    {
        double mean = x.Average(), deviation = Math.Sqrt(x.Average(v => (v - mean) * (v - mean)) + config.NormEpsilon);
        return [.. x.Select((v, i) => (v - mean) / deviation * norm.Weight[i] + norm.Bias![i])];
    }

    private static double[] Sum(params double[][] terms) =>
        [.. Enumerable.Range(0, terms[0].Length).Select(i => terms.Sum(term => term[i]))];

    private static double[] Linear(LinearWeights linear, double[] x) =>
        [.. Enumerable.Range(0, linear.Weight.Rows).Select(r =>
            Row(linear.Weight, r).Select((w, c) => w * x[c]).Sum() + linear.Bias![r])];

    private static double[] Row(WeightMatrix matrix, int row)
    {
        float[] values = new float[matrix.Columns];
        matrix.ReadRow(row, values);
        return [.. values.Select(v => (double)v)];
    }
}
