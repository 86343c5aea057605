using Atelier.Data.Labelled;
using Atelier.Layers;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Dropout = Atelier.Layers.Dropout;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Bert;

/// <summary>What a BERT predicts labels of.</summary>
public enum BertHead
{
    /// <summary>Each word, from the hidden state of its first token (Devlin et al. 2019, section 5.3).</summary>
    Tagging,

    /// <summary>
    /// A whole text, from the pooled hidden state of its first token (Devlin et al. 2019, section 4.1).
    /// </summary>
    Classification,
}

/// <summary>
/// A BERT that predicts labels: the encoder, dropout, and a linear layer. These are Hugging Face's
/// BertForTokenClassification and BertForSequenceClassification, and those of RoBERTa.
/// </summary>
public sealed class BertClassifier : GradientModel<LabelledBatch>
{
    private readonly double _labelSmoothing;
    private IReadOnlyList<Objective<LabelledBatch>>? _objectives;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration of the encoder. Its dropout is that of the head too.</param>
    /// <param name="vocabularySize">The number of token ids, special tokens included.</param>
    /// <param name="head">What the labels belong to.</param>
    /// <param name="labels">The labels.</param>
    /// <param name="precision">The precision of the encoder's matrix products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <param name="labelSmoothing">The share of the target probability that the training loss spreads over all
    /// labels.</param>
    /// <param name="padId">The padding token; RoBERTa's positions begin after its number.</param>
    /// <exception cref="AtelierException">The configuration is invalid.</exception>
    public BertClassifier(BertConfig config, int vocabularySize, BertHead head, IReadOnlyList<string> labels,
        Precision precision, long seed, double labelSmoothing = 0, int padId = 0)
        : base(nameof(BertClassifier))
    {
        (Head, Labels, _labelSmoothing) = (head, labels, labelSmoothing);
        Encoder = new BertModel(config, vocabularySize, precision, seed, padId: padId, hasHead: false,
            hasPooler: head == BertHead.Classification);
        using var random = new Generator(SplitMix64.At((ulong)seed, 1), CPU); // not the numbers of the encoder
        Classifier = new Linear(Encoder.HiddenSize, labels.Count, bias: true, Precision.Fp32, BertModel.Deviation,
            random);
        register_module("encoder", Encoder);
        register_module("classifier", Classifier);
    }

    /// <summary>What the labels belong to.</summary>
    public BertHead Head { get; }

    /// <summary>The labels.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>The encoder.</summary>
    public BertModel Encoder { get; }

    /// <summary>The layer from hidden states to the logits of labels.</summary>
    internal Linear Classifier { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<LabelledBatch>> Objectives =>
        _objectives ??= [new("loss", Loss, [.. parameters()])];

    /// <inheritdoc/>
    public override string? PeftTaskType => Head == BertHead.Tagging ? "TOKEN_CLS" : "SEQ_CLS";

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor View)> PublishedWeights() => BertWeights.Views(this);

    /// <inheritdoc/>
    public override string Unit(string figure) => figure == "accuracy" ? "share"
        : Head == BertHead.Tagging ? "nats/word" : "nats/text";

    /// <summary>
    /// Computes the mean cross-entropy of the labels of a batch in nats, with label smoothing; a scalar in fp32.
    /// </summary>
    public Tensor Loss(LabelledBatch batch)
    {
        (Tensor states, Tensor targets) = Judged(batch);
        return VocabularyHead.CrossEntropyOf(Classifier.forward(Dropped(states)), targets, _labelSmoothing);
    }

    /// <summary>
    /// Computes the "loss", in nats per label without label smoothing, and the "accuracy", the share of labels that the
    /// model predicted as most probable.
    /// </summary>
    public override IReadOnlyDictionary<string, double> Evaluate(LabelledBatch batch)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        (Tensor states, Tensor targets) = Judged(batch);
        (double loss, double accuracy) = TokenPredictions.Judge(Classifier.forward(states), targets);
        return new Dictionary<string, double> { ["loss"] = loss, ["accuracy"] = accuracy };
    }

    /// <summary>Computes logits from the hidden states of an encoder, in evaluation mode.</summary>
    /// <param name="hidden">The hidden states, [batch, time, hidden].</param>
    /// <returns>[batch, time, labels] of a tagger, [batch, labels] of a classifier.</returns>
    internal Tensor Logits(Tensor hidden) =>
        Classifier.forward(Head == BertHead.Tagging ? hidden : Pool(hidden));

    /// <summary>Computes the logits of sequences; thread-safe.</summary>
    /// <param name="sequences">The tokens of each sequence, with special tokens.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>The logits of each sequence: [time, labels] of a tagger, [labels] of a classifier.</returns>
    internal IReadOnlyList<float[]> Predict(IReadOnlyList<ReadOnlyMemory<int>> sequences,
        CancellationToken cancellation)
    {
        var logits = new float[sequences.Count][];
        Encoder.InParts(sequences, long.MaxValue, (rows, hidden, _) =>
        {
            ReadOnlySpan<float> all = Logits(hidden).Floats();
            int row = all.Length / rows.Length;
            for (int i = 0; i < rows.Length; i++)
            {
                int places = Head == BertHead.Tagging ? sequences[rows[i]].Length : 1;
                logits[rows[i]] = all.Slice(i * row, places * Labels.Count).ToArray();
            }
        }, cancellation);
        return logits;
    }

    /// <summary>
    /// The states that labels are predicted from, [labels, hidden], and their targets, [labels]: the head is computed
    /// where a target counts.
    /// </summary>
    private (Tensor States, Tensor Targets) Judged(LabelledBatch batch)
    {
        Device device = Encoder.Device;
        Tensor targets = batch.Targets.to(device).view(-1);
        Tensor hidden = Encoder.Encode(batch.Inputs.to(device), batch.Padding?.to(device), types: null,
            ActivationCheckpointing ? Through : null);
        Tensor places = targets.AtLeast(0).nonzero().view(-1);
        Tensor states = Head == BertHead.Tagging ? hidden.reshape(-1, hidden.shape[2])
            : Pool(Encoder.Config.Layout == BertLayout.Roberta ? Dropped(hidden) : hidden);
        return (states.index_select(0, places), targets.index_select(0, places));
    }

    /// <summary>The pooled states, [batch, hidden], which the head computes in fp32.</summary>
    private Tensor Pool(Tensor hidden)
    {
        Tensor pooled = Encoder.Pool(hidden);
        return pooled.dtype == ScalarType.BFloat16 ? pooled.to(ScalarType.Float32) : pooled;
    }

    private Tensor Dropped(Tensor states) => Dropout.Apply(states, training ? Encoder.Config.Dropout : 0);
}
