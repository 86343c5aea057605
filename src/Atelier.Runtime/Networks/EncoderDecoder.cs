using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// An encoder-decoder Transformer (Vaswani et al. 2017) on the CPU in managed code: Marian, BART (Lewis et al. 2020),
/// T5 (Raffel et al. 2020) and combinations of their parts. Many sources are encoded at once, without padding, and
/// their targets advance in one step; the result of each does not depend on the others. Several threads may use a model
/// at the same time, each with its own states: steps run one at a time, each with all worker threads.
/// </summary>
/// <remarks>
/// The keys and values of a source are computed once and shared by all of its targets. The targets share the cached
/// keys and values of their common tokens, so selecting beams copies references.
/// </remarks>
public sealed class EncoderDecoder : ISequenceToSequenceModel
{
    // With less rows for each worker, all of them read the weights of the same rows together.
    private const int LeastRows = 8;

    private const int PairsAtOnce = 64, LogitsAtOnce = 1 << 22;

    private readonly EncoderDecoderParts _parts;
    private readonly KernelPath _path;
    private readonly WorkerPool[] _pools; // of all workers together, then one for each alone
    private readonly SourcePass _sources;
    private readonly TargetPass _targets;
    private readonly SourcePass[] _eachSources; // one for each worker, on sources of its own
    private readonly TargetPass[] _eachTargets;
    private bool _disposed;

    /// <summary>Creates a model.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="weights">The weights; their owners are disposed with the model.</param>
    /// <param name="threads">Number of threads, including the caller's; 0 takes one for each processor, or a single
    /// thread for weights below a megabyte.</param>
    /// <exception cref="AtelierException">The configuration is invalid, or the weights do not fit it.</exception>
    public EncoderDecoder(EncoderDecoderConfig config, EncoderDecoderWeights weights, int threads = 0)
        : this(config, weights, threads, KernelPath.Best)
    {
    }

    internal EncoderDecoder(EncoderDecoderConfig config, EncoderDecoderWeights weights, int threads, KernelPath path)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        config.Check();
        weights.Check(config);
        (Config, Weights, _path) = (config, weights, path);
        int workers = PassProducts.Workers(threads,
            weights.Head.Weight.ByteCount + weights.Decoder.Blocks.Sum(block => block.Up.Weight.ByteCount * 4));
        Cache = new TokenCache(config.DecoderLayerCount, config.Shape.AttentionSize);
        _parts = new EncoderDecoderParts(config, weights, path);
        _pools = [new WorkerPool(workers), .. Enumerable.Range(0, workers).Select(_ => new WorkerPool(1))];
        _sources = new SourcePass(config, _parts, path, _pools[0]);
        _targets = new TargetPass(config, _parts, Cache, path, _pools[0]);
        _eachSources = [.. _pools[1..].Select(pool => new SourcePass(config, _parts, path, pool))];
        _eachTargets = [.. _pools[1..].Select(pool => new TargetPass(config, _parts, Cache, path, pool))];
    }

    /// <summary>The configuration.</summary>
    public EncoderDecoderConfig Config { get; }

    /// <summary>The weights.</summary>
    public EncoderDecoderWeights Weights { get; }

    /// <inheritdoc/>
    public int SourceVocabularySize => Config.SourceVocabularySize;

    /// <inheritdoc/>
    public int VocabularySize => Config.VocabularySize;

    /// <inheritdoc/>
    public int SourceLength => Config.ContextLength;

    /// <inheritdoc/>
    public int ContextLength => Config.ContextLength;

    /// <summary>Guards the workers, the passes and the cache.</summary>
    internal Lock Gate { get; } = new();

    internal TokenCache Cache { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A source is empty or too long, or has an unknown token.</exception>
    public IDecodingState CreateState(IReadOnlyList<ReadOnlyMemory<int>> sources)
    {
        ArgumentOutOfRangeException.ThrowIfZero(sources.Count, nameof(sources));
        foreach (ReadOnlyMemory<int> source in sources)
            Check(source, SourceLength, SourceVocabularySize, nameof(sources));
        return new EncoderDecoderState(this, Encode(sources));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A source or target is empty or too long, or has an unknown token.
    /// </exception>
    public IReadOnlyList<TokenScore[]> Score(
        IReadOnlyList<(ReadOnlyMemory<int> Source, ReadOnlyMemory<int> Target)> pairs,
        CancellationToken cancellation = default)
    {
        foreach ((ReadOnlyMemory<int> source, ReadOnlyMemory<int> target) in pairs)
        {
            Check(source, SourceLength, SourceVocabularySize, nameof(pairs));
            Check(target, ContextLength + 1L, VocabularySize, nameof(pairs));
        }
        var scores = new TokenScore[pairs.Count][];
        // Targets of similar length share a state; those that end leave it.
        IEnumerable<int> order = Enumerable.Range(0, pairs.Count).OrderByDescending(i => pairs[i].Target.Length);
        foreach (int[] rows in order.Chunk(Math.Clamp(LogitsAtOnce / VocabularySize, 1, PairsAtOnce)))
        {
            foreach (int row in rows)
                scores[row] = new TokenScore[pairs[row].Target.Length - 1];
            int going = rows.Count(row => scores[row].Length > 0);
            if (going == 0)
                continue;
            using IDecodingState state = CreateState([.. rows[..going].Select(row => pairs[row].Source)]);
            float[] logits = new float[going * VocabularySize];
            for (int t = 0; going > 0; t++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (going < state.Sequences)
                    state.Select([.. Enumerable.Range(0, going)]);
                state.Append([.. rows[..going].Select(row => pairs[row].Target.Span[t])],
                    logits.AsSpan(0, going * VocabularySize));
                for (int i = 0; i < going; i++)
                    scores[rows[i]][t] = BatchedScoring.ScoreToken(logits.AsSpan(i * VocabularySize, VocabularySize),
                        pairs[rows[i]].Target.Span[t + 1], _path);
                going = rows[..going].Count(row => scores[row].Length > t + 1);
            }
        }
        return scores;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (Gate) // waits for the current step
        {
            if (_disposed)
                return;
            _disposed = true;
            foreach (WorkerPool pool in _pools)
                pool.Dispose();
            foreach (IDisposable part in (IDisposable[])[_sources, _targets, .. _eachSources, .. _eachTargets, Cache,
                _parts, .. Weights.Owners])
                part.Dispose();
        }
    }

    /// <summary>
    /// Calls a function, which must not use the model, on the workers. The caller holds <see cref="Gate"/>.
    /// </summary>
    internal void ForEach(int count, Action<int> call)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var calls = new WorkerCalls(count, call);
        _pools[0].Run(calls);
        calls.Check();
    }

    /// <summary>Computes a step, already checked. The caller holds <see cref="Gate"/>.</summary>
    internal void Run(TargetStep step)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _parts.Decoder.MakeRoom(step.Position + 1);
        int rows = step.Tokens.Length, workers = _eachTargets.Length;
        if (workers == 1 || rows < LeastRows * workers)
        {
            _targets.Run(step, 0, rows);
            return;
        }
        Range[] shares = [.. Enumerable.Range(0, workers)
            .Select(worker => (rows * worker / workers)..(rows * (worker + 1) / workers))];
        _pools[0].Run(new SequenceGroups(shares, (worker, share) =>
            _eachTargets[worker].Run(step, share.Start.Value, share.End.Value - share.Start.Value)));
    }

    private SourceMemory Encode(IReadOnlyList<ReadOnlyMemory<int>> sources)
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var memory = new SourceMemory(Config.Shape, Config.DecoderLayerCount, _path,
                [.. sources.Select(source => source.Length)]);
            _parts.Encoder.MakeRoom(memory.Longest);
            List<Range> groups = SequenceGroups.Divide(sources.Count, i => sources[i].Length, _eachSources.Length);
            if (groups.Count == 1)
                _sources.Run(sources, groups[0], memory);
            else
                _pools[0].Run(new SequenceGroups([.. groups],
                    (worker, group) => _eachSources[worker].Run(sources, group, memory)));
            return memory;
        }
    }

    private static void Check(ReadOnlyMemory<int> sequence, long longest, int vocabulary, string parameter)
    {
        if (sequence.Length == 0 || sequence.Length > longest)
            throw new ArgumentException($"a sequence has {sequence.Length} tokens, not 1 to {longest}", parameter);
        if (sequence.Span.ContainsAnyExceptInRange(0, vocabulary - 1))
            throw new ArgumentException($"a token is not in the vocabulary of {vocabulary}", parameter);
    }
}
