using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Layers;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Text;

/// <summary>
/// A network that encodes text from both sides and predicts masked tokens: the loss, evaluation and prediction that all
/// such networks share. A family implements <see cref="Encode"/>, <see cref="Transform"/>,
/// <see cref="VocabularyHead"/> and the sizes.
/// </summary>
/// <param name="name">The name of the module.</param>
/// <param name="vocabularySize">The number of token ids, special tokens included.</param>
/// <param name="contextLength">The largest number of tokens in a sequence, special tokens included.</param>
/// <param name="labelSmoothing">The share of the target probability that the training loss spreads evenly over all
/// tokens, 0 to 1.</param>
public abstract class MaskedTextModel(string name, int vocabularySize, int contextLength, double labelSmoothing)
    : GradientModel<TextBatch>(name), IMaskedLanguageModel, IEmbeddingGradients
{
    private const long LogitsAtOnce = 1 << 24; // the most logits that prediction keeps in memory: 64 MiB
    private const int TokensAtOnce = 4096; // the most tokens that prediction encodes at once
    private IReadOnlyList<Objective<TextBatch>>? _objectives;

    /// <summary>Locked while the model is used for inference, which switches it to evaluation mode and back.</summary>
    internal Lock Gate { get; } = new();

    /// <inheritdoc/>
    public int VocabularySize { get; } = vocabularySize;

    /// <inheritdoc/>
    public int ContextLength { get; } = contextLength;

    /// <inheritdoc/>
    public abstract bool PredictsTokens { get; }

    /// <summary>The width of the hidden states.</summary>
    public abstract int HiddenSize { get; }

    /// <summary>The device that the weights are on.</summary>
    public abstract Device Device { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<TextBatch>> Objectives => _objectives ??= [new("loss", Loss, Learned)];

    /// <summary>The parameters that the loss depends on.</summary>
    protected virtual IReadOnlyList<TorchSharp.Modules.Parameter> Learned => [.. parameters()];

    /// <inheritdoc/>
    public override string Unit(string figure) => "nats/token";

    /// <summary>Encodes sequences to hidden states, each conditioned on the whole sequence.</summary>
    /// <param name="ids">The token ids, [batch, time], int64, on the model's device; or weights of all tokens,
    /// [batch, time, vocabulary], fp32, as <see cref="Embedding"/> takes them.</param>
    /// <param name="padding">True at padding, [batch, time], bool; null for none.</param>
    /// <returns>The hidden states, [batch, time, hidden].</returns>
    public abstract Tensor Encode(Tensor ids, Tensor? padding = null);

    /// <summary>Transforms hidden states before the output layer of the vocabulary.</summary>
    /// <param name="hidden">The hidden states, [..., hidden].</param>
    /// <returns>[..., hidden].</returns>
    protected abstract Tensor Transform(Tensor hidden);

    /// <summary>The output layer.</summary>
    protected abstract VocabularyHead VocabularyHead { get; }

    /// <summary>Computes the logits of tokens from hidden states.</summary>
    /// <param name="hidden">The hidden states, [..., hidden].</param>
    /// <returns>The logits, [..., vocabulary]; may be bf16.</returns>
    public Tensor Head(Tensor hidden) => VocabularyHead.Logits(Transform(hidden));

    /// <summary>
    /// Computes the mean cross-entropy of a batch's masked tokens in nats per token, with label smoothing; a scalar in
    /// fp32.
    /// </summary>
    public Tensor Loss(TextBatch batch)
    {
        (Tensor hidden, Tensor targets) = Masked(batch);
        return VocabularyHead.CrossEntropy(Transform(hidden), targets, labelSmoothing);
    }

    /// <summary>
    /// Computes the "loss" of masked tokens, in nats per token without label smoothing, and the "accuracy", the share
    /// of them that the model predicted as most probable.
    /// </summary>
    public override IReadOnlyDictionary<string, double> Evaluate(TextBatch batch)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        (Tensor hidden, Tensor targets) = Masked(batch);
        (double loss, double accuracy) = TokenPredictions.Judge(Head(hidden), targets);
        return new Dictionary<string, double> { ["loss"] = loss, ["accuracy"] = accuracy };
    }

    /// <inheritdoc/>
    public IReadOnlyList<float[]> Predict(IReadOnlyList<MaskedSequence> sequences,
        CancellationToken cancellation = default)
    {
        if (!PredictsTokens)
            throw new AtelierException("the model has no head that predicts tokens",
                hint: "use a model that was saved with its masked language model head");
        foreach (MaskedSequence sequence in sequences)
        {
            if (sequence.Tokens.Length == 0 || sequence.Tokens.Length > ContextLength)
                throw new ArgumentException(
                    $"a sequence has {sequence.Tokens.Length} tokens, not 1 to {ContextLength}", nameof(sequences));
        }
        var logits = new float[sequences.Count][];
        InParts([.. sequences.Select(sequence => sequence.Tokens)], LogitsAtOnce / VocabularySize, (rows, hidden, _) =>
        {
            int longest = (int)hidden.shape[1];
            int[] places = [.. rows.SelectMany((row, i) =>
                sequences[row].Positions.ToArray().Select(position => (i * longest) + position))];
            Tensor chosen = hidden.reshape(-1, hidden.shape[2])
                .index_select(0, TextDecodingState.Longs(places).to(Device)); // [positions, hidden]
            ReadOnlySpan<float> all = Head(chosen).Floats();
            foreach (int row in rows)
            {
                int count = sequences[row].Positions.Length * VocabularySize;
                logits[row] = all[..count].ToArray();
                all = all[count..];
            }
        }, cancellation);
        return logits;
    }

    /// <inheritdoc/>
    public IReadOnlyList<EmbeddingGradient> Differentiate(DifferentiatedPrediction prediction,
        IReadOnlyList<double> points, CancellationToken cancellation = default) =>
        new TokenMixtures(this, Gate, Device, VocabularySize, VocabularySize,
            (text, _) => Head(Encode(text).select(1, prediction.Query)))
            .Differentiate(prediction, points, cancellation);

    /// <summary>Computes the mean of the hidden states of each sequence.</summary>
    /// <param name="sequences">The sequences, each of 1 to <see cref="ContextLength"/> tokens.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>The mean of each sequence, [hidden].</returns>
    internal IReadOnlyList<float[]> MeanStates(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation)
    {
        var means = new float[sequences.Count][];
        InParts(sequences, TokensAtOnce, (rows, hidden, padding) =>
        {
            Tensor counted = padding.logical_not().to(ScalarType.Float32).unsqueeze(-1); // [batch, time, 1]
            ReadOnlySpan<float> all = ((hidden * counted).sum([1]) / counted.sum([1])).Floats();
            int width = (int)hidden.shape[2];
            for (int i = 0; i < rows.Length; i++)
                means[rows[i]] = all.Slice(i * width, width).ToArray();
        }, cancellation);
        return means;
    }

    /// <summary>Encodes sequences, those of similar length together, so that there is little padding.</summary>
    /// <param name="sequences">The sequences.</param>
    /// <param name="atOnce">The largest number of tokens to encode at once.</param>
    /// <param name="read">Receives the numbers of some sequences, their hidden states, [batch, time, hidden], and their
    /// padding, [batch, time].</param>
    /// <param name="cancellation">Cancels the operation.</param>
    internal void InParts(IReadOnlyList<ReadOnlyMemory<int>> sequences, long atOnce, Action<int[], Tensor, Tensor> read,
        CancellationToken cancellation)
    {
        int[] order = [.. Enumerable.Range(0, sequences.Count).OrderByDescending(i => sequences[i].Length)];
        for (int at = 0; at < order.Length;)
        {
            cancellation.ThrowIfCancellationRequested();
            int longest = sequences[order[at]].Length;
            int count = (int)Math.Clamp(Math.Min(TokensAtOnce, atOnce) / longest, 1, order.Length - at);
            int[] rows = [.. order.AsSpan(at, count)];
            lock (Gate) // other threads may use the model between two parts
            {
                using var evaluation = new EvaluationMode(this);
                using var scope = NewDisposeScope();
                (Tensor ids, Tensor padding) = TextBatch.PaddedRows([.. rows.Select(row => sequences[row])]);
                padding = padding.to(Device);
                bool isPadded = sequences[rows[^1]].Length < longest;
                read(rows, Encode(ids.to(Device), isPadded ? padding : null), padding);
            }
            at += count;
        }
    }

    /// <summary>
    /// The hidden states of the positions that count, [positions, hidden], and their targets, [positions]: the output
    /// layer is computed for these alone.
    /// </summary>
    private (Tensor Hidden, Tensor Targets) Masked(TextBatch batch)
    {
        Tensor targets = batch.Targets.to(Device).view(-1), hidden = Encode(batch.Inputs.to(Device));
        Tensor places = targets.AtLeast(0).nonzero().view(-1);
        return (hidden.reshape(-1, hidden.shape[2]).index_select(0, places), targets.index_select(0, places));
    }
}
