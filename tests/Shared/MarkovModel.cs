using Atelier.Abstractions;

namespace Atelier.TestSupport;

/// <summary>A first-order Markov chain as a language model: everything about it is known in closed form.</summary>
internal sealed class MarkovModel(double[][] transitions, int contextLength = int.MaxValue) : ILanguageModel
{
    public int VocabularySize => transitions.Length;

    public int ContextLength => contextLength;

    public int States { get; private set; }

    /// <summary>A chain over the characters of a tokenizer, with rows drawn from a seed.</summary>
    public static MarkovModel Random(int vocabulary, int seed, int contextLength = int.MaxValue)
    {
        var random = new Random(seed);
        return new([.. Enumerable.Range(0, vocabulary).Select(_ =>
        {
            double[] row = [.. Enumerable.Range(0, vocabulary).Select(_ => Math.Pow(random.NextDouble(), 3))];
            return row.Select(p => p / row.Sum()).ToArray();
        })], contextLength);
    }

    /// <summary>The probability of a token after another.</summary>
    public double P(int from, int to) => transitions[from][to];

    public IDecodingState CreateState(int sequences)
    {
        States++;
        return new State(this, sequences);
    }

    public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default) =>
        [.. sequences.Select(s => Enumerable.Range(1, s.Length - 1).Select(i =>
            new TokenScore(Math.Log(P(s.Span[i - 1], s.Span[i])),
                P(s.Span[i - 1], s.Span[i]) == transitions[s.Span[i - 1]].Max())).ToArray())];

    public void Dispose()
    {
    }

    private sealed class State(MarkovModel model, int sequences) : IDecodingState
    {
        public int Sequences { get; private set; } = sequences;

        public int Length { get; private set; }

        public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
        {
            int each = tokens.Length / Sequences, v = model.VocabularySize;
            Length += each;
            Length.ShouldBeLessThanOrEqualTo(model.ContextLength);
            for (int i = 0; i < Sequences; i++)
            {
                for (int w = 0; w < v; w++)
                    // logits are free up to a constant
                    logits[i * v + w] = (float)Math.Log(model.P(tokens[(i + 1) * each - 1], w)) + 3;
            }
        }

        public void Select(ReadOnlySpan<int> parents) => Sequences = parents.Length;

        public void Dispose()
        {
        }
    }
}
