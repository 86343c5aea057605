using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Layers;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Text;

/// <summary>
/// A network that predicts the next token: the loss, evaluation, scoring and decoding that all such networks share. A
/// family implements <see cref="Encode(Tensor, TextMemory?)"/>, <see cref="VocabularyHead"/>,
/// <see cref="CreateMemory"/> and <see cref="Device"/>.
/// </summary>
/// <param name="name">The name of the module.</param>
/// <param name="vocabularySize">The size of the vocabulary.</param>
/// <param name="contextLength">The largest number of tokens that a prediction can be conditioned on.</param>
/// <param name="labelSmoothing">The share of the target probability that the training loss spreads evenly over all
/// tokens, 0 to 1.</param>
public abstract class TextModel(string name, int vocabularySize, int contextLength, double labelSmoothing)
    : GradientModel<TextBatch>(name), ILanguageModel, IAdaptable, IEmbeddingGradients
{
    private const long LogitsAtOnce = 1 << 24; // the most logits that scoring keeps in memory: 64 MiB
    private const int TokensAtOnce = 4096; // the most tokens that scoring encodes at once: they fit in the cache
    private IReadOnlyList<Objective<TextBatch>>? _objectives;

    /// <summary>Locked while the model is used for inference, which switches it to evaluation mode and back.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>What the model learns from a larger one in training; null for nothing.</summary>
    internal Distillation? Distillation { get; set; }

    // The number of positions that scoring encodes at once.
    private int PositionsAtOnce => (int)Math.Clamp(LogitsAtOnce / VocabularySize, 1, TokensAtOnce);

    /// <inheritdoc/>
    public int VocabularySize { get; } = vocabularySize;

    /// <inheritdoc/>
    public int ContextLength { get; } = contextLength;

    /// <summary>The device that the weights are on.</summary>
    public abstract Device Device { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<TextBatch>> Objectives =>
        _objectives ??= [new("loss", Loss, [.. parameters()])];

    /// <inheritdoc/>
    public override string Unit(string figure) => "nats/token";

    /// <inheritdoc/>
    public override string? PeftTaskType => "CAUSAL_LM";

    /// <inheritdoc/>
    public void UseAdapter(LoraAdapter? adapter)
    {
        lock (Gate)
        {
            Device device = Device;
            if (adapter is not null)
                this.to(CPU); // where its layers are compared with the names of its files
            IReadOnlyList<AdapterSite> sites = adapter is null ? [] : AdapterSite.Of(this, PublishedWeights());
            this.to(device);
            LowRankAdapters? next = adapter is null ? null : LowRankAdapters.From(sites, adapter);
            Adapters?.Dispose();
            Adapters = next;
        }
    }

    /// <summary>Encodes tokens to hidden states, each conditioned on the tokens up to its position.</summary>
    /// <param name="ids">The token ids, [batch, time], int64, on the model's device; or weights of all tokens,
    /// [batch, time, vocabulary], fp32, as <see cref="Embedding"/> takes them.</param>
    /// <param name="memory">The state after earlier tokens, which is updated; null to start without state and to keep
    /// none.</param>
    /// <returns>The hidden states, [batch, time, hidden].</returns>
    public abstract Tensor Encode(Tensor ids, TextMemory? memory);

    /// <summary>Encodes the tokens of rows that hold several texts, each as if it were alone.</summary>
    /// <param name="ids">The token ids, [batch, time], int64, on the model's device.</param>
    /// <param name="positions">The position of each token in its text, as in <see cref="TextBatch.Positions"/>.</param>
    /// <returns>The hidden states, [batch, time, hidden].</returns>
    internal virtual Tensor EncodePacked(Tensor ids, Tensor positions) =>
        throw new NotSupportedException($"{GetType().Name} encodes one text in a row");

    /// <summary>Computes the logits of the next token from hidden states.</summary>
    /// <param name="hidden">The hidden states, [..., hidden].</param>
    /// <returns>The logits, [..., vocabulary]; may be bf16.</returns>
    public Tensor Head(Tensor hidden) => VocabularyHead.Logits(hidden);

    /// <summary>The output layer, which <see cref="Head"/> applies.</summary>
    protected abstract VocabularyHead VocabularyHead { get; }

    /// <summary>Creates an empty memory for a number of sequences.</summary>
    public abstract TextMemory CreateMemory(int sequences);

    /// <summary>Computes the logits of the next token at each position.</summary>
    /// <param name="ids">The token ids, [batch, time], int64.</param>
    /// <returns>The logits, [batch, time, vocabulary]; may be bf16.</returns>
    public Tensor Forward(Tensor ids) => LogitsOf(Encode(ids.to(Device), null));

    private Tensor Encode(TextBatch batch)
    {
        Tensor inputs = batch.Inputs.to(Device);
        return batch.Positions is null ? Encode(inputs, null) : EncodePacked(inputs, batch.Positions);
    }

    private Tensor LogitsOf(Tensor hidden)
    {
        TimedOperation timed = TimedOperation.Begin("head", ref hidden);
        return timed.End(Head(hidden));
    }

    /// <summary>
    /// Computes the mean cross-entropy of a batch in nats per token, with label smoothing, and with what a teacher adds
    /// to it; a scalar in fp32.
    /// </summary>
    public Tensor Loss(TextBatch batch)
    {
        Tensor inputs = batch.Inputs.to(Device), hidden = Encode(batch);
        return Distillation is null ? VocabularyHead.CrossEntropy(hidden, batch.Targets, labelSmoothing)
            : Distillation.Loss(inputs, Head(hidden), batch.Targets, labelSmoothing);
    }

    /// <summary>
    /// Computes the "loss", in nats per token without label smoothing, and the "accuracy", the share of tokens that the
    /// model predicted as most probable.
    /// </summary>
    public override IReadOnlyDictionary<string, double> Evaluate(TextBatch batch)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        // The batch is evaluated in parts, so that evaluation needs no more memory than training: it keeps several
        // copies of the logits in fp32.
        long logitsPerRow = batch.Inputs.shape[1] * VocabularySize;
        long rowsAtOnce = Math.Max(1, LogitsAtOnce / 4 / logitsPerRow);
        int parts = (int)((batch.Inputs.shape[0] + rowsAtOnce - 1) / rowsAtOnce);
        double loss = 0, accuracy = 0;
        foreach ((TextBatch part, double share) in batch.Divide(parts))
        {
            using var temporaries = NewDisposeScope();
            (double partLoss, double partAccuracy) = TokenPredictions.Judge(LogitsOf(Encode(part)), part.Targets);
            loss += share * partLoss;
            accuracy += share * partAccuracy;
        }
        return new Dictionary<string, double> { ["loss"] = loss, ["accuracy"] = accuracy };
    }

    /// <inheritdoc/>
    public IDecodingState CreateState(int sequences)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sequences, 1);
        return new TextDecodingState(this, sequences);
    }

    /// <inheritdoc/>
    public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation = default)
    {
        foreach (ReadOnlyMemory<int> sequence in sequences)
        {
            if (sequence.Length == 0 || sequence.Length - 1 > ContextLength)
                throw new ArgumentException(
                    $"a sequence has {sequence.Length} tokens, but 1 to {ContextLength + 1L} can be scored",
                    nameof(sequences));
        }
        var scores = new TokenScore[sequences.Count][];
        // Sequences of similar length are scored together, so that there is little padding.
        int[] order = [.. Enumerable.Range(0, sequences.Count).OrderByDescending(i => sequences[i].Length)];
        for (int at = 0; at < order.Length;)
        {
            int time = Math.Min(sequences[order[at]].Length - 1, PositionsAtOnce);
            int rows = (int)Math.Clamp(PositionsAtOnce / Math.Max(1, time), 1, order.Length - at);
            lock (Gate) // other threads may use the model between two parts
            {
                using var evaluation = new EvaluationMode(this);
                ScoreTogether([.. order.AsSpan(at, rows)], sequences, scores, cancellation);
            }
            at += rows;
        }
        return scores;
    }

    /// <inheritdoc/>
    public IReadOnlyList<EmbeddingGradient> Differentiate(DifferentiatedPrediction prediction,
        IReadOnlyList<double> points, CancellationToken cancellation = default) =>
        new TokenMixtures(this, Gate, Device, VocabularySize, VocabularySize,
            (text, _) => Head(Encode(text, null).select(1, prediction.Query)))
            .Differentiate(prediction, points, cancellation);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Distillation?.Dispose();
        base.Dispose(disposing);
    }

    private void ScoreTogether(int[] rows, IReadOnlyList<ReadOnlyMemory<int>> sequences, TokenScore[][] scores,
        CancellationToken cancellation)
    {
        foreach (int row in rows)
            scores[row] = new TokenScore[sequences[row].Length - 1];
        int longest = scores[rows[0]].Length;
        using TextMemory? memory = longest > PositionsAtOnce ? CreateMemory(rows.Length) : null;
        for (int start = 0; start < longest; start += PositionsAtOnce)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            int time = Math.Min(PositionsAtOnce, longest - start);
            long[] inputs = new long[rows.Length * time], targets = new long[rows.Length * time];
            for (int i = 0; i < rows.Length; i++)
            {
                ReadOnlySpan<int> tokens = sequences[rows[i]].Span;
                // Shorter rows are padded with id 0; the scores of padding are not read.
                for (int t = 0; t < time && start + t + 1 < tokens.Length; t++)
                    (inputs[i * time + t], targets[i * time + t]) = (tokens[start + t], tokens[start + t + 1]);
            }
            Tensor logits = Head(Encode(tensor(inputs, rows.Length, time).to(Device), memory));
            TokenScore[] all = TokenPredictions.Scores(logits, tensor(targets, rows.Length, time));
            for (int i = 0; i < rows.Length; i++)
            {
                TokenScore[] row = scores[rows[i]];
                int count = Math.Min(time, row.Length - start);
                if (count > 0)
                    all.AsSpan(i * time, count).CopyTo(row.AsSpan(start));
            }
        }
    }
}
