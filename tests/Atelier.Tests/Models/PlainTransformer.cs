using static TorchSharp.torch;

namespace Atelier.Tests.Models;

/// <summary>
/// The forward pass of GPT-2 and of Llama in double precision, loop by loop, from tensors under Hugging Face's names:
/// the second way that the product's own is held against. Slow.
/// </summary>
internal sealed class PlainTransformer(IReadOnlyDictionary<string, Tensor> tensors)
{
    private const double Epsilon = 1e-5;

    private double[] this[string name] => [.. tensors[name].data<float>().ToArray().Select(v => (double)v)];

    public double[][] Gpt2(int[] ids, int layers, int heads, int width)
    {
        double[] wte = this["transformer.wte.weight"], wpe = this["transformer.wpe.weight"];
        double[][] x =
            [.. ids.Select((id, t) =>
            Enumerable.Range(0, width).Select(i => wte[id * width + i] + wpe[t * width + i]).ToArray())];
        for (int l = 0; l < layers; l++)
        {
            string p = $"transformer.h.{l}.";
            double[][] qkv = [.. x.Select(row => Conv1D(LayerNorm(row, p + "ln_1"), p + "attn.c_attn"))];
            double[][] mixed = Attention(
                [.. qkv.Select(r => r[..width])], [.. qkv.Select(r => r[width..(2 * width)])],
                    [.. qkv.Select(r => r[(2 * width)..])], heads, heads);
            for (int t = 0; t < x.Length; t++)
            {
                x[t] = Add(x[t], Conv1D(mixed[t], p + "attn.c_proj"));
                double[] inner = Conv1D(LayerNorm(x[t], p + "ln_2"), p + "mlp.c_fc");
                x[t] = Add(x[t], Conv1D([.. inner.Select(GeluNew)], p + "mlp.c_proj"));
            }
        }
        return [.. x.Select(row => Rows(LayerNorm(row, "transformer.ln_f"), wte))];
    }

    public double[][] Llama(int[] ids, int layers, int heads, int keyValueHeads, int width, double theta)
    {
        double[] embedding = this["model.embed_tokens.weight"];
        double[][] x = [.. ids.Select(id => embedding[(id * width)..((id + 1) * width)])];
        int size = width / heads;
        for (int l = 0; l < layers; l++)
        {
            string p = $"model.layers.{l}.";
            double[][] normed = [.. x.Select(row => RmsNorm(row, p + "input_layernorm.weight"))];
            double[][] q =
                [.. normed.Select((r, t) => Rotate(Rows(r, this[p + "self_attn.q_proj.weight"]), t, size, theta))];
            double[][] k =
                [.. normed.Select((r, t) => Rotate(Rows(r, this[p + "self_attn.k_proj.weight"]), t, size, theta))];
            double[][] v = [.. normed.Select(r => Rows(r, this[p + "self_attn.v_proj.weight"]))];
            double[][] mixed = Attention(q, k, v, heads, keyValueHeads);
            for (int t = 0; t < x.Length; t++)
            {
                x[t] = Add(x[t], Rows(mixed[t], this[p + "self_attn.o_proj.weight"]));
                double[] inner = RmsNorm(x[t], p + "post_attention_layernorm.weight");
                double[] gate = Rows(inner, this[p + "mlp.gate_proj.weight"]),
                    up = Rows(inner, this[p + "mlp.up_proj.weight"]);
                double[] gated = [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)];
                x[t] = Add(x[t], Rows(gated, this[p + "mlp.down_proj.weight"]));
            }
        }
        return [.. x.Select(row => Rows(RmsNorm(row, "model.norm.weight"), this["lm_head.weight"]))];
    }

    /// <summary>
    /// softmax(q·k / √size) v over places up to the query's own; heads in order share key-value heads in groups.
    /// </summary>
    public static double[][] Attention(double[][] q, double[][] k, double[][] v, int heads, int keyValueHeads)
    {
        int size = q[0].Length / heads;
        double[][] result = [.. q.Select(row => new double[row.Length])];
        for (int h = 0; h < heads; h++)
        {
            int shared = h / (heads / keyValueHeads);
            for (int t = 0; t < q.Length; t++)
            {
                double[] weights = [.. Enumerable.Range(0, t + 1).Select(s => Math.Exp(
                    Enumerable.Range(0, size)
                        .Sum(i => q[t][h * size + i] * k[s][shared * size + i]) / Math.Sqrt(size)))];
                double total = weights.Sum();
                for (int s = 0; s <= t; s++)
                {
                    for (int i = 0; i < size; i++)
                        result[t][h * size + i] += weights[s] / total * v[s][shared * size + i];
                }
            }
        }
        return result;
    }

    /// <summary>The half-split rotation: component i with component i + size/2 of each head.</summary>
    private static double[] Rotate(double[] x, int position, int size, double theta)
    {
        double[] y = [.. x];
        for (int start = 0; start < x.Length; start += size)
        {
            for (int i = 0; i < size / 2; i++)
            {
                double angle = position / Math.Pow(theta, 2.0 * i / size);
                double a = x[start + i], b = x[start + i + size / 2];
                y[start + i] = a * Math.Cos(angle) - b * Math.Sin(angle);
                y[start + i + size / 2] = b * Math.Cos(angle) + a * Math.Sin(angle);
            }
        }
        return y;
    }

    private double[] LayerNorm(double[] x, string name)
    {
        double[] weight = this[name + ".weight"], bias = this[name + ".bias"];
        double mean = x.Average(), variance = x.Average(v => (v - mean) * (v - mean));
        return [.. x.Select((v, i) => (v - mean) / Math.Sqrt(variance + Epsilon) * weight[i] + bias[i])];
    }

    private double[] RmsNorm(double[] x, string name)
    {
        double[] weight = this[name];
        double square = x.Average(v => v * v);
        return [.. x.Select((v, i) => v / Math.Sqrt(square + Epsilon) * weight[i])];
    }

    /// <summary>x W + b with W [inputs, outputs].</summary>
    private double[] Conv1D(double[] x, string name)
    {
        double[] weight = this[name + ".weight"], bias = this[name + ".bias"];
        return [.. bias.Select((b, j) =>
            b + Enumerable.Range(0, x.Length).Sum(i => x[i] * weight[i * bias.Length + j]))];
    }

    /// <summary>W x with W [outputs, inputs].</summary>
    private static double[] Rows(double[] x, double[] weight) =>
        [.. Enumerable.Range(0, weight.Length / x.Length)
            .Select(j => Enumerable.Range(0, x.Length).Sum(i => x[i] * weight[j * x.Length + i]))];

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double GeluNew(double x) =>
        0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
}
