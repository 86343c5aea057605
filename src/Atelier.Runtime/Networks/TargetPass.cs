using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>The rows of a step of a decoder: the next token of each sequence, all at the same position.</summary>
internal sealed unsafe class TargetStep
{
    public required SourceMemory Memory { get; init; }

    /// <summary>The tokens to read.</summary>
    public required int[] Tokens { get; init; }

    /// <summary>The source of each row; rows of the same source should follow one another.</summary>
    public required int[] Sources { get; init; }

    /// <summary>The position of the tokens.</summary>
    public required int Position { get; init; }

    /// <summary>The cached tokens of each row up to its new one, [rows, position + 1]; may be longer.</summary>
    public required float*[] Paths { get; init; }

    /// <summary>
    /// Filled with the attention to the source, [rows, longest source]; zero before, and in a traced step.
    /// </summary>
    public required float* Alignments { get; init; }

    /// <summary>Filled with the logits, [rows, vocabulary]; null if they are not wanted.</summary>
    public required float* Logits { get; init; }

    /// <summary>Receives what the blocks compute for a step of one row; null if it is not wanted.</summary>
    public PassTrace? Trace { get; init; }
}

/// <summary>
/// Computes a step of a decoder for many sequences. The beams of a source are multiplied with its keys and values
/// together; the cached tokens of a sequence lie in different places.
/// </summary>
internal sealed unsafe class TargetPass : IParallelWork, IStackAttention, IDisposable
{
    private readonly EncoderDecoderConfig _config;
    private readonly EncoderDecoderParts _parts;
    private readonly TokenCache _cache;
    private readonly KernelPath _path;
    private readonly WorkerPool _pool;
    private readonly StackShape _shape;
    private readonly BlockStack _stack;
    private PanelAttention _panels;
    private float*[] _scores; // one buffer for each worker
    private int _longestSource, _longestTarget;

    // The current step.
    private TargetStep? _step; // null where only the head is computed
    private int _rows;
    private float* _logits;

    /// <summary>Creates a pass.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="parts">The weights prepared for passes, which several passes may share.</param>
    /// <param name="cache">The cache of target tokens.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="pool">The workers.</param>
    public TargetPass(EncoderDecoderConfig config, EncoderDecoderParts parts, TokenCache cache, KernelPath path,
        WorkerPool pool)
    {
        (_config, _parts, _cache, _path, _pool, _shape) = (config, parts, cache, path, pool, config.Shape);
        _stack = new BlockStack(_shape, parts.Decoder.Blocks, path, pool);
        (_panels, _scores) = MakeRoom(1, 1);
    }

    /// <summary>Computes a step.</summary>
    public void Run(TargetStep step)
    {
        (_step, _rows, _stack.Trace) = (step, step.Tokens.Length, step.Trace);
        _logits = step.Logits;
        if (_stack.MakeRoom(_rows) || step.Memory.Longest > _longestSource || step.Position >= _longestTarget)
            (_panels, _scores) = MakeRoom(Grown(step.Memory.Longest, _longestSource),
                Grown(step.Position + 1, _longestTarget));
        _pool.Run(this);
        (_step, _stack.Trace) = (null, null); // keep no reference after the step

        static int Grown(int wanted, int room) => wanted <= room ? room : Math.Max(wanted, 2 * room);
    }

    /// <summary>Computes the logits that the final norm and the head give for rows of the residual stream.</summary>
    /// <param name="states">The rows, [rows, hidden].</param>
    /// <param name="logits">Filled with the logits, [rows, vocabulary].</param>
    public void RunHead(ReadOnlySpan<float> states, Span<float> logits)
    {
        _rows = states.Length / _config.HiddenSize;
        if (_stack.MakeRoom(_rows))
            (_panels, _scores) = MakeRoom(_longestSource, _longestTarget);
        states.CopyTo(new Span<float>(_stack.X, states.Length));
        fixed (float* to = logits)
        {
            _logits = to;
            _pool.Run(this);
            _logits = null;
        }
    }

    /// <inheritdoc/>
    public void Run(int worker)
    {
        if (_step is null)
        {
            Head(worker);
            return;
        }
        (int start, int end) = _stack.Products.Share(worker, _rows);
        for (int row = start; row < end; row++)
        {
            float* x = _stack.RowOf(_stack.X, row);
            _parts.Decoder.Embedding.Read(_step.Tokens[row], _step.Position, x,
                _stack.RowOf(_stack.Sums, row));
            if (_parts.Decoder.EmbeddingNorm is { } norm)
                _stack.Norm(x, norm, x);
        }
        _pool.Barrier();
        _stack.Run(worker, _rows, this, _step.Position);
        if (_logits is not null)
            Head(worker);
    }

    /// <inheritdoc/>
    /// <remarks>A worker stores the keys that it reads itself, so that none waits for another.</remarks>
    public void Attend(int worker, int layer, float* queries, float* keys, float* values, float* mixed)
    {
        int size = _shape.HeadSize, length = _step!.Position + 1;
        float* scores = _scores[worker];
        fixed (float** paths = _step.Paths)
        {
            for (int item = worker; item < _rows * _shape.HeadCount; item += _pool.Workers)
            {
                (int row, int head) = Math.DivRem(item, _shape.HeadCount);
                long at = (long)row * _shape.AttentionSize + head * size, key = _cache.Offset(layer) + head * size,
                    value = key + _shape.AttentionSize;
                float** path = paths + (long)row * length;
                float* own = path[length - 1];
                new ReadOnlySpan<float>(keys + at, size).CopyTo(new Span<float>(own + key, size));
                new ReadOnlySpan<float>(values + at, size).CopyTo(new Span<float>(own + value, size));
                _path.ScoresAt(queries + at, path, key, length, size, _config.ScoreScale, scores);
                if (_parts.Decoder.Bias is { } bias)
                    _path.Add(bias.At(head, length - 1), length, scores);
                _path.SoftMax(scores, length);
                if (_step.Trace is { } trace)
                    new ReadOnlySpan<float>(scores, length).CopyTo(
                        new Span<float>(trace.AttentionOf(layer, head, length - 1), length));
                _path.MixAt(scores, path, value, length, size, mixed + at);
            }
        }
    }

    /// <inheritdoc/>
    public void AttendToSource(int worker, int layer, float* queries, float* mixed)
    {
        SourceMemory memory = _step!.Memory;
        bool isLast = layer == _parts.Decoder.Blocks.Length - 1; // whose weights are the alignments
        int item = 0;
        for (int row = 0, next = 0; row < _rows; row = next)
        {
            int source = _step.Sources[row];
            while (next < _rows && _step.Sources[next] == source)
                next++;
            float* alignments = isLast ? _step.Alignments + (long)row * memory.Longest : null;
            long at = (long)row * _shape.AttentionSize;
            for (int head = 0; head < _shape.HeadCount; head++)
            {
                // The heads of a source add to the same alignments.
                if ((isLast ? item : item + head) % _pool.Workers == worker)
                    _panels.Mix(worker, head, memory.Lengths[source], memory.Keys(source, layer, head),
                        memory.Values(source, layer, head), queries + at, next - row, null, mixed + at,
                        _step.Trace is { } trace ? trace.CrossOf(layer, head, _step.Position) : alignments,
                        memory.Longest, _step.Trace is null ? 1f / _shape.HeadCount : 1);
            }
            item += isLast ? 1 : _shape.HeadCount;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stack.Dispose();

    private (PanelAttention Panels, float*[] Scores) MakeRoom(int longestSource, int longestTarget)
    {
        (_longestSource, _longestTarget) = (longestSource, longestTarget);
        float*[] scores = new float*[_pool.Workers];
        for (int worker = 0; worker < scores.Length; worker++)
            scores[worker] = _stack.Scratch.Floats(longestTarget);
        return (new(_shape, _config.ScoreScale, _path, _stack.Scratch, _pool.Workers, longestSource), scores);
    }

    private void Head(int worker)
    {
        Operand x = _parts.Decoder.FinalNorm is { } norm
            ? _stack.Normed(worker, _stack.X, _rows, norm, _parts.Head.IsBlocked)
            : _stack.Products.InBytes(worker, _stack.X, _rows, _config.HiddenSize, _parts.Head.IsBlocked);
        _stack.Products.Multiply(worker, _parts.Head, x, _rows,
            _logits, _config.VocabularySize, asAlone: false);
    }
}
