using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// The targets of an <see cref="EncoderDecoder"/> that are being generated, and their encoded sources.
/// </summary>
internal sealed unsafe class EncoderDecoderState : IAlignedState
{
    private const int FirstRoom = 16;
    private readonly EncoderDecoder _model;
    private readonly SourceMemory _memory;
    private int[] _sources; // the source of each target
    private int[] _tokens = [], _others = []; // cached tokens, [targets, room]; and memory for the next selection
    private float*[] _paths = []; // where the tokens of a step are
    private float[] _alignments = [];
    private int _room;
    private bool _disposed;

    public EncoderDecoderState(EncoderDecoder model, SourceMemory memory)
    {
        (_model, _memory) = (model, memory);
        _sources = [.. Enumerable.Range(0, memory.Lengths.Length)];
    }

    public int Sequences => _sources.Length;

    public int Length { get; private set; }

    public ReadOnlySpan<float> Alignments => _alignments;

    /// <summary>Receives what the blocks compute for a single target; null if it is not wanted.</summary>
    public PassTrace? Trace { get; init; }

    public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        int added = this.CheckAppend(tokens, logits, _model.ContextLength, _model.VocabularySize);
        if (tokens.ContainsAnyExceptInRange(0, _model.VocabularySize - 1))
            throw new ArgumentException($"a token is not in the vocabulary of {_model.VocabularySize}",
                nameof(tokens));
        int[] column = new int[Sequences];
        for (int t = 0; t < added; t++)
        {
            for (int i = 0; i < column.Length; i++)
                column[i] = tokens[i * added + t];
            lock (_model.Gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                AppendOne(column, t == added - 1 ? logits : []);
            }
        }
    }

    public void Select(ReadOnlySpan<int> parents)
    {
        ArgumentOutOfRangeException.ThrowIfZero(parents.Length);
        foreach (int parent in parents)
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)parent, (uint)Sequences, nameof(parents));
        int width = _memory.Longest;
        int[] sources = new int[parents.Length];
        float[] alignments = new float[_alignments.Length == 0 ? 0 : parents.Length * width];
        lock (_model.Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_others.Length < parents.Length * _room)
                _others = new int[parents.Length * _room];
            for (int i = 0; i < parents.Length; i++)
            {
                sources[i] = _sources[parents[i]];
                ReadOnlySpan<int> tokens = TokensOf(parents[i]);
                tokens.CopyTo(_others.AsSpan(i * _room));
                _model.Cache.Hold(tokens);
                if (alignments.Length > 0)
                    _alignments.AsSpan(parents[i] * width, width).CopyTo(alignments.AsSpan(i * width));
            }
            LetGo();
        }
        (_sources, _alignments, _tokens, _others) = (sources, alignments, _others, _tokens);
    }

    public void Dispose()
    {
        lock (_model.Gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            LetGo();
            _memory.Dispose();
        }
    }

    private Span<int> TokensOf(int target) => _tokens.AsSpan(target * _room, Length);

    private void LetGo()
    {
        for (int target = 0; target < Sequences; target++)
            _model.Cache.LetGo(TokensOf(target));
    }

    private void AppendOne(int[] tokens, Span<float> logits)
    {
        MakeRoom();
        Length++;
        if (_paths.Length < tokens.Length * Length)
            _paths = new float*[tokens.Length * _room];
        for (int row = 0; row < tokens.Length; row++)
        {
            Span<int> path = TokensOf(row);
            path[^1] = _model.Cache.Take();
            for (int t = 0; t < path.Length; t++)
                _paths[row * Length + t] = _model.Cache.Data(path[t]);
        }
        if (_alignments.Length == 0)
            _alignments = new float[tokens.Length * _memory.Longest];
        _alignments.AsSpan().Clear();
        fixed (float* alignments = _alignments, to = logits)
        {
            _model.Run(new TargetStep
            {
                Memory = _memory,
                Tokens = tokens,
                Sources = _sources,
                Position = Length - 1,
                Paths = _paths,
                Alignments = alignments,
                Logits = to,
                Trace = Trace,
            });
        }
    }

    /// <summary>Makes room for another token of each target.</summary>
    private void MakeRoom()
    {
        if (Length < _room)
            return;
        int room = Math.Max(FirstRoom, 2 * _room);
        int[] tokens = new int[Sequences * room];
        for (int target = 0; target < Sequences; target++)
            TokensOf(target).CopyTo(tokens.AsSpan(target * room));
        (_tokens, _room) = (tokens, room);
    }
}
