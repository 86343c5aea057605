using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// A causal Transformer on the CPU in managed code: GPT-2 (Radford et al. 2019), Llama (Touvron et al. 2023), and
/// combinations of their parts. Weights are used in place, also in mapped files; keys and values are cached in pages.
/// Several threads may use a decoder at the same time, each with its own sequences: steps run one at
/// a time, each with all worker threads.
/// </summary>
public sealed class Decoder : IBatchedLanguageModel, IAdaptable, ICalibratable, IAttentionHeads
{
    private readonly DecoderPass _pass;
    private readonly IReadOnlyList<IDisposable> _owners;
    private readonly List<DecoderSequence> _sequences = [];
    private readonly double _weightCount; // number of weights that a step multiplies
    private bool _disposed;

    /// <summary>Creates a decoder.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="weights">The weights; their owners are disposed with the decoder.</param>
    /// <param name="threads">Number of threads, including the caller's; 0 takes one for each processor, or a single
    /// thread for weights below a megabyte.</param>
    /// <param name="cacheType">The type in which keys and values are cached: F32, F16 or Q8_0.</param>
    /// <exception cref="AtelierException">The configuration is invalid, the weights do not fit it, or the heads do not
    /// fit the type of the cache.</exception>
    public Decoder(DecoderConfig config, DecoderWeights weights, int threads = 0,
        WeightType cacheType = WeightType.F32)
        : this(config, weights, threads, KernelPath.Best, cacheType)
    {
    }

    internal Decoder(DecoderConfig config, DecoderWeights weights, int threads, KernelPath path,
        WeightType cacheType = WeightType.F32)
    {
        if (cacheType is not (WeightType.F32 or WeightType.F16 or WeightType.Q8_0))
            throw new AtelierException($"keys and values cannot be cached in {cacheType}", Mention.Field("cache-type"),
                "allowed: f32, f16 and q8_0");
        if (config.HeadSize % cacheType.BlockElements() != 0)
            throw new AtelierException($"heads of {config.HeadSize} numbers cannot be cached in {cacheType}",
                Mention.Field("cache-type"), "use f16");
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        config.Check();
        weights.Check(config);
        Config = config;
        Weights = weights;
        _owners = weights.Owners;
        Pages = new KeyValuePages(config, cacheType);
        foreach (WeightMatrix matrix in StepMatrices(config, weights))
        {
            StepBytes += matrix.ByteCount;
            _weightCount += (double)matrix.Rows * matrix.Columns;
        }
        _pass = new DecoderPass(config, weights, Pages, path, PassProducts.Workers(threads, StepBytes));
    }

    /// <summary>The configuration.</summary>
    public DecoderConfig Config { get; }

    /// <summary>The weights.</summary>
    public DecoderWeights Weights { get; }

    /// <inheritdoc/>
    public int VocabularySize => Config.VocabularySize;

    /// <inheritdoc/>
    public int ContextLength => Config.ContextLength;

    /// <summary>
    /// Estimated from the average size of a weight: computing a token's products takes about as long as reading 0.28
    /// bytes for each weight, in addition to reading the weights themselves (benchmarks/run step-cost: 1.19 steps for 4
    /// tokens in single precision, 1.37 for 4 in 8 bits).
    /// </summary>
    public double FurtherTokenCost => Math.Min(1, 0.28 * _weightCount / StepBytes);

    /// <inheritdoc/>
    public long StepBytes { get; }

    /// <inheritdoc/>
    public int LayerCount => Config.LayerCount;

    /// <inheritdoc/>
    public int HeadCount => Config.HeadCount;

    internal KeyValuePages Pages { get; }

    /// <summary>Guards the sequences, their pages and the workers.</summary>
    internal Lock Gate { get; } = new();

    /// <inheritdoc/>
    public IDecodingState CreateState(int sequences) => new BatchedState(this, sequences);

    /// <inheritdoc/>
    public IDecodingSequence CreateSequence() => NewSequence();

    /// <inheritdoc/>
    public IDecodingSequence CreateSequence(ReadOnlySpan<int> prompt)
    {
        lock (Gate)
        {
            DecoderSequence? best = null;
            int longest = 0;
            foreach (DecoderSequence sequence in _sequences)
            {
                int common = sequence.Tokens.CommonPrefixLength(prompt);
                if (common > longest)
                    (best, longest) = (sequence, common);
            }
            // The last token is always read, since its logits are needed.
            return best is null ? NewSequence() : best.Fork(Math.Min(longest, prompt.Length - 1));
        }
    }

    /// <inheritdoc/>
    public void Append(ReadOnlySpan<SequenceInput> inputs, Span<float> logits) => Append(inputs, logits, null);

    private void Append(ReadOnlySpan<SequenceInput> inputs, Span<float> logits, AttentionHead? without)
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            Check(inputs);
            SequenceInput.Check(this, inputs, logits.Length);
            foreach (SequenceInput input in inputs)
                ((DecoderSequence)input.Sequence).Reserve(input.Tokens.Length);
            if (without is { } head)
                _pass.Run(inputs, logits, head);
            else
                _pass.Run(inputs, logits);
            foreach (SequenceInput input in inputs)
                ((DecoderSequence)input.Sequence).Advance(input.Tokens.Span);
        }
    }

    /// <inheritdoc/>
    public void UseAdapter(LoraAdapter? adapter)
    {
        IReadOnlyDictionary<WeightMatrix, DecoderAdapter> adapters = adapter is null
            ? new Dictionary<WeightMatrix, DecoderAdapter>()
            : DecoderAdapter.Of(adapter, Weights, Config);
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // their keys and values were computed with the adapter before
            if (_sequences.Count > 0)
                throw new AtelierException($"the model is in use by {Quantity.Of(_sequences.Count, "sequence")}",
                    adapter?.Source, "change its adapter when no request is running");
            _pass.Use(adapters);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default) =>
        BatchedScoring.Score(this, sequences, _pass.Path, cancellation);

    /// <inheritdoc/>
    public IReadOnlyList<TokenScore[]> ScoreWithout(AttentionHead head,
        IReadOnlyList<ReadOnlyMemory<int>> sequences, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(head.Layer, nameof(head));
        ArgumentOutOfRangeException.ThrowIfNegative(head.Head, nameof(head));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(head.Layer, LayerCount, nameof(head));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(head.Head, HeadCount, nameof(head));
        // until these sequences are gone, since others would go on from their keys and values
        lock (Gate)
            return BatchedScoring.Score(this, (inputs, logits) => Append(inputs, logits, head), sequences, _pass.Path,
                cancellation);
    }

    /// <inheritdoc/>
    public IReadOnlyList<float[]> Attention(ReadOnlyMemory<int> tokens) => Trace(tokens).Attention;

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (Gate) // waits for the current step
        {
            if (_disposed)
                return;
            _disposed = true;
            foreach (DecoderSequence sequence in _sequences.ToArray())
                sequence.Dispose();
            _pass.Dispose();
            Pages.Dispose();
            foreach (IDisposable owner in _owners)
                owner.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Calibrate(ReadOnlyMemory<int> tokens, ILinearInputs inputs)
    {
        using DecoderSequence sequence = NewSequence();
        Read(sequence, tokens, (input, logits) => _pass.Run(input, logits, inputs));
    }

    /// <summary>Reads a sequence and records what the blocks compute.</summary>
    /// <param name="tokens">The tokens, 1 to <see cref="ContextLength"/>.</param>
    internal PassTrace Trace(ReadOnlyMemory<int> tokens)
    {
        using DecoderSequence sequence = NewSequence();
        var trace = new PassTrace(Config.LayerCount, Config.HeadCount, Config.HiddenSize, tokens.Length);
        Read(sequence, tokens, (input, logits) => _pass.Run(input, logits, trace));
        return trace;
    }

    private void Read(DecoderSequence sequence, ReadOnlyMemory<int> tokens, Action<SequenceInput, float[]> run)
    {
        var input = new SequenceInput(sequence, tokens);
        float[] logits = new float[VocabularySize];
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            Check([input]);
            SequenceInput.Check(this, [input], logits.Length);
            sequence.Reserve(tokens.Length);
            run(input, logits);
            sequence.Advance(tokens.Span);
        }
    }

    /// <summary>Computes the logits that the final norm and the head give for rows of the residual stream.</summary>
    /// <param name="states">The rows, [rows, hidden].</param>
    /// <param name="logits">Filled with the logits, [rows, vocabulary].</param>
    internal void HeadLogits(ReadOnlySpan<float> states, Span<float> logits)
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _pass.RunHead(states, logits);
        }
    }

    internal DecoderSequence NewSequence()
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var sequence = new DecoderSequence(this);
            _sequences.Add(sequence);
            return sequence;
        }
    }

    internal void Forget(DecoderSequence sequence) => _sequences.Remove(sequence);

    /// <summary>Returns the matrices that a step of one token multiplies; of experts, as many as it takes.</summary>
    private static IEnumerable<WeightMatrix> StepMatrices(DecoderConfig config, DecoderWeights weights)
    {
        IEnumerable<LinearWeights> unused = config.Experts is not { } mixture ? []
            : weights.Blocks.SelectMany(block => block.Experts!.Experts.Skip(mixture.PerToken))
                .SelectMany(expert => expert.Products());
        return weights.Products().Except(unused).Select(product => product.Weight)
            .Concat(weights.Head is null ? [weights.Embedding] : []);
    }

    private void Check(ReadOnlySpan<SequenceInput> inputs)
    {
        foreach (SequenceInput input in inputs)
        {
            if (input.Sequence is not DecoderSequence sequence || sequence.Decoder != this)
                throw new ArgumentException("a sequence is not this decoder's", nameof(inputs));
            if (input.Tokens.Length > ContextLength - sequence.Length)
                throw new ArgumentException(
                    $"{sequence.Length} + {input.Tokens.Length} tokens are more than the context of {ContextLength}",
                    nameof(inputs));
        }
    }
}
