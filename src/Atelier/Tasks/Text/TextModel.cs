using System.Runtime.InteropServices;
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
/// A network that reads tokens and says what comes next: the loss, evaluation, scoring and decoding that all
/// such networks share. A family adds <see cref="Encode"/> and <see cref="VocabularyHead"/>.
/// </summary>
/// <param name="name">The module's name.</param>
/// <param name="vocabularySize">The size of the vocabulary.</param>
/// <param name="contextLength">The most tokens it can condition on.</param>
/// <param name="labelSmoothing">The share of probability that the training loss spreads over all tokens.</param>
public abstract class TextModel(string name, int vocabularySize, int contextLength, double labelSmoothing)
    : GradientModel<TextBatch>(name), ILanguageModel
{
    private const long LogitsAtOnce = 1 << 24; // logits that scoring holds at a time: 64 MiB
    // tokens that scoring reads at a time: what it makes of them stays in the cache
    private const int TokensAtOnce = 4096;
    private IReadOnlyList<Objective<TextBatch>>? _turns;

    /// <summary>Held while the model is used without learning: it is put into evaluation mode and back.</summary>
    internal Lock Gate { get; } = new();

    // Places that scoring reads at a time.
    private int PlacesAtOnce => (int)Math.Clamp(LogitsAtOnce / VocabularySize, 1, TokensAtOnce);

    /// <inheritdoc/>
    public int VocabularySize { get; } = vocabularySize;

    /// <inheritdoc/>
    public int ContextLength { get; } = contextLength;

    /// <summary>The device that the weights are on.</summary>
    public abstract Device Device { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<TextBatch>> Objectives => _turns ??= [new("loss", Loss, [.. parameters()])];

    /// <inheritdoc/>
    public override string Unit(string figure) => "nats/token";

    /// <summary>Reads tokens, each in the light of those before it.</summary>
    /// <param name="ids">[batch, time], int64, on the model's device.</param>
    /// <param name="memory">The state of the tokens read before, which is updated; null to begin without state and to
    /// keep none.</param>
    /// <returns>[batch, time, hidden].</returns>
    public abstract Tensor Encode(Tensor ids, TextMemory? memory);

    /// <summary>Turns what was read into the logits of what comes next.</summary>
    /// <param name="hidden">[..., hidden].</param>
    /// <returns>[..., vocabulary]; may be bf16.</returns>
    public Tensor Head(Tensor hidden) => VocabularyHead.Logits(hidden);

    /// <summary>The product that <see cref="Head"/> is.</summary>
    protected abstract VocabularyHead VocabularyHead { get; }

    /// <summary>Begins an empty memory for so many sequences.</summary>
    public abstract TextMemory CreateMemory(int sequences);

    /// <summary>The logits of what comes after each token.</summary>
    /// <param name="ids">[batch, time], int64.</param>
    /// <returns>[batch, time, vocabulary]; may be bf16.</returns>
    public Tensor Forward(Tensor ids)
    {
        Tensor hidden = Encode(ids.to(Device), null);
        TimedOperation timed = TimedOperation.Begin("head", ref hidden);
        return timed.End(Head(hidden));
    }

    /// <summary>
    /// The mean cross-entropy of the batch in nats per token, with label smoothing; a scalar in fp32.
    /// </summary>
    public Tensor Loss(TextBatch batch) =>
        VocabularyHead.CrossEntropy(Encode(batch.Inputs.to(Device), null), batch.Targets, labelSmoothing);

    /// <summary>
    /// "loss", in nats per token without label smoothing, and "accuracy", the share of tokens that were the most
    /// probable ones.
    /// </summary>
    public override IReadOnlyDictionary<string, double> Evaluate(TextBatch batch)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        // Some rows at a time, so that evaluation needs no more memory than training does: these are held several times
        // over, in fp32.
        long logitsPerRow = batch.Inputs.shape[1] * VocabularySize;
        long rowsAtOnce = Math.Max(1, LogitsAtOnce / 4 / logitsPerRow);
        double loss = 0, accuracy = 0;
        foreach ((TextBatch part,
            double share) in batch.Divide((int)((batch.Inputs.shape[0] + rowsAtOnce - 1) / rowsAtOnce)))
        {
            using var temporaries = NewDisposeScope();
            Tensor logits = Forward(part.Inputs);
            Tensor targets = part.Targets.to(Device);
            // places not counted are negative
            Tensor right = logits.argmax(-1).eq(targets).sum() / targets.ge(zeros_like(targets)).sum();
            loss += share * VocabularyHead.CrossEntropyOf(logits, part.Targets, 0).Number();
            accuracy += share * right.Number();
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
        // Sequences of like length go together, so that little is spent on padding.
        int[] order = [.. Enumerable.Range(0, sequences.Count).OrderByDescending(i => sequences[i].Length)];
        for (int at = 0; at < order.Length;)
        {
            int time = Math.Min(sequences[order[at]].Length - 1, PlacesAtOnce);
            int rows = (int)Math.Clamp(PlacesAtOnce / Math.Max(1, time), 1, order.Length - at);
            lock (Gate) // others may use the model between the parts
            {
                using var evaluation = new EvaluationMode(this);
                ScoreTogether([.. order.AsSpan(at, rows)], sequences, scores, cancellation);
            }
            at += rows;
        }
        return scores;
    }

    private void ScoreTogether(int[] rows, IReadOnlyList<ReadOnlyMemory<int>> sequences, TokenScore[][] scores,
        CancellationToken cancellation)
    {
        foreach (int row in rows)
            scores[row] = new TokenScore[sequences[row].Length - 1];
        int longest = scores[rows[0]].Length;
        using TextMemory? memory = longest > PlacesAtOnce ? CreateMemory(rows.Length) : null;
        for (int start = 0; start < longest; start += PlacesAtOnce)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            int time = Math.Min(PlacesAtOnce, longest - start);
            long[] inputs = new long[rows.Length * time], targets = new long[rows.Length * time];
            for (int i = 0; i < rows.Length; i++)
            {
                ReadOnlySpan<int> tokens = sequences[rows[i]].Span;
                // id 0 pads: what follows is never looked at
                for (int t = 0; t < time && start + t + 1 < tokens.Length; t++)
                    (inputs[i * time + t], targets[i * time + t]) = (tokens[start + t], tokens[start + t + 1]);
            }
            Tensor logits = Head(Encode(tensor(inputs, rows.Length, time).to(Device), memory)).to(ScalarType.Float32);
            Tensor chosen = logits.gather(-1, tensor(targets, rows.Length, time, 1).to(Device)).squeeze(-1);
            Tensor most = logits.amax([-1]);
            float[] likelihoods = Values(chosen - logits.logsumexp(-1)); // [rows, time]
            float[] leads = Values(most - chosen);
            for (int i = 0; i < rows.Length; i++)
            {
                TokenScore[] row = scores[rows[i]];
                for (int t = 0; t < time && start + t < row.Length; t++)
                    row[start + t] = new(Math.Min(0, likelihoods[i * time + t]), leads[i * time + t] <= 0);
            }
        }
    }

    private static float[] Values(Tensor tensor) =>
        MemoryMarshal.Cast<byte, float>(tensor.cpu().contiguous().bytes).ToArray();
}
