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
/// keys and values of their common tokens, so selecting beams copies references. Batches of sources that do not wait
/// for one another are faster on the single-threaded models of <see cref="Workers"/>, whose steps have no barriers.
/// </remarks>
public sealed class EncoderDecoder : ISequenceToSequenceModel, IWorkerModel
{
    private const int PairsAtOnce = 64, LogitsAtOnce = 1 << 22;

    private readonly EncoderDecoderParts _parts;
    private readonly KernelPath _path;
    private readonly WorkerPool _pool;
    private readonly SourcePass _sources;
    private readonly TargetPass _targets;
    private readonly bool _ownsWeights;
    private EncoderDecoder[]? _workers;
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
        : this(config, weights, path, Prepare(config, weights, threads, path, out int workers), workers)
    {
        _ownsWeights = true;
    }

    private EncoderDecoder(EncoderDecoderConfig config, EncoderDecoderWeights weights, KernelPath path,
        EncoderDecoderParts parts, int workers)
    {
        (Config, Weights, _path, _parts, _pool) = (config, weights, path, parts, new WorkerPool(workers));
        Cache = new TokenCache(config.DecoderLayerCount, config.Shape.AttentionSize);
        _sources = new SourcePass(config, parts, path, _pool);
        _targets = new TargetPass(config, parts, Cache, path, _pool);
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

    /// <inheritdoc/>
    IReadOnlyList<ISequenceToSequenceModel> IWorkerModel.Workers => Workers;

    /// <summary>Guards the workers, the passes and the cache.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>Models with the same weights and one thread each, as many as this model has threads.</summary>
    internal IReadOnlyList<EncoderDecoder> Workers
    {
        get
        {
            lock (Gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return _pool.Workers == 1 ? [this] : _workers ??= [.. Enumerable.Range(0, _pool.Workers)
                    .Select(_ => new EncoderDecoder(Config, Weights, _path, _parts, workers: 1))];
            }
        }
    }

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
        int[] order = [.. Enumerable.Range(0, pairs.Count).OrderByDescending(i => pairs[i].Target.Length)];
        int most = Math.Clamp(LogitsAtOnce / VocabularySize, 1, PairsAtOnce);
        WorkerBatches.RunAsync(Workers, order, most, (model, rows) =>
        {
            model.Score(pairs, rows, scores, cancellation);
            return Task.CompletedTask;
        }, cancellation).GetAwaiter().GetResult();
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
            foreach (EncoderDecoder worker in _workers ?? [])
                worker.Dispose();
            _pool.Dispose();
            foreach (IDisposable part in (IDisposable[])[_sources, _targets, Cache])
                part.Dispose();
            if (!_ownsWeights)
                return;
            foreach (IDisposable part in (IDisposable[])[_parts, .. Weights.Owners])
                part.Dispose();
        }
    }

    /// <summary>Computes a step, already checked. The caller holds <see cref="Gate"/>.</summary>
    internal void Run(TargetStep step)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _parts.Decoder.MakeRoom(step.Position + 1);
        _targets.Run(step);
    }

    /// <summary>Reads a source and a target, and records what the blocks of both stacks compute.</summary>
    /// <param name="source">The source with its special tokens.</param>
    /// <param name="target">The target with its start token.</param>
    /// <param name="cancellation">Cancels between tokens of the target.</param>
    internal (PassTrace Source, PassTrace Target) Trace(ReadOnlyMemory<int> source, ReadOnlyMemory<int> target,
        CancellationToken cancellation)
    {
        Check(source, SourceLength, SourceVocabularySize, nameof(source));
        Check(target, ContextLength, VocabularySize, nameof(target));
        (int heads, int hidden) = (Config.HeadCount, Config.HiddenSize);
        var read = new PassTrace(Config.EncoderLayerCount, heads, hidden, source.Length);
        var written = new PassTrace(Config.DecoderLayerCount, heads, hidden, target.Length, source.Length);
        var memory = new SourceMemory(Config.Shape, Config.DecoderLayerCount, _path, [source.Length]);
        using var state = new EncoderDecoderState(this, memory) { Trace = written };
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _parts.Encoder.MakeRoom(source.Length);
            _sources.Run(source, memory, read);
        }
        float[] logits = new float[VocabularySize];
        for (int t = 0; t < target.Length; t++)
        {
            cancellation.ThrowIfCancellationRequested();
            state.Append(target.Span.Slice(t, 1), logits);
        }
        return (read, written);
    }

    /// <summary>Computes the logits that the decoder's final norm and the head give for rows of its residual stream.
    /// </summary>
    /// <param name="states">The rows, [rows, hidden].</param>
    /// <param name="logits">Filled with the logits, [rows, vocabulary].</param>
    internal void HeadLogits(ReadOnlySpan<float> states, Span<float> logits)
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _targets.RunHead(states, logits);
        }
    }

    private static EncoderDecoderParts Prepare(EncoderDecoderConfig config, EncoderDecoderWeights weights, int threads,
        KernelPath path, out int workers)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        config.Check();
        weights.Check(config);
        workers = PassProducts.Workers(threads,
            weights.Head.Weight.ByteCount
                + weights.Decoder.Blocks.Sum(block => block.Products().Sum(layer => layer.Weight.ByteCount)));
        return new EncoderDecoderParts(config, weights, path);
    }

    private void Score(IReadOnlyList<(ReadOnlyMemory<int> Source, ReadOnlyMemory<int> Target)> pairs, int[] rows,
        TokenScore[][] scores, CancellationToken cancellation)
    {
        foreach (int row in rows)
            scores[row] = new TokenScore[pairs[row].Target.Length - 1];
        int going = rows.Count(row => scores[row].Length > 0);
        if (going == 0)
            return;
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

    private SourceMemory Encode(IReadOnlyList<ReadOnlyMemory<int>> sources)
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var memory = new SourceMemory(Config.Shape, Config.DecoderLayerCount, _path,
                [.. sources.Select(source => source.Length)]);
            _parts.Encoder.MakeRoom(memory.Longest);
            foreach (Range group in SequenceGroups.Divide(sources.Count, i => sources[i].Length, workers: 1))
                _sources.Run(sources, group, memory);
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
