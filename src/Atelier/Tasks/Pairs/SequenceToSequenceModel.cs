using Atelier.Abstractions;
using Atelier.Data.Pairs;
using Atelier.Data.Text;
using Atelier.Kernels;
using Atelier.Layers;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Pairs;

/// <summary>
/// A network that reads a source and predicts its target token by token: the loss, evaluation, scoring and decoding
/// that all such networks share. A family implements <see cref="Encode"/>, <see cref="Decode"/>, <see
/// cref="CreateMemory"/>, <see cref="VocabularyHead"/> and <see cref="Device"/>.
/// </summary>
/// <param name="name">The name of the module.</param>
/// <param name="sourceVocabularySize">The size of the sources' vocabulary.</param>
/// <param name="vocabularySize">The size of the targets' vocabulary.</param>
/// <param name="contextLength">The largest number of tokens of a source, and of a target.</param>
/// <param name="labelSmoothing">The share of the target probability that the training loss spreads evenly over all
/// tokens, 0 to 1.</param>
public abstract class SequenceToSequenceModel(
    string name, int sourceVocabularySize, int vocabularySize, int contextLength, double labelSmoothing)
    : GradientModel<PairBatch>(name), ISequenceToSequenceModel, IEmbeddingGradients
{
    private const long LogitsAtOnce = 1 << 24; // the most logits that scoring keeps in memory: 64 MiB
    private const int TokensAtOnce = 4096; // the most tokens that scoring reads at once
    private IReadOnlyList<Objective<PairBatch>>? _objectives;

    /// <summary>Locked while the model is used for inference, which switches it to evaluation mode and back.</summary>
    internal Lock Gate { get; } = new();

    /// <inheritdoc/>
    public int SourceVocabularySize { get; } = sourceVocabularySize;

    /// <inheritdoc/>
    public int VocabularySize { get; } = vocabularySize;

    /// <inheritdoc/>
    public int SourceLength { get; } = contextLength;

    /// <inheritdoc/>
    public int ContextLength { get; } = contextLength;

    /// <summary>
    /// α of R-Drop (Liang et al. 2021, eq. 4): the weight in the training loss of the divergence of two predictions
    /// with different dropout. 0 computes one prediction only.
    /// </summary>
    public double RDrop { get; set; }

    /// <summary>The training step after which <see cref="RDrop"/> applies.</summary>
    public long RDropStart { get; set; }

    /// <summary>The device that the weights are on.</summary>
    public abstract Device Device { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<PairBatch>> Objectives =>
        _objectives ??= [new("loss", Loss, [.. parameters()])];

    /// <inheritdoc/>
    public override string Unit(string figure) => "nats/token";

    /// <summary>Encodes sources.</summary>
    /// <param name="source">The token ids, [batch, span], int64, on the model's device; or weights of all tokens,
    /// [batch, span, vocabulary], fp32, as <see cref="Embedding"/> takes them.</param>
    /// <param name="padding">True at padding, [batch, span], bool.</param>
    /// <returns>The encoded sources, [batch, span, hidden].</returns>
    public abstract Tensor Encode(Tensor source, Tensor padding);

    /// <summary>
    /// Computes the hidden states of targets, each conditioned on its source and on the tokens up to its position.
    /// </summary>
    /// <param name="ids">The token ids, [batch, time], int64, on the model's device; or weights of all tokens,
    /// [batch, time, vocabulary], fp32, as <see cref="Embedding"/> takes them.</param>
    /// <param name="source">The encoded sources, [batch, span, hidden].</param>
    /// <param name="padding">True at padding of the sources, [batch, span], bool.</param>
    /// <param name="memory">The state after earlier tokens, which is updated; null to start without state and to keep
    /// none.</param>
    /// <param name="alignments">Receives the attention that each target token pays to the source, averaged over heads,
    /// [batch, time, span], fp32; null if it is not wanted.</param>
    /// <returns>The hidden states, [batch, time, hidden].</returns>
    public abstract Tensor Decode(Tensor ids, Tensor source, Tensor padding, TextMemory? memory,
        Action<Tensor>? alignments = null);

    /// <summary>Creates an empty memory for a number of targets.</summary>
    public abstract TextMemory CreateMemory(int sequences);

    /// <summary>The output layer.</summary>
    protected abstract VocabularyHead VocabularyHead { get; }

    /// <summary>Computes the logits of the next token from hidden states.</summary>
    /// <param name="hidden">The hidden states, [..., hidden].</param>
    /// <returns>The logits, [..., vocabulary]; may be bf16.</returns>
    public Tensor Head(Tensor hidden) => VocabularyHead.Logits(hidden);

    /// <summary>
    /// Computes the mean cross-entropy of a batch's targets in nats per token, with label smoothing, and in training
    /// the divergence of <see cref="RDrop"/>; a scalar in fp32.
    /// </summary>
    public Tensor Loss(PairBatch batch)
    {
        double rDrop = training && StepContext.Current.Step > RDropStart ? RDrop : 0;
        if (rDrop > 0)
            batch = batch.Move(rows => rows.repeat(2, 1)); // each copy with dropout of its own
        return VocabularyHead.CrossEntropy(Hidden(batch), batch.Targets, labelSmoothing, rDrop);
    }

    /// <summary>
    /// Computes the "loss", in nats per token without label smoothing, and the "accuracy", the share of tokens that the
    /// model predicted as most probable.
    /// </summary>
    public override IReadOnlyDictionary<string, double> Evaluate(PairBatch batch)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        (double loss, double accuracy) = TokenPredictions.Judge(Head(Hidden(batch)), batch.Targets);
        return new Dictionary<string, double> { ["loss"] = loss, ["accuracy"] = accuracy };
    }

    /// <inheritdoc/>
    public IDecodingState CreateState(IReadOnlyList<ReadOnlyMemory<int>> sources)
    {
        ArgumentOutOfRangeException.ThrowIfZero(sources.Count, nameof(sources));
        foreach (ReadOnlyMemory<int> source in sources)
            Check(source, SourceLength, nameof(sources));
        return new SequenceToSequenceState(this, sources);
    }

    /// <inheritdoc/>
    public IReadOnlyList<TokenScore[]> Score(
        IReadOnlyList<(ReadOnlyMemory<int> Source, ReadOnlyMemory<int> Target)> pairs,
        CancellationToken cancellation = default)
    {
        foreach ((ReadOnlyMemory<int> source, ReadOnlyMemory<int> target) in pairs)
        {
            Check(source, SourceLength, nameof(pairs));
            Check(target, ContextLength + 1, nameof(pairs));
        }
        var scores = new TokenScore[pairs.Count][];
        // Pairs of similar length are scored together, so that there is little padding.
        int[] order = [.. Enumerable.Range(0, pairs.Count).OrderByDescending(i => Longest(pairs[i]))];
        for (int at = 0; at < order.Length;)
        {
            cancellation.ThrowIfCancellationRequested();
            long atOnce = Math.Min(TokensAtOnce, LogitsAtOnce / VocabularySize);
            int rows = (int)Math.Clamp(atOnce / Longest(pairs[order[at]]), 1, order.Length - at);
            lock (Gate) // other threads may use the model between two parts
            {
                using var evaluation = new EvaluationMode(this);
                ScoreTogether([.. order.AsSpan(at, rows)], pairs, scores);
            }
            at += rows;
        }
        return scores;

        static int Longest((ReadOnlyMemory<int> Source, ReadOnlyMemory<int> Target) pair) =>
            Math.Max(pair.Source.Length, pair.Target.Length);
    }

    /// <inheritdoc/>
    public IReadOnlyList<EmbeddingGradient> Differentiate(DifferentiatedPrediction prediction,
        IReadOnlyList<double> points, CancellationToken cancellation = default) =>
        new TokenMixtures(this, Gate, Device, SourceVocabularySize, VocabularySize, (source, target) =>
        {
            Tensor padding = zeros(source.shape[0], source.shape[1], ScalarType.Bool, Device);
            return Head(Decode(target!, Encode(source, padding), padding, null).select(1, prediction.Query));
        }).Differentiate(prediction, points, cancellation);

    private Tensor Hidden(PairBatch batch)
    {
        Tensor padding = batch.SourcePadding.to(Device);
        return Decode(batch.Inputs.to(Device), Encode(batch.Source.to(Device), padding), padding, null);
    }

    private void ScoreTogether(int[] rows,
        IReadOnlyList<(ReadOnlyMemory<int> Source, ReadOnlyMemory<int> Target)> pairs, TokenScore[][] scores)
    {
        using var scope = NewDisposeScope();
        (Tensor source, Tensor padding) = TextBatch.PaddedRows([.. rows.Select(row => pairs[row].Source)]);
        (Tensor inputs, _) = TextBatch.PaddedRows([.. rows.Select(row => pairs[row].Target[..^1])]);
        (Tensor targets, _) = TextBatch.PaddedRows([.. rows.Select(row => pairs[row].Target[1..])]);
        padding = padding.to(Device);
        Tensor hidden = Decode(inputs.to(Device), Encode(source.to(Device), padding), padding, null);
        TokenScore[] all = TokenPredictions.Scores(Head(hidden), targets);
        int time = (int)targets.shape[1];
        for (int i = 0; i < rows.Length; i++)
            scores[rows[i]] = all[(i * time)..((i * time) + pairs[rows[i]].Target.Length - 1)];
    }

    private static void Check(ReadOnlyMemory<int> sequence, int longest, string parameter)
    {
        if (sequence.Length == 0 || sequence.Length > longest)
            throw new ArgumentException($"a sequence has {sequence.Length} tokens, not 1 to {longest}", parameter);
    }
}
