using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Encodes sources, all tokens of which are one matrix, and computes their keys and values for the layers of the
/// decoder.
/// </summary>
internal sealed unsafe class SourcePass : IParallelWork, IDisposable
{
    private readonly EncoderDecoderConfig _config;
    private readonly EncoderDecoderParts _parts;
    private readonly KernelPath _path;
    private readonly WorkerPool _pool;
    private readonly BlockStack _stack;
    private readonly bool _areBlocked; // whether any weights that read the encoded sources are blocked
    private SequenceAttention _attention;
    private PanelAttention _panels;

    // The current step.
    private IReadOnlyList<ReadOnlyMemory<int>> _sources = [];
    private SourceMemory? _memory;
    private PassTrace? _trace;
    private int _first;
    private int[] _starts = [0]; // the row of each source's first token; then the number of rows

    /// <summary>Creates a pass.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="parts">The weights prepared for passes, which several passes may share.</param>
    /// <param name="path">The kernels.</param>
    /// <param name="pool">The workers.</param>
    public SourcePass(EncoderDecoderConfig config, EncoderDecoderParts parts, KernelPath path, WorkerPool pool)
    {
        (_config, _parts, _path, _pool) = (config, parts, path, pool);
        _stack = new BlockStack(config.Shape, parts.Encoder.Blocks, path, pool);
        _areBlocked = parts.Decoder.Blocks.Any(b => b.Cross!.Key.IsBlocked || b.Cross.Value.IsBlocked);
        (_attention, _panels) = Attention(1);
    }

    /// <summary>Encodes one source, already checked, and records what the blocks compute.</summary>
    public void Run(ReadOnlyMemory<int> source, SourceMemory memory, PassTrace trace)
    {
        _stack.Trace = _trace = trace;
        Run([source], Range.All, memory);
        _stack.Trace = _trace = null; // keep no reference after the step
    }

    /// <summary>Encodes a range of sources, already checked.</summary>
    /// <param name="sources">All sources.</param>
    /// <param name="range">The range.</param>
    /// <param name="memory">Filled with their keys and values.</param>
    public void Run(IReadOnlyList<ReadOnlyMemory<int>> sources, Range range, SourceMemory memory)
    {
        (_first, int count) = range.GetOffsetAndLength(sources.Count);
        (_sources, _memory, _starts) = (sources, memory, new int[count + 1]);
        int longest = 0;
        for (int i = 0; i < count; i++)
        {
            int length = sources[_first + i].Length;
            (_starts[i + 1], longest) = (_starts[i] + length, Math.Max(longest, length));
        }
        if (_stack.MakeRoom(_starts[^1]) || longest > _attention.Longest)
            (_attention, _panels) = Attention(Math.Max(longest, 2 * _attention.Longest));
        (_attention.Starts, _attention.Trace) = (_starts, _trace);
        _pool.Run(this);
        (_sources, _memory, _attention.Trace) = ([], null, null); // keep no reference after the step
    }

    /// <inheritdoc/>
    public void Run(int worker)
    {
        int rows = _starts[^1], size = _config.Shape.AttentionSize;
        Embed(worker);
        _pool.Barrier();
        _stack.Run(worker, rows, _attention);
        Operand x = _parts.Encoder.FinalNorm is { } norm
            ? _stack.Normed(worker, _stack.X, rows, norm, _areBlocked)
            : _stack.Products.InBytes(worker, _stack.X, rows, _config.HiddenSize, _areBlocked);
        for (int layer = 0; layer < _parts.Decoder.Blocks.Length; layer++)
        {
            PassCross cross = _parts.Decoder.Blocks[layer].Cross!;
            _stack.Products.Multiply(worker, cross.Key, x, rows, _stack.Keys, size, asAlone: false);
            _stack.Products.Multiply(worker, cross.Value, x, rows, _stack.Values, size, asAlone: false);
            _pool.Barrier();
            Pack(worker, layer);
            _pool.Barrier();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stack.Dispose();

    private (SequenceAttention, PanelAttention) Attention(int longest) => (
        new(_config.Shape, _config.ScoreScale, _parts.Encoder.Bias, _path, _stack.Scratch, _pool.Workers, longest),
        new(_config.Shape, _config.ScoreScale, _path, _stack.Scratch, _pool.Workers, 1));

    private void Embed(int worker)
    {
        (int start, int end) = _stack.Products.Share(worker, _starts[^1]);
        for (int i = 0; i + 1 < _starts.Length; i++)
        {
            ReadOnlySpan<int> tokens = _sources[_first + i].Span;
            for (int row = Math.Max(start, _starts[i]); row < Math.Min(end, _starts[i + 1]); row++)
            {
                float* x = _stack.RowOf(_stack.X, row);
                int at = row - _starts[i];
                _parts.Encoder.Embedding.Read(tokens[at], at, x, _stack.RowOf(_stack.Sums, row));
                if (_parts.Encoder.EmbeddingNorm is { } norm)
                    _stack.Norm(x, norm, x);
            }
        }
    }

    private void Pack(int worker, int layer)
    {
        int item = 0, size = _config.Shape.AttentionSize;
        for (int i = 0; i + 1 < _starts.Length; i++)
        {
            long at = (long)_starts[i] * size;
            for (int head = 0; head < _config.HeadCount; head++)
            {
                if (item++ % _pool.Workers == worker)
                    _panels.Pack(head, _starts[i + 1] - _starts[i], _stack.Keys + at, _stack.Values + at,
                        _memory!.Keys(_first + i, layer, head), _memory.Values(_first + i, layer, head));
            }
        }
    }
}
