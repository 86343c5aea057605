using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// The targets of an <see cref="EncoderDecoder"/> that are being generated, and their encoded sources.
/// </summary>
internal sealed unsafe class EncoderDecoderState : IAlignedState
{
    private readonly EncoderDecoder _model;
    private readonly SourceMemory _memory;
    private int[] _sources; // the source of each target
    private List<CachedToken>[] _targets;
    private float[] _alignments = [];
    private bool _disposed;

    public EncoderDecoderState(EncoderDecoder model, SourceMemory memory)
    {
        (_model, _memory) = (model, memory);
        _sources = [.. Enumerable.Range(0, memory.Lengths.Length)];
        _targets = [.. _sources.Select(_ => new List<CachedToken>())];
    }

    public int Sequences => _sources.Length;

    public int Length => _targets[0].Count;

    public ReadOnlySpan<float> Alignments => _alignments;

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
        var targets = new List<CachedToken>[parents.Length];
        float[] alignments = new float[_alignments.Length == 0 ? 0 : parents.Length * width];
        lock (_model.Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            for (int i = 0; i < targets.Length; i++)
            {
                sources[i] = _sources[parents[i]];
                targets[i] = [.. _targets[parents[i]]];
                foreach (CachedToken token in targets[i])
                    token.Holders++;
                if (alignments.Length > 0)
                    _alignments.AsSpan(parents[i] * width, width).CopyTo(alignments.AsSpan(i * width));
            }
            LetGo();
        }
        (_sources, _targets, _alignments) = (sources, targets, alignments);
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

    private void LetGo()
    {
        foreach (CachedToken token in _targets.SelectMany(target => target))
            _model.Cache.LetGo(token);
    }

    private void AppendOne(int[] tokens, Span<float> logits)
    {
        int length = Length + 1;
        float*[] paths = new float*[tokens.Length * length];
        for (int row = 0; row < tokens.Length; row++)
        {
            _targets[row].Add(_model.Cache.Take());
            for (int t = 0; t < length; t++)
                paths[row * length + t] = _targets[row][t].Data;
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
                Position = length - 1,
                Paths = paths,
                Alignments = alignments,
                Logits = to,
            });
        }
    }
}
