using System.Numerics;
using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Kernels;
using static Atelier.Networks.PlainProducts;

namespace Atelier.Networks;

/// <summary>
/// A causal Transformer in the plainest managed code: GPT-2's shape (Radford et al.
/// 2019), Llama's (Touvron et al. 2023), the shapes that vary it, and what lies between. What faster ones are held
/// against.
/// </summary>
internal sealed class PlainDecoder : IBatchedLanguageModel
{
    private readonly DecoderConfig _config;
    private readonly DecoderWeights _weights;
    private readonly double[] _angles, _windowAngles; // of each pair, from one position to the next
    private readonly float _amplitude, _windowAmplitude;

    /// <summary>Makes a decoder of a shape and its weights, whose owners are disposed with it.</summary>
    public PlainDecoder(DecoderConfig config, DecoderWeights weights)
    {
        (_config, _weights) = (config, weights);
        int rotated = config.RotarySize ?? config.HeadSize;
        _angles = RotaryFrequencies.Of(rotated, config.RopeTheta, config.RopeScaling);
        _amplitude = (float)(RotaryFrequencies.Amplitude(config.RopeScaling) * config.RopeAmplitude);
        if (config.RopeFactors is { } factors)
            _angles = [.. _angles.Select((angle, i) => angle / factors[i])];
        (_windowAngles, _windowAmplitude) = config.Window?.RopeTheta is { } theta
            ? ([.. Enumerable.Range(0, rotated / 2).Select(i => Math.Pow(theta, -2.0 * i / rotated))], 1)
            : (_angles, _amplitude);
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
            for (int i = 0; i < row.Length; i++)
                row[i] = Cap(row[i] * (float)_config.LogitScale, _config.LogitSoftCap);
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
        Scale(x, _config.EmbeddingScale);
        if (_weights.Positions is not null)
            Add(x, [.. tokens.Select(token => Row(_weights.Positions, token.Position))]);
        for (int layer = 0; layer < _config.LayerCount; layer++)
        {
            BlockWeights block = _weights.Blocks[layer];
            float[][] normed = Norm(x, block.AttentionNorm);
            float[][] queries = Heads(Product(block.Query, normed), block.QueryNorm),
                keys = Heads(Product(block.Key, normed), block.KeyNorm), values = Product(block.Value, normed);
            float[][] mixed = new float[tokens.Count][];
            for (int i = 0; i < tokens.Count; i++)
            {
                (Sequence sequence, int position, _) = tokens[i];
                if (_config.Positions == PositionName.Rotary && _config.RotaryLayers?[layer] != false)
                {
                    Rotate(queries[i], position, layer);
                    Rotate(keys[i], position, layer);
                }
                sequence.Keys[layer].Add(keys[i]);
                sequence.Values[layer].Add(values[i]);
                mixed[i] = Attend(queries[i], sequence.Keys[layer], sequence.Values[layer], layer);
            }
            float[][] attended = Norm(Product(block.Output, mixed), block.AttentionPostNorm);
            Scale(attended, _config.ResidualScale);
            float[][] after = [.. x.Select(row => row.ToArray())];
            Add(after, attended);
            float[][] more = Norm(FeedForward(block, Norm(_config.IsParallel ? x : after, block.FeedForwardNorm)),
                block.FeedForwardPostNorm);
            Scale(more, _config.ResidualScale);
            Add(after, more);
            x = after;
        }
        return Norm(x, _weights.FinalNorm);
    }

    /// <summary>Queries or keys after their norm: of all heads together, or of each by itself.</summary>
    private float[][] Heads(float[][] rows, NormWeights? norm) => _config.QueryKeyNorm == QueryKeyNormName.Head
        ? [.. rows.Select(row => Norm([.. row.Chunk(_config.HeadSize)], norm).SelectMany(head => head).ToArray())]
        : Norm(rows, norm);

    /// <summary>softmax(q kᵀ / √d) v, head by head (Vaswani et al. 2017, eq. 1).</summary>
    private float[] Attend(float[] query, List<float[]> keys, List<float[]> values, int layer)
    {
        int size = _config.HeadSize, shared = _config.HeadCount / _config.KeyValueHeadCount;
        int first = _config.Window is { } window && window.Has(layer) ? Math.Max(0, keys.Count - window.Tokens) : 0;
        float factor = (float)(_config.AttentionScale ?? 1 / Math.Sqrt(size));
        float[] result = new float[_config.QuerySize], scores = new float[keys.Count];
        for (int head = 0; head < _config.HeadCount; head++)
        {
            int from = head / shared * size;
            for (int t = 0; t < scores.Length; t++)
                scores[t] = t < first ? float.NegativeInfinity
                    : Cap(Dot(query.AsSpan(head * size, size), keys[t].AsSpan(from, size)) * factor,
                        _config.AttentionSoftCap);
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

    private static float Cap(float score, double? cap) =>
        cap is { } c ? (float)(c * Math.Tanh(score / c)) : score;

    private float[][] FeedForward(BlockWeights block, float[][] x)
    {
        if (block.FeedForward is { } layer)
            return FeedForward(layer, x);
        ExpertWeights experts = block.Experts!;
        float[][] scores = Product(experts.Router, x), result = [.. x.Select(row => new float[row.Length])];
        for (int t = 0; t < x.Length; t++)
        {
            Logits.Exponentiate(scores[t], 1);
            float total = scores[t].Sum();
            (float Score, int Expert)[] chosen = [.. scores[t].Select((score, i) => (score / total, i))
                .OrderByDescending(pair => pair.Item1).Take(_config.Experts!.PerToken)];
            float of = _config.Experts.IsNormalised ? chosen.Sum(pair => pair.Score) : 1;
            foreach ((float score, int expert) in chosen)
                AddTimes(result[t], FeedForward(experts.Experts[expert], [x[t]])[0], score / of);
            if (experts.Shared is not null)
                AddTimes(result[t], FeedForward(experts.Shared, [x[t]])[0],
                    1 / (1 + MathF.Exp(-Product(experts.SharedGate!, [x[t]])[0][0])));
        }
        return result;
    }

    private float[][] FeedForward(FeedForwardWeights layer, float[][] x)
    {
        float[][] up = Product(layer.Up, x), gate = layer.Gate is null ? [] : Product(layer.Gate, x);
        for (int t = 0; t < up.Length; t++)
        {
            for (int i = 0; i < up[t].Length; i++)
            {
                up[t][i] = layer.Gate is null ? Gelu(up[t][i])
                    : up[t][i] * (_config.Activation == ActivationName.GeGlu ? Gelu(gate[t][i])
                        : gate[t][i] / (1 + MathF.Exp(-gate[t][i]))); // GeGLU, SwiGLU (Shazeer 2020)
            }
        }
        return Product(layer.Down, up);
    }

    // x Φ(x), or its approximation by tanh (Hendrycks and Gimpel 2016).
    private float Gelu(float x) => _config.Activation is ActivationName.GeluTanh or ActivationName.GeGlu
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

    private void Rotate(float[] heads, int position, int layer)
    {
        int size = _config.HeadSize, rotated = _config.RotarySize ?? size;
        bool hasWindow = _config.Window?.Has(layer) == true;
        double[] angles = hasWindow ? _windowAngles : _angles;
        float amplitude = hasWindow ? _windowAmplitude : _amplitude;
        for (int start = 0; start < heads.Length; start += size)
        {
            for (int i = 0; i < rotated / 2; i++)
            {
                (int a, int b) = _config.RotaryPairs == RotaryPairs.Neighbours ? (start + (2 * i), start + (2 * i) + 1)
                    : (start + i, start + i + (rotated / 2));
                (double sine, double cosine) = Math.SinCos(position * angles[i]);
                (float s, float c) = ((float)sine * amplitude, (float)cosine * amplitude);
                (heads[a], heads[b]) = ((heads[a] * c) - (heads[b] * s), (heads[a] * s) + (heads[b] * c));
            }
        }
    }

    private float[][] Norm(float[][] x, NormWeights? norm) => norm is null ? x : [.. x.Select(row =>
    {
        // Ba et al. 2016; Zhang and Sennrich 2019 without the mean
        float mean = _config.Norm == NormName.Layer ? row.Average() : 0;
        float scale = 1 / MathF.Sqrt(row.Sum(v => (v - mean) * (v - mean)) / row.Length + (float)_config.NormEpsilon);
        return row.Select((v, i) => (v - mean) * scale * norm.Weight[i] + (norm.Bias?[i] ?? 0)).ToArray();
    })];

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
