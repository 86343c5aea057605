using System.Numerics;
using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// A causal Transformer in the plainest managed code: GPT-2's shape (Radford et al.
/// 2019), Llama's (Touvron et al. 2023), and what lies between. What faster ones are held against.
/// </summary>
internal sealed class PlainDecoder : IBatchedLanguageModel
{
    private const int RowsAtOnce = 128; // of weights, what a thread takes of a product at a time
    private const long WorthSharing = 1 << 15; // multiplications below which threads cost more than they save
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

    /// <summary>The weights of attention so far: of each layer, each token and each head.</summary>
    public List<float[]> Attention { get; } = [];

    public int VocabularySize => _config.VocabularySize;

    public int ContextLength => _config.ContextLength;

    public IDecodingSequence CreateSequence() => new Sequence(_config.LayerCount);

    public void Append(ReadOnlySpan<SequenceInput> inputs, Span<float> logits)
    {
        // All tokens of all sequences go through each product together: a row of weights is read once for them all.
        var tokens = new List<(Sequence Sequence, int Position, int Id)>();
        var wanted = new List<int>();
        foreach (SequenceInput input in inputs)
        {
            var sequence = (Sequence)input.Sequence;
            for (int t = 0; t < input.Tokens.Length; t++)
            {
                if (input.AllLogits || t + 1 == input.Tokens.Length)
                    wanted.Add(tokens.Count);
                tokens.Add((sequence, sequence.Length + t, input.Tokens.Span[t]));
            }
        }
        float[][] hidden = Read(tokens);
        foreach (float[] row in Product(_weights.Head
            ?? new LinearWeights(_weights.Embedding), [.. wanted.Select(at => hidden[at])]))
        {
            row.CopyTo(logits);
            logits = logits[VocabularySize..];
        }
    }

    public IDecodingState CreateState(int sequences) => new State(this, sequences);

    public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default) => throw new NotSupportedException("a plain decoder only decodes");

    public void Dispose()
    {
        foreach (IDisposable owner in _weights.Owners)
            owner.Dispose();
    }

    /// <summary>What the last norm gives for each token, [tokens][hidden].</summary>
    private float[][] Read(List<(Sequence Sequence, int Position, int Id)> tokens)
    {
        float[][] x = [.. tokens.Select(token => Row(_weights.Embedding, token.Id))];
        if (_weights.Positions is not null)
            Add(x, [.. tokens.Select(token => Row(_weights.Positions, token.Position))]);
        for (int layer = 0; layer < _config.LayerCount; layer++)
        {
            BlockWeights block = _weights.Blocks[layer];
            float[][] normed = Norm(x, block.AttentionNorm);
            float[][] queries = Product(block.Query, normed), keys = Product(block.Key, normed),
                values = Product(block.Value, normed);
            float[][] mixed = new float[tokens.Count][];
            for (int i = 0; i < tokens.Count; i++)
            {
                (Sequence sequence, int position, _) = tokens[i];
                if (_config.Positions == PositionName.Rotary)
                {
                    Rotate(queries[i], position);
                    Rotate(keys[i], position);
                }
                sequence.Keys[layer].Add(keys[i]);
                sequence.Values[layer].Add(values[i]);
                mixed[i] = Attend(queries[i], sequence.Keys[layer], sequence.Values[layer]);
            }
            Add(x, Product(block.Output, mixed));
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
            Attention.Add([.. scores.Select(score => score / total)]);
            for (int t = 0; t < scores.Length; t++)
            {
                for (int i = 0; i < size; i++)
                    result[(head * size) + i] += scores[t] / total * values[t][from + i];
            }
        }
        return result;
    }

    private float[][] FeedForward(BlockWeights block, float[][] x)
    {
        float[][] up = Product(block.Up, x), gate = block.Gate is null ? [] : Product(block.Gate, x);
        for (int t = 0; t < up.Length; t++)
        {
            for (int i = 0; i < up[t].Length; i++)
            {
                up[t][i] = block.Gate is null
                    ? Gelu(up[t][i])
                    : up[t][i] * gate[t][i] / (1 + MathF.Exp(-gate[t][i])); // SwiGLU (Shazeer 2020)
            }
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
        double sum = ((((((((1.061405429 * t) - 1.453152027) * t) + 1.421413741) * t) - 0.284496736) * t)
            + 0.254829592) * t;
        return Math.CopySign(1 - (sum * Math.Exp(-x * x)), x);
    }

    private void Rotate(float[] heads, int position)
    {
        int size = _config.HeadSize;
        for (int start = 0; start < heads.Length; start += size)
        {
            for (int i = 0; i < size / 2; i++)
            {
                (int a, int b) = _config.RotaryPairs == RotaryPairs.Neighbours ? (start + (2 * i), start + (2 * i) + 1)
                    : (start + i, start + i + (size / 2));
                (double sine, double cosine) = Math.SinCos(position * _angles[i]);
                (float s, float c) = ((float)sine * _amplitude, (float)cosine * _amplitude);
                (heads[a], heads[b]) = ((heads[a] * c) - (heads[b] * s), (heads[a] * s) + (heads[b] * c));
            }
        }
    }

    private float[][] Norm(float[][] x, NormWeights norm) => [.. x.Select(row =>
    {
        // Ba et al. 2016; Zhang and Sennrich 2019 without the mean
        float mean = _config.Norm == NormName.Layer ? row.Average() : 0;
        float scale = 1 / MathF.Sqrt(row.Sum(v => (v - mean) * (v - mean)) / row.Length + (float)_config.NormEpsilon);
        return row.Select((v, i) => (v - mean) * scale * norm.Weight[i] + (norm.Bias?[i] ?? 0)).ToArray();
    })];

    private static float[][] Product(LinearWeights linear, float[][] x)
    {
        WeightMatrix weight = linear.Weight;
        float[][] result = [.. x.Select(_ => new float[weight.Rows])];
        int blocks = (weight.Rows + RowsAtOnce - 1) / RowsAtOnce;
        if ((long)weight.Rows * weight.Columns * x.Length < WorthSharing)
        {
            for (int block = 0; block < blocks; block++)
                Block(block);
        }
        else
        {
            Parallel.For(0, blocks, Block);
        }
        return result;

        void Block(int block)
        {
            float[] decoded = new float[weight.Type == WeightType.F32 ? 0 : weight.Columns];
            for (int i = block * RowsAtOnce; i < Math.Min(weight.Rows, (block + 1) * RowsAtOnce); i++)
            {
                ReadOnlySpan<float> row = decoded;
                if (weight.Type == WeightType.F32)
                    row = MemoryMarshal.Cast<byte, float>(weight.Row(i));
                else
                    weight.ReadRow(i, decoded);
                for (int t = 0; t < x.Length; t++)
                    result[t][i] = Dot(row, x[t]) + (linear.Bias?[i] ?? 0);
            }
        }
    }

    private static float[] Row(WeightMatrix matrix, int row)
    {
        float[] values = new float[matrix.Columns];
        matrix.ReadRow(row, values);
        return values;
    }

    private static void Add(float[][] x, float[][] y)
    {
        for (int t = 0; t < x.Length; t++)
        {
            for (int i = 0; i < x[t].Length; i++)
                x[t][i] += y[t][i];
        }
    }

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        ref float left = ref MemoryMarshal.GetReference(a), right = ref MemoryMarshal.GetReference(b);
        int width = Vector<float>.Count, length = Math.Min(a.Length, b.Length), i = 0;
        // sums that do not wait for one another
        Vector<float> first = default, second = default, third = default, fourth = default;
        for (; i <= length - (4 * width); i += 4 * width)
        {
            first += Load(ref left, i) * Load(ref right, i);
            second += Load(ref left, i + width) * Load(ref right, i + width);
            third += Load(ref left, i + (2 * width)) * Load(ref right, i + (2 * width));
            fourth += Load(ref left, i + (3 * width)) * Load(ref right, i + (3 * width));
        }
        float sum = Vector.Sum(first + second + (third + fourth));
        for (; i < length; i++)
            sum += a[i] * b[i];
        return sum;

        static Vector<float> Load(ref float from, int at) => Vector.LoadUnsafe(ref from, (nuint)at);
    }

    private sealed class Sequence(int layers) : IDecodingSequence
    {
        public List<float[]>[] Keys { get; init; } = [.. Enumerable.Range(0, layers).Select(_ => new List<float[]>())];

        public List<float[]>[] Values { get; init; } =
            [.. Enumerable.Range(0, layers).Select(_ => new List<float[]>())];

        public int Length => Keys[0].Count;

        public bool CanTruncate => true;

        public IDecodingSequence Fork() =>
            new Sequence(Keys.Length) { Keys = [.. Keys.Select(k => k.ToList())],
            Values = [.. Values.Select(v => v.ToList())] };

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

    /// <summary>Sequences of one length, for beam search.</summary>
    private sealed class State(PlainDecoder decoder, int sequences) : IDecodingState
    {
        private IDecodingSequence[] _sequences =
            [.. Enumerable.Range(0, sequences).Select(_ => decoder.CreateSequence())];

        public int Sequences => _sequences.Length;

        public int Length => _sequences[0].Length;

        public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
        {
            int each = tokens.Length / Sequences;
            int[] all = tokens.ToArray();
            decoder.Append([.. _sequences.Select((sequence, i) => new SequenceInput(sequence,
                all.AsMemory(i * each, each)))], logits);
        }

        public void Select(ReadOnlySpan<int> parents)
        {
            var chosen = new IDecodingSequence[parents.Length];
            for (int i = 0; i < chosen.Length; i++)
                chosen[i] = _sequences[parents[i]].Fork();
            _sequences = chosen;
        }

        public void Dispose()
        {
            // Garbage like any other.
        }
    }
}
