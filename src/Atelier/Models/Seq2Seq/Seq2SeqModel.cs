using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tasks.Pairs;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Dropout = Atelier.Layers.Dropout;
using Embedding = Atelier.Layers.Embedding;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Seq2Seq;

/// <summary>
/// A recurrent encoder and decoder (Sutskever et al. 2014) with a bidirectional encoder (Bahdanau et al. 2015) and the
/// decoder of Luong et al. (2015), which attends to the source from the state of the current step.
/// </summary>
/// <remarks>
/// Bahdanau's decoder attends from the state of the step before, and its cell reads the context. Here, with input
/// feeding, the cell reads the context of the step before as part of the attentional state. Without input feeding no
/// step depends on the attention of another one, and a layer computes all steps of a target by one call.
/// </remarks>
public sealed class Seq2SeqModel : SequenceToSequenceModel
{
    private readonly Precision _precision;
    private readonly Embedding _targets, _sources;
    private readonly ModuleList<EncoderLayer> _encoder = new();
    private readonly ModuleList<RecurrentLayer> _decoder = new();
    private readonly Linear _bridge, _readout;
    private readonly SourceAttention? _attention;
    private readonly Linear? _head;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="sourceVocabularySize">The size of the sources' vocabulary; null if targets share it.</param>
    /// <param name="vocabularySize">The size of the targets' vocabulary.</param>
    /// <param name="precision">The precision of matrix products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <param name="labelSmoothing">The share of the target probability that the training loss spreads over all
    /// tokens.</param>
    /// <exception cref="AtelierException">The configuration is invalid.</exception>
    public Seq2SeqModel(Seq2SeqConfig config, int? sourceVocabularySize, int vocabularySize, Precision precision,
        long seed, double labelSmoothing = 0)
        : base("seq2seq", sourceVocabularySize ?? vocabularySize, vocabularySize, config.ContextLength, labelSmoothing)
    {
        config.Check();
        (Config, _precision) = (config, precision);
        using var random = new Generator((ulong)seed, CPU);
        (int embedding, int hidden, int attentional) =
            (config.EmbeddingSize, config.HiddenSize, config.AttentionalSize);
        // Small initial weights of the head make the first predictions nearly uniform, whatever the widths.
        double deviation = 1 / Math.Sqrt(attentional);
        _targets = new Embedding(vocabularySize, embedding, config.TieHead ? deviation : 1, random);
        _sources = sourceVocabularySize is { } size ? new Embedding(size, embedding, 1, random) : _targets;
        for (int layer = 0; layer < config.EncoderLayerCount; layer++)
            _encoder.Add(new EncoderLayer(config, layer == 0 ? embedding : hidden, precision, random));
        for (int layer = 0; layer < config.DecoderLayerCount; layer++)
        {
            int inputs = layer > 0 ? hidden : config.InputFeeding ? embedding + attentional : embedding;
            _decoder.Add(new RecurrentLayer(config.Cell, inputs, hidden, precision, random));
        }
        _bridge = new Linear(hidden, (long)config.DecoderLayerCount * StatesPerLayer * hidden, bias: true, precision,
            1 / Math.Sqrt(hidden), random);
        _attention = config.Attention == Seq2SeqAttention.None ? null : new SourceAttention(config, precision, random);
        int read = _attention is null ? hidden : 2 * hidden;
        _readout = new Linear(read, attentional, bias: false, precision, 1 / Math.Sqrt(read), random);
        _head = config.TieHead ? null
            : new Linear(attentional, vocabularySize, bias: true, precision, deviation, random);
        register_module("targets", _targets);
        if (sourceVocabularySize is not null)
            register_module("sources", _sources);
        register_module("encoder", _encoder);
        register_module("decoder", _decoder);
        register_module("bridge", _bridge);
        if (_attention is not null)
            register_module("attention", _attention);
        register_module("readout", _readout);
        if (_head is not null)
            register_module("head", _head);
    }

    /// <summary>The configuration.</summary>
    public Seq2SeqConfig Config { get; }

    /// <inheritdoc/>
    public override Device Device => _targets.Weight.device;

    /// <summary>Whether sources and targets share one vocabulary and its embedding.</summary>
    internal bool SharesEmbedding => ReferenceEquals(_sources, _targets);

    /// <inheritdoc/>
    protected override VocabularyHead VocabularyHead => new(_head?.Weight ?? _targets.Weight, _head?.Bias, _precision);

    // h of every cell, and c of an LSTM
    private int StatesPerLayer => Config.Cell == CellName.Lstm ? 2 : 1;

    /// <inheritdoc/>
    public override Tensor Encode(Tensor source, Tensor padding)
    {
        Tensor reversal = EncoderLayer.Reversal(padding);
        Tensor x = _sources.forward(source); // [batch, span, embedding]
        foreach (EncoderLayer layer in _encoder)
            x = Through(below => layer.Forward(Drop(below), reversal), x); // h̄, [batch, span, hidden]
        return x;
    }

    /// <inheritdoc/>
    public override Tensor Decode(Tensor ids, Tensor source, Tensor padding, TextMemory? memory,
        Action<Tensor>? alignments = null)
    {
        var kept = (DecoderMemory?)memory;
        DecoderState state = kept?.State ?? Start(source, padding);
        Tensor? ComputeKeys() => _attention?.Keys(source);
        Tensor? keys = kept is null ? ComputeKeys() : kept.Keys(ComputeKeys);
        Tensor x = Drop(_targets.forward(ids)); // [batch, time, embedding]
        var outputs = new List<Tensor>();
        var reported = new List<Tensor>();
        foreach (Tensor steps in Config.IsStepwise ? x.split(1, 1) : [x])
        {
            (Tensor hidden, state) = Recur(steps, state); // h, [batch, steps, hidden]
            if (_attention is not null)
            {
                (Tensor context, Tensor? weights) = _attention.Attend(hidden, source, keys, padding, state.Coverage,
                    reports: alignments is not null);
                hidden = cat([context, hidden], -1); // [c_t; h_t]
                if (Config.Coverage) // cov_t+1 = cov_t + a_t (See et al. 2017, eq. 10)
                    state = state with { Coverage = state.Coverage?.Plus(weights!.squeeze(1)) ?? weights!.squeeze(1) };
                if (alignments is not null)
                    reported.Add(weights!.to(ScalarType.Float32));
            }
            // h̃_t = tanh(W_c [c_t; h_t]) (Luong et al. 2015, eq. 5)
            outputs.Add(_readout.forward(hidden).tanh()); // [batch, steps, attentional]
            if (Config.InputFeeding)
                state = state with { Fed = outputs[^1].alias() }; // the memory owns it
        }
        kept?.Keep(state);
        if (reported.Count > 0)
            alignments!(cat(reported, 1));
        return Drop(cat(outputs, 1));
    }

    /// <inheritdoc/>
    public override TextMemory CreateMemory(int sequences) => new DecoderMemory();

    /// <summary>
    /// Computes the state before the first step from the last states of both directions: s_0 = tanh(W_s h + b_s), in
    /// each layer (Bahdanau et al. 2015, A.2.2).
    /// </summary>
    private DecoderState Start(Tensor source, Tensor padding)
    {
        (long batch, long hidden) = (source.shape[0], source.shape[2]);
        Tensor last = source.gather(1, EncoderLayer.LastToken(padding).unsqueeze(-1).expand(batch, 1, hidden))
            .squeeze(1); // [batch, hidden]
        long size = Config.DirectionSize;
        if (Config.Bidirectional) // the second direction ends at the first token
            last = cat([last.narrow(1, 0, size), source.select(1, 0).narrow(1, size, size)], 1);
        Tensor[] states = _bridge.forward(last).tanh().unsqueeze(0).split(hidden, 2); // of [1, batch, hidden]
        RecurrentState[] layers = [.. states.Chunk(StatesPerLayer)
            .Select(layer => new RecurrentState(layer[0].contiguous(), layer[^1].contiguous()))];
        Tensor? fed = Config.InputFeeding
            ? zeros(batch, 1, Config.AttentionalSize, source.dtype, source.device) : null;
        return new DecoderState(layers, fed, Coverage: null);
    }

    /// <summary>h_t = f(h_t−1, [y_t−1; h̃_t−1]) (Luong et al. 2015, section 3.3; h̃ with input feeding only).</summary>
    private (Tensor Hidden, DecoderState State) Recur(Tensor x, DecoderState state)
    {
        if (state.Fed is not null)
            x = cat([x, state.Fed.to(x.dtype)], -1);
        var layers = new RecurrentState[_decoder.Count];
        foreach ((int i, RecurrentLayer layer) in _decoder.Index())
            (x, layers[i]) = layer.Forward(i == 0 ? x : Drop(x), state.Layers[i]);
        return (x, state with { Layers = layers });
    }

    private Tensor Drop(Tensor x) => Dropout.Apply(x, training ? Config.Dropout : 0);
}
