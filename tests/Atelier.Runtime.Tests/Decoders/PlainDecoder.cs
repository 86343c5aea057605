using System.Numerics;
using System.Runtime.InteropServices;
using Atelier.Decoding;
using Atelier.Kernels;

namespace Atelier.Decoders;

/// <summary>
/// A causal Transformer in the plainest managed code, a token and a row of weights at a time: GPT-2's shape (Radford et al.
/// 2019), Llama's (Touvron et al. 2023), and what lies between. What faster ones are held against.
/// </summary>
internal sealed class PlainDecoder : IBatchedLanguageModel
{
    private readonly DecoderConfig _config;
    private readonly DecoderWeights _weights;
    private readonly double[] _angles; // of each pair, from one position to the next
    private readonly float _amplitude;

    /// <summary>Makes a decoder of a shape and its weights, whose owners are disposed with it.</summary>
    public PlainDecoder(DecoderConfig config, DecoderWeights weights)
    {
        (_config, _weights) = (config, weights);
        _angles = RotaryFrequencies.Of(config.HeadSize, config.RopeTheta, config.RopeScaling);
        _amplitude = (float)RotaryFrequencies.Amplitude(config.RopeScaling);
        if (config.RopeFactors is { } factors)
            _angles = [.. _angles.Select((angle, i) => angle / factors[i])];
    }

    public int VocabularySize => _config.VocabularySize;

    public int ContextLength => _config.ContextLength;

    public IDecodingSequence CreateSequence() => new Sequence(_config.LayerCount);

    public void Append(ReadOnlySpan<SequenceInput> inputs, Span<float> logits)
    {
        foreach (SequenceInput input in inputs)
        {
            ReadOnlySpan<int> tokens = input.Tokens.Span;
            for (int t = 0; t < tokens.Length; t++)
            {
                float[] hidden = Read((Sequence)input.Sequence, tokens[t]);
                if (!input.AllLogits && t + 1 < tokens.Length)
                    continue;
                Product(_weights.Head ?? new LinearWeights(_weights.Embedding), hidden).CopyTo(logits);
                logits = logits[VocabularySize..];
            }
        }
    }

    public IDecodingState CreateState(int sequences) => throw new NotSupportedException("sequences are asked for one by one");

    public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences) => throw new NotSupportedException("a plain decoder only decodes");

    public void Dispose()
    {
        foreach (IDisposable owner in _weights.Owners)
            owner.Dispose();
    }

    /// <summary>What the last norm gives for a token, [hidden].</summary>
    private float[] Read(Sequence sequence, int token)
    {
        int position = sequence.Length;
        float[] x = Row(_weights.Embedding, token);
        if (_weights.Positions is not null)
            Add(x, Row(_weights.Positions, position));
        for (int layer = 0; layer < _config.LayerCount; layer++)
        {
            BlockWeights block = _weights.Blocks[layer];
            float[] normed = Norm(x, block.AttentionNorm);
            float[] query = Product(block.Query, normed), key = Product(block.Key, normed), value = Product(block.Value, normed);
            if (_config.Positions == PositionName.Rotary)
            {
                Rotate(query, position);
                Rotate(key, position);
            }
            sequence.Keys[layer].Add(key);
            sequence.Values[layer].Add(value);
            Add(x, Product(block.Output, Attend(query, sequence.Keys[layer], sequence.Values[layer])));
            Add(x, FeedForward(block, Norm(x, block.FeedForwardNorm)));
        }
        return Norm(x, _weights.FinalNorm);
    }

    /// <summary>softmax(q kᵀ / √d) v, head by head (Vaswani et al. 2017, eq. 1).</summary>
    private float[] Attend(float[] query, List<float[]> keys, List<float[]> values)
    {
        int size = _config.HeadSize, shared = _config.HeadCount / _config.KeyValueHeadCount;
        float[] result = new float[_config.QuerySize], scores = new float[keys.Count];
        for (int head = 0; head < _config.HeadCount; head++)
        {
            int from = head / shared * size;
            for (int t = 0; t < scores.Length; t++)
                scores[t] = Dot(query.AsSpan(head * size, size), keys[t].AsSpan(from, size)) / MathF.Sqrt(size);
            Logits.Exponentiate(scores, 1);
            float total = scores.Sum();
            for (int t = 0; t < scores.Length; t++)
            {
                for (int i = 0; i < size; i++)
                    result[(head * size) + i] += scores[t] / total * values[t][from + i];
            }
        }
        return result;
    }

    private float[] FeedForward(BlockWeights block, float[] x)
    {
        float[] up = Product(block.Up, x);
        if (block.Gate is not null)
        {
            float[] gate = Product(block.Gate, x);
            for (int i = 0; i < up.Length; i++)
                up[i] *= gate[i] / (1 + MathF.Exp(-gate[i])); // SwiGLU (Shazeer 2020)
        }
        else
        {
            for (int i = 0; i < up.Length; i++)
                up[i] = Gelu(up[i]);
        }
        return Product(block.Down, up);
    }

    // x Φ(x), or its approximation by tanh (Hendrycks and Gimpel 2016).
    private float Gelu(float x) => _config.Activation == ActivationName.GeluTanh
        ? 0.5f * x * (1 + MathF.Tanh(0.7978845608f * (x + (0.044715f * x * x * x))))
        : (float)(0.5 * x * (1 + Erf(x / Math.Sqrt(2))));

    // Abramowitz and Stegun 1964, 7.1.26: to 1.5e-7.
    private static double Erf(double x)
    {
        double t = 1 / (1 + (0.3275911 * Math.Abs(x)));
        double sum = ((((((((1.061405429 * t) - 1.453152027) * t) + 1.421413741) * t) - 0.284496736) * t) + 0.254829592) * t;
        return Math.CopySign(1 - (sum * Math.Exp(-x * x)), x);
    }

    private void Rotate(float[] heads, int position)
    {
        int size = _config.HeadSize;
        for (int start = 0; start < heads.Length; start += size)
        {
            for (int i = 0; i < size / 2; i++)
            {
                (int a, int b) = _config.RotaryPairs == RotaryPairs.Neighbours ? (start + (2 * i), start + (2 * i) + 1) : (start + i, start + i + (size / 2));
                (double sine, double cosine) = Math.SinCos(position * _angles[i]);
                (float s, float c) = ((float)sine * _amplitude, (float)cosine * _amplitude);
                (heads[a], heads[b]) = ((heads[a] * c) - (heads[b] * s), (heads[a] * s) + (heads[b] * c));
            }
        }
    }

    private float[] Norm(float[] x, NormWeights norm)
    {
        float mean = _config.Norm == NormName.Layer ? x.Average() : 0; // Ba et al. 2016; Zhang and Sennrich 2019 without the mean
        float scale = 1 / MathF.Sqrt(x.Sum(v => (v - mean) * (v - mean)) / x.Length + (float)_config.NormEpsilon);
        float[] result = new float[x.Length];
        for (int i = 0; i < x.Length; i++)
            result[i] = (x[i] - mean) * scale * norm.Weight[i] + (norm.Bias?[i] ?? 0);
        return result;
    }

    private static float[] Product(LinearWeights linear, float[] x)
    {
        float[] result = new float[linear.Weight.Rows];
        Parallel.For(0, (result.Length + 63) / 64, block =>
        {
            float[] row = new float[x.Length];
            for (int i = block * 64; i < Math.Min(result.Length, (block + 1) * 64); i++)
            {
                linear.Weight.ReadRow(i, row);
                result[i] = Dot(row, x) + (linear.Bias?[i] ?? 0);
            }
        });
        return result;
    }

    private static float[] Row(WeightMatrix matrix, int row)
    {
        float[] values = new float[matrix.Columns];
        matrix.ReadRow(row, values);
        return values;
    }

    private static void Add(float[] x, float[] y)
    {
        for (int i = 0; i < x.Length; i++)
            x[i] += y[i];
    }

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        ReadOnlySpan<Vector<float>> left = MemoryMarshal.Cast<float, Vector<float>>(a), right = MemoryMarshal.Cast<float, Vector<float>>(b);
        var sums = Vector<float>.Zero;
        for (int i = 0; i < left.Length; i++)
            sums += left[i] * right[i];
        float sum = Vector.Sum(sums);
        for (int i = left.Length * Vector<float>.Count; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private sealed class Sequence(int layers) : IDecodingSequence
    {
        public List<float[]>[] Keys { get; init; } = [.. Enumerable.Range(0, layers).Select(_ => new List<float[]>())];

        public List<float[]>[] Values { get; init; } = [.. Enumerable.Range(0, layers).Select(_ => new List<float[]>())];

        public int Length => Keys[0].Count;

        public bool CanTruncate => true;

        public IDecodingSequence Fork() => new Sequence(Keys.Length) { Keys = [.. Keys.Select(k => k.ToList())], Values = [.. Values.Select(v => v.ToList())] };

        public void Truncate(int length)
        {
            foreach (List<float[]> rows in Keys.Concat(Values))
                rows.RemoveRange(length, rows.Count - length);
        }

        public void Dispose()
        {
            // Garbage like any other.
        }
    }
}
