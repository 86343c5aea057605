using Atelier.Abstractions;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>
/// A model of targets whose logits and attention follow from the whole source and every target token read, so that a
/// wrong source or past shows at once: the hash of the tokens seeds both.
/// </summary>
internal sealed class HashedPairModel(int vocabulary = 6, bool aligned = true, int sourceLength = int.MaxValue,
    int contextLength = int.MaxValue) : ISequenceToSequenceModel
{
    private int _open, _rows, _encoded;

    public int SourceVocabularySize => vocabulary;

    public int VocabularySize => vocabulary;

    public int SourceLength => sourceLength;

    public int ContextLength => contextLength;

    /// <summary>The states that are not disposed.</summary>
    public int Open => _open;

    /// <summary>The tokens read so far, of all targets.</summary>
    public int TokensRead => _rows;

    /// <summary>The sources encoded so far.</summary>
    public int Encoded => _encoded;

    /// <summary>The logits of the token after a target.</summary>
    public float[] Logits(ReadOnlyMemory<int> source, IEnumerable<int> target)
    {
        var random = new SplitMix64(Hash(source, target));
        return [.. Enumerable.Range(0, vocabulary).Select(_ => (float)(random.NextDouble() * 3))];
    }

    /// <summary>The log-probabilities of the token after a target.</summary>
    public double[] LogProbabilities(ReadOnlyMemory<int> source, IEnumerable<int> target)
    {
        float[] logits = Logits(source, target);
        double normalizer = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        return [.. logits.Select(logit => logit - normalizer)];
    }

    /// <summary>The attention to each source token after a target.</summary>
    public float[] Attention(ReadOnlyMemory<int> source, IEnumerable<int> target)
    {
        var random = new SplitMix64(Hash(source, target) + 1);
        double[] weights = [.. source.ToArray().Select(_ => Math.Pow(random.NextDouble(), 4))];
        return [.. weights.Select(weight => (float)(weight / weights.Sum()))];
    }

    public IDecodingState CreateState(IReadOnlyList<ReadOnlyMemory<int>> sources)
    {
        sources.ShouldAllBe(source => source.Length > 0 && source.Length <= sourceLength);
        Interlocked.Increment(ref _open);
        Interlocked.Add(ref _encoded, sources.Count);
        return aligned ? new AlignedState(this, sources) : new State(this, sources);
    }

    public IReadOnlyList<TokenScore[]> Score(
        IReadOnlyList<(ReadOnlyMemory<int> Source, ReadOnlyMemory<int> Target)> pairs,
        CancellationToken cancellation = default) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private static ulong Hash(ReadOnlyMemory<int> source, IEnumerable<int> target) =>
        source.ToArray().Append(-1).Concat(target)
            .Aggregate(7UL, (hash, token) => SplitMix64.At(hash, unchecked((ulong)token)));

    private class State(HashedPairModel model, IReadOnlyList<ReadOnlyMemory<int>> sources) : IDecodingState
    {
        protected List<(ReadOnlyMemory<int> Source, int[] Target)> Rows { get; private set; } =
            [.. sources.Select(source => (source, (int[])[]))];

        public int Sequences => Rows.Count;

        public int Length { get; private set; }

        public virtual void Append(ReadOnlySpan<int> tokens, Span<float> logits)
        {
            int each = tokens.Length / Rows.Count;
            (each * Rows.Count, logits.Length).ShouldBe((tokens.Length, Rows.Count * model.VocabularySize));
            Length += each;
            Length.ShouldBeLessThanOrEqualTo(model.ContextLength);
            Interlocked.Add(ref model._rows, tokens.Length);
            for (int i = 0; i < Rows.Count; i++)
            {
                Rows[i] = (Rows[i].Source, [.. Rows[i].Target, .. tokens.Slice(i * each, each)]);
                model.Logits(Rows[i].Source, Rows[i].Target).CopyTo(logits[(i * model.VocabularySize)..]);
            }
        }

        public void Select(ReadOnlySpan<int> parents) => Rows = [.. parents.ToArray().Select(parent => Rows[parent])];

        public void Dispose() => Interlocked.Decrement(ref model._open);
    }

    private sealed class AlignedState(HashedPairModel model, IReadOnlyList<ReadOnlyMemory<int>> sources)
        : State(model, sources), IAlignedState
    {
        private readonly HashedPairModel _model = model;
        private float[] _alignments = [];

        public ReadOnlySpan<float> Alignments => _alignments;

        public override void Append(ReadOnlySpan<int> tokens, Span<float> logits)
        {
            base.Append(tokens, logits);
            int longest = Rows.Max(row => row.Source.Length);
            _alignments = new float[Rows.Count * longest];
            for (int i = 0; i < Rows.Count; i++)
                _model.Attention(Rows[i].Source, Rows[i].Target).CopyTo(_alignments, i * longest);
        }
    }
}
