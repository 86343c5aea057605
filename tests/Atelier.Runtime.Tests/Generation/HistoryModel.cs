using Atelier.Abstractions;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>
/// A model whose odds follow from every token it has read, so that a wrong past shows at once: the hash of the tokens
/// seeds the logits. Reads many sequences in one step and allocates nothing while it does.
/// </summary>
internal sealed class HistoryModel(int vocabulary, ulong seed, int contextLength = 1 << 20, double spread = 3,
    bool forgets = true, bool endless = false) : IBatchedLanguageModel
{
    private readonly List<Past> _living = [];

    public int VocabularySize => vocabulary;

    public int ContextLength => contextLength;

    /// <summary>The sequences that are in use.</summary>
    public int Open => _living.Count;

    /// <summary>The tokens that were read, of all sequences.</summary>
    public int TokensRead { get; private set; }

    /// <summary>The most sequences that were read in one step.</summary>
    public int Widest { get; private set; }

    public IDecodingSequence CreateSequence() => new Past(this, []);

    public IDecodingSequence CreateSequence(ReadOnlySpan<int> prompt)
    {
        List<ulong> wanted = [];
        foreach (int token in prompt[..^1])
            wanted.Add(SplitMix64.At(wanted.Count == 0 ? seed : wanted[^1], (ulong)token));
        return new Past(this,
            wanted.Take(forgets ? _living.Select(past => past.Common(wanted)).DefaultIfEmpty().Max() : 0));
    }

    public void Append(ReadOnlySpan<SequenceInput> inputs, Span<float> logits)
    {
        Widest = Math.Max(Widest, inputs.Length);
        for (int i = 0; i < inputs.Length; i++)
        {
            for (int j = 0; j < i; j++)
                Must(!ReferenceEquals(inputs[i].Sequence, inputs[j].Sequence));
            var past = (Past)inputs[i].Sequence;
            Must(!inputs[i].Tokens.IsEmpty);
            for (int t = 0; t < inputs[i].Tokens.Length; t++)
            {
                past.Read(inputs[i].Tokens.Span[t]);
                if (!inputs[i].AllLogits && t + 1 < inputs[i].Tokens.Length)
                    continue;
                Fill(past.Hash, logits[..vocabulary]);
                logits = logits[vocabulary..];
            }
        }
        Must(logits.IsEmpty);
    }

    /// <summary>The logits after some tokens.</summary>
    public float[] LogitsAfter(params IEnumerable<int> tokens)
    {
        float[] logits = new float[vocabulary];
        Fill(tokens.Aggregate(seed, (hash, token) => SplitMix64.At(hash, (ulong)token)), logits);
        return logits;
    }

    public IDecodingState CreateState(int sequences) =>
        throw new NotSupportedException("sequences are asked for one by one");

    public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private void Fill(ulong hash, Span<float> logits)
    {
        var random = new SplitMix64(hash);
        foreach (ref float logit in logits)
            logit = (float)(random.NextDouble() * spread);
        if (endless)
            logits[0] = float.NegativeInfinity;
    }

    private sealed class Past : IDecodingSequence
    {
        private readonly HistoryModel _model;
        private readonly List<ulong> _hashes;
        private bool _disposed;

        public Past(HistoryModel model, IEnumerable<ulong> hashes)
        {
            (_model, _hashes) = (model, new List<ulong>(4096));
            _hashes.AddRange(hashes);
            model._living.Add(this);
        }

        public ulong Hash => _hashes.Count == 0 ? _model.Seed : _hashes[^1];

        public int Length => _hashes.Count;

        public bool CanTruncate => _model.Forgets;

        public void Read(int token)
        {
            Must(!_disposed && _hashes.Count < _model.ContextLength);
            _hashes.Add(SplitMix64.At(Hash, (ulong)token));
            _model.TokensRead++;
        }

        /// <summary>How far it has read the same as another past.</summary>
        public int Common(List<ulong> other) => _hashes.Zip(other).TakeWhile(pair => pair.First == pair.Second).Count();

        public IDecodingSequence Fork() => new Past(_model, _hashes);

        public void Truncate(int length)
        {
            Must(length >= 0 && length <= Length);
            _hashes.RemoveRange(length, Length - length);
        }

        public void Dispose()
        {
            Must(!_disposed);
            _disposed = true;
            _model._living.Remove(this);
        }
    }

    // Assertions that allocate nothing.
    private static void Must(bool holds)
    {
        if (!holds)
            throw new InvalidOperationException("the decoder broke the contract of a batched model");
    }

    private ulong Seed => seed;

    private bool Forgets => forgets;
}
