using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// A Transformer encoder on the CPU in managed code: BERT (Devlin et al. 2019) and RoBERTa (Liu et al. 2019). Many
/// sequences are computed at once, without padding, and the result of each does not depend on the others. Several
/// threads may use an encoder at the same time: their calls run one at a time, each with all worker threads.
/// </summary>
/// <remarks>
/// Embeddings are used in place, also in mapped files, and so are linear layers in 8 or 4 bits. Other linear layers are
/// copied once, into the order that products of many vectors read fastest.
/// </remarks>
public sealed class Encoder : IMaskedLanguageModel, ICalibratable
{
    // Number of groups that a worker takes before another thread's call may begin.
    private const int GroupsAtOnce = 4;

    private readonly EncoderParts _parts;
    private readonly EncoderPass _together; // all workers on the same sequences
    private readonly EncoderPass[] _each; // one for each worker, on sequences of its own
    private readonly Lock _gate = new(); // guards the workers and passes
    private bool _disposed;

    /// <summary>Creates an encoder.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="weights">The weights; their owners are disposed with the encoder.</param>
    /// <param name="threads">Number of threads, including the caller's; 0 takes one for each processor, or a single
    /// thread for weights below a megabyte.</param>
    /// <exception cref="AtelierException">The configuration is invalid, or the weights do not fit it.</exception>
    public Encoder(EncoderConfig config, EncoderWeights weights, int threads = 0)
        : this(config, weights, threads, KernelPath.Best)
    {
    }

    internal Encoder(EncoderConfig config, EncoderWeights weights, int threads, KernelPath path)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        config.Check();
        weights.Check(config);
        (Config, Weights) = (config, weights);
        long bytes = weights.Blocks.Sum(block => block.Products().Sum(layer => layer.Weight.ByteCount));
        int workers = PassProducts.Workers(threads, bytes);
        _parts = new EncoderParts(weights, path.PanelRows);
        _together = new EncoderPass(config, weights, _parts, path, workers);
        _each = [.. Enumerable.Range(0, workers)
            .Select(_ => new EncoderPass(config, weights, _parts, path, 1))];
    }

    private delegate void StatesReader(int input, ReadOnlySpan<float> states);

    /// <inheritdoc/>
    public int VocabularySize => Config.VocabularySize;

    /// <inheritdoc/>
    public int ContextLength => Config.ContextLength;

    /// <inheritdoc/>
    public bool PredictsTokens => Weights.MaskedHead is not null;

    /// <summary>The configuration.</summary>
    public EncoderConfig Config { get; }

    /// <summary>The weights.</summary>
    public EncoderWeights Weights { get; }

    /// <summary>Returns the hidden states after the last block.</summary>
    /// <param name="inputs">The sequences, each of 1 to <see cref="EncoderConfig.ContextLength"/> tokens.</param>
    /// <param name="cancellation">Cancels within a few hundred tokens on each thread.</param>
    /// <returns>For each sequence its states, [tokens, hidden].</returns>
    /// <exception cref="ArgumentException">A sequence is empty or too long, or a token or type does not exist.
    /// </exception>
    public IReadOnlyList<float[]> Encode(IReadOnlyList<EncoderInput> inputs, CancellationToken cancellation = default)
    {
        var result = new float[inputs.Count][];
        Read(inputs, (i, states) => result[i] = states.ToArray(), cancellation);
        return result;
    }

    /// <summary>Returns one vector for each sequence.</summary>
    /// <param name="inputs">The sequences, each of 1 to <see cref="EncoderConfig.ContextLength"/> tokens.</param>
    /// <param name="pooling">How the hidden states become one vector.</param>
    /// <param name="normalise">Whether the vectors are scaled to length 1.</param>
    /// <param name="cancellation">Cancels within a few hundred tokens on each thread.</param>
    /// <returns>For each sequence its vector, [hidden].</returns>
    /// <exception cref="ArgumentException">A sequence is empty or too long, or a token or type does not exist.
    /// </exception>
    public IReadOnlyList<float[]> Embed(IReadOnlyList<EncoderInput> inputs,
        EmbeddingPooling pooling = EmbeddingPooling.Mean, bool normalise = true,
        CancellationToken cancellation = default)
    {
        var result = new float[inputs.Count][];
        Read(inputs, (i, states) => result[i] = Pool(states, pooling, normalise, Config.HiddenSize),
            cancellation);
        return result;
    }

    /// <summary>Returns the pooler's output for each sequence, tanh(W x + b) of the first token's state x.</summary>
    /// <param name="inputs">The sequences, each of 1 to <see cref="EncoderConfig.ContextLength"/> tokens.</param>
    /// <param name="cancellation">Cancels before the next sequence.</param>
    /// <returns>For each sequence its vector, [hidden].</returns>
    /// <exception cref="AtelierException">The model has no pooler.</exception>
    /// <exception cref="ArgumentException">A sequence is empty or too long, or a token or type does not exist.
    /// </exception>
    public IReadOnlyList<float[]> PoolerOutput(IReadOnlyList<EncoderInput> inputs,
        CancellationToken cancellation = default)
    {
        if (Weights.Pooler is null)
            throw new AtelierException("the encoder has no pooler", hint: "use the mean of the states instead");
        Check(inputs);
        float[][] result = [.. inputs.Select(_ => new float[Config.HiddenSize])];
        for (int i = 0; i < result.Length; i++)
            RunHead(inputs[i], EncoderHead.Pooler, [0], result[i], cancellation);
        return result;
    }

    /// <summary>Computes the masked-LM head's logits at some positions of a sequence.</summary>
    /// <param name="input">The sequence, of 1 to <see cref="EncoderConfig.ContextLength"/> tokens.</param>
    /// <param name="positions">The positions, usually those of mask tokens; at most as many as tokens.</param>
    /// <param name="logits">Filled with the logits, [positions, vocabulary].</param>
    /// <param name="cancellation">Cancels before the computation begins.</param>
    /// <exception cref="AtelierException">The model has no masked-LM head.</exception>
    /// <exception cref="ArgumentException">The sequence is empty or too long, a token, type or position does not
    /// exist, or there is too little room for the logits.</exception>
    public void MaskedLogits(EncoderInput input, ReadOnlySpan<int> positions, Span<float> logits,
        CancellationToken cancellation = default)
    {
        RequireHead();
        Check([input]);
        CheckPositions(input.Tokens.Length, positions);
        if (logits.Length != (long)positions.Length * Config.VocabularySize)
            throw new ArgumentException($"{logits.Length} elements are not {positions.Length} rows of logits",
                nameof(logits));
        if (positions.Length > 0)
            RunHead(input, EncoderHead.Masked, positions.ToArray(), logits, cancellation);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A sequence is empty or too long, or a token or position does not exist.
    /// </exception>
    public IReadOnlyList<float[]> Predict(IReadOnlyList<MaskedSequence> sequences,
        CancellationToken cancellation = default)
    {
        RequireHead();
        foreach (MaskedSequence sequence in sequences)
            CheckPositions(sequence.Tokens.Length, sequence.Positions.Span);
        EncoderInput[] inputs = [.. sequences.Select(sequence => new EncoderInput(sequence.Tokens))];
        var logits = new float[inputs.Length][];
        ForGroups(inputs, (pass, group) =>
        {
            (int first, int count) = group.GetOffsetAndLength(inputs.Length);
            var wanted = new List<int>(); // rows of the group
            for (int i = 0, start = 0; i < count; start += inputs[first + i++].Tokens.Length)
            {
                foreach (int position in sequences[first + i].Positions.Span)
                    wanted.Add(start + position);
            }
            Span<float> all = new float[checked(wanted.Count * VocabularySize)];
            if (wanted.Count > 0)
                pass.Run(inputs[group], EncoderHead.Masked, [.. wanted], all);
            for (int i = first; i < first + count; i++)
            {
                int size = sequences[i].Positions.Length * VocabularySize;
                logits[i] = all[..size].ToArray();
                all = all[size..];
            }
        }, cancellation);
        return logits;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The sequence is empty or too long, or a token does not exist.</exception>
    public void Calibrate(ReadOnlyMemory<int> tokens, ILinearInputs inputs)
    {
        var input = new EncoderInput(tokens);
        Check([input]);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _together.Run(input, inputs);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate) // waits for the current step
        {
            if (_disposed)
                return;
            _disposed = true;
            foreach (EncoderPass pass in _each.Append(_together))
                pass.Dispose();
            _parts.Dispose();
            foreach (IDisposable owner in Weights.Owners)
                owner.Dispose();
        }
    }

    /// <summary>Reads a sequence and records what the blocks compute.</summary>
    internal PassTrace Trace(EncoderInput input)
    {
        Check([input]);
        var trace = new PassTrace(Config.LayerCount, Config.HeadCount, Config.HiddenSize, input.Tokens.Length);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _together.Run(input, trace);
        }
        return trace;
    }

    /// <summary>Computes the logits that the masked-LM head gives for rows of the residual stream.</summary>
    /// <param name="states">The rows, [rows, hidden].</param>
    /// <param name="logits">Filled with the logits, [rows, vocabulary].</param>
    internal void HeadLogits(ReadOnlySpan<float> states, Span<float> logits)
    {
        RequireHead();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _together.RunHead(states, logits);
        }
    }

    private static float[] Pool(ReadOnlySpan<float> states, EmbeddingPooling pooling, bool normalise, int hidden)
    {
        int tokens = states.Length / hidden;
        float[] vector = new float[hidden];
        switch (pooling)
        {
            case EmbeddingPooling.First:
                states[..hidden].CopyTo(vector);
                break;
            case EmbeddingPooling.Last:
                states[^hidden..].CopyTo(vector);
                break;
            default:
                for (int t = 0; t < tokens; t++)
                {
                    ReadOnlySpan<float> state = states.Slice(t * hidden, hidden);
                    for (int i = 0; i < vector.Length; i++)
                        vector[i] += state[i];
                }
                break;
        }
        // The mean's division by the number of tokens cancels where vectors are scaled to length 1.
        double squares = 0;
        foreach (float value in vector)
            squares += (double)value * value;
        float factor = normalise ? squares > 0 ? (float)(1 / Math.Sqrt(squares)) : 0
            : pooling == EmbeddingPooling.Mean ? 1f / tokens : 1;
        for (int i = 0; i < vector.Length; i++)
            vector[i] *= factor;
        return vector;
    }

    /// <summary>
    /// Computes sequences in groups. Each worker takes whole groups, so that none waits for another; a single group is
    /// computed by all workers together.
    /// </summary>
    private void ForGroups(IReadOnlyList<EncoderInput> inputs, Action<EncoderPass, Range> run,
        CancellationToken cancellation)
    {
        Check(inputs);
        foreach (Range[] groups in SequenceGroups.Divide(inputs.Count, i => inputs[i].Tokens.Length, _each.Length)
            .Chunk(GroupsAtOnce * _each.Length))
        {
            cancellation.ThrowIfCancellationRequested();
            lock (_gate) // between calls of other threads
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (groups is [Range only])
                    run(_together, only);
                else
                    _together.Pool.Run(new SequenceGroups(groups, (worker, group) => run(_each[worker], group)));
            }
        }
    }

    private void Read(IReadOnlyList<EncoderInput> inputs, StatesReader read, CancellationToken cancellation) =>
        ForGroups(inputs, (pass, group) =>
        {
            (int first, int count) = group.GetOffsetAndLength(inputs.Count);
            pass.Run([.. Enumerable.Range(first, count).Select(i => inputs[i])]);
            for (int i = 0; i < count; i++)
                read(first + i, pass.States(i));
        }, cancellation);

    private void RequireHead()
    {
        if (!PredictsTokens)
            throw new AtelierException("the encoder has no masked-LM head",
                hint: "use a model saved as BertForMaskedLM or RobertaForMaskedLM");
    }

    private static void CheckPositions(int tokens, ReadOnlySpan<int> positions)
    {
        if (positions.Length > tokens || positions.ContainsAnyExceptInRange(0, tokens - 1))
            throw new ArgumentException($"a sequence of {tokens} tokens does not have these positions",
                nameof(positions));
    }

    private void RunHead(EncoderInput input, EncoderHead head, int[] positions, Span<float> results,
        CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _together.Run([input], head, positions, results);
        }
    }

    private void Check(IReadOnlyList<EncoderInput> inputs)
    {
        foreach (EncoderInput input in inputs)
        {
            ReadOnlySpan<int> tokens = input.Tokens.Span, types = input.Types.Span;
            if (tokens.Length == 0 || tokens.Length > Config.ContextLength)
                throw new ArgumentException(
                    $"a sequence has {tokens.Length} tokens, but 1 to {Config.ContextLength} can be read",
                    nameof(inputs));
            if (tokens.ContainsAnyExceptInRange(0, Config.VocabularySize - 1))
                throw new ArgumentException($"a token is not in the vocabulary of {Config.VocabularySize}",
                    nameof(inputs));
            if (!types.IsEmpty && (types.Length != tokens.Length
                || types.ContainsAnyExceptInRange(0, Config.TypeCount - 1)))
                throw new ArgumentException(
                    $"{tokens.Length} tokens need as many types, of {Config.TypeCount} kinds", nameof(inputs));
        }
    }
}
