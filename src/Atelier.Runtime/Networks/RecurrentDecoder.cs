using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// A recurrent language model on the CPU in managed code: plain cells (Elman 1990), LSTM (Hochreiter and Schmidhuber
/// 1997) and GRU (Cho et al. 2014). The state of a sequence has the same size for any length. Several threads may use a
/// decoder at the same time, each with its own sequences: steps run one at a time, each with all worker threads.
/// </summary>
public sealed class RecurrentDecoder : IBatchedLanguageModel
{
    private readonly RecurrentWeights _weights;
    private readonly RecurrentPass _pass;
    private readonly Lock _gate = new();
    private bool _disposed;

    /// <summary>Creates a decoder.</summary>
    /// <param name="weights">The weights; their owners are disposed with the decoder.</param>
    /// <param name="threads">Number of threads, including the caller's; 0 takes one for each processor.</param>
    public RecurrentDecoder(RecurrentWeights weights, int threads = 0)
        : this(weights, threads, KernelPath.Best)
    {
    }

    internal RecurrentDecoder(RecurrentWeights weights, int threads, KernelPath path)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        _weights = weights;
        _pass = new RecurrentPass(weights, path, threads == 0 ? Environment.ProcessorCount : threads);
    }

    /// <inheritdoc/>
    public int VocabularySize => _weights.Embedding.Rows;

    /// <summary>No limit, since a state has the same size for any length.</summary>
    public int ContextLength => int.MaxValue;

    internal int StateSize => _weights.Layers.Count * _weights.HiddenSize;

    /// <inheritdoc/>
    public IDecodingState CreateState(int sequences) => new BatchedState(this, sequences);

    /// <inheritdoc/>
    public IDecodingSequence CreateSequence() => new RecurrentSequence(this);

    /// <inheritdoc/>
    public void Append(ReadOnlySpan<SequenceInput> inputs, Span<float> logits)
    {
        foreach (SequenceInput input in inputs)
        {
            if (input.Sequence is not RecurrentSequence sequence || sequence.Decoder != this)
                throw new ArgumentException("a sequence is not this decoder's", nameof(inputs));
        }
        SequenceInput.Check(this, inputs, logits.Length);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _pass.Run(inputs, logits);
        }
        foreach (SequenceInput input in inputs)
            ((RecurrentSequence)input.Sequence).Advance(input.Tokens.Length);
    }

    /// <inheritdoc/>
    public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default) =>
        BatchedScoring.Score(this, sequences, _pass.Path, cancellation);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate) // waits for the current step
        {
            if (_disposed)
                return;
            _disposed = true;
            _pass.Dispose();
            foreach (IDisposable owner in _weights.Owners)
                owner.Dispose();
        }
    }
}

/// <summary>The state of a sequence in a recurrent model.</summary>
internal sealed class RecurrentSequence(RecurrentDecoder decoder) : IDecodingSequence
{
    public RecurrentDecoder Decoder { get; } = decoder;

    /// <summary>The hidden states h of all layers, [layers, hidden].</summary>
    public float[] Hidden { get; } = new float[decoder.StateSize];

    /// <summary>The cell states c of all layers, [layers, hidden], used by LSTM only.</summary>
    public float[] Cell { get; } = new float[decoder.StateSize];

    public int Length { get; private set; }

    /// <summary>Always false, because a recurrent state does not contain earlier states.</summary>
    public bool CanTruncate => false;

    public void Advance(int tokens) => Length += tokens;

    public IDecodingSequence Fork()
    {
        var fork = new RecurrentSequence(Decoder) { Length = Length };
        Hidden.CopyTo(fork.Hidden, 0);
        Cell.CopyTo(fork.Cell, 0);
        return fork;
    }

    public void Truncate(int length)
    {
        if (length != Length)
            throw new NotSupportedException("a recurrent model cannot remove tokens");
    }

    public void Dispose()
    {
        // Nothing to dispose: the state consists of managed arrays.
    }
}
