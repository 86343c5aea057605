using Atelier.Layers;
using Atelier.Runs;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Dropout = Atelier.Layers.Dropout;
using Embedding = Atelier.Layers.Embedding;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Rnn;

/// <summary>
/// A recurrent language model (Mikolov et al. 2010; with LSTM cells, Sundermeyer et al. 2012): embedding, recurrent
/// layers, output layer.
/// </summary>
public sealed class RnnModel : TextModel
{
    private readonly Embedding _tokens;
    private readonly ModuleList<RecurrentLayer> _layers = new();
    private readonly Linear? _head;
    private readonly Precision _precision;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="vocabularySize">The size of the vocabulary.</param>
    /// <param name="precision">The precision of matrix products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <param name="labelSmoothing">The fraction of the target probability that the training loss spreads over all
    /// tokens, from 0.</param>
    /// <exception cref="AtelierException">The configuration is invalid.</exception>
    public RnnModel(RnnConfig config, int vocabularySize, Precision precision, long seed, double labelSmoothing = 0)
        : base("rnn", vocabularySize, int.MaxValue, labelSmoothing)
    {
        config.Check();
        Config = config;
        _precision = precision;
        using var random = new Generator((ulong)seed, CPU);
        // Small initial weights of the head make the first predictions nearly uniform, whatever the widths.
        double deviation = 1 / Math.Sqrt(config.HiddenSize);
        _tokens = new Embedding(vocabularySize, config.EmbeddingSize, config.TieHead ? deviation : 1, random);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            int inputSize = layer == 0 ? config.EmbeddingSize : config.HiddenSize;
            _layers.Add(new RecurrentLayer(config.Cell, inputSize, config.HiddenSize, precision, random));
        }
        _head = config.TieHead ? null
            : new Linear(config.HiddenSize, vocabularySize, bias: true, precision, deviation, random);
        register_module("embedding", _tokens);
        register_module("layers", _layers);
        if (_head is not null)
            register_module("head", _head);
    }

    /// <summary>The configuration.</summary>
    public RnnConfig Config { get; }

    /// <inheritdoc/>
    public override Device Device => _tokens.Weight.device;

    /// <inheritdoc/>
    public override Tensor Encode(Tensor ids, TextMemory? memory)
    {
        IReadOnlyList<RecurrentCache>? caches = ((LayerMemory<RecurrentCache>?)memory)?.Layers;
        Tensor x = _tokens.forward(ids); // [batch, time, embedding]
        foreach ((int i, RecurrentLayer layer) in _layers.Index())
            x = Through(below => layer.Forward(Drop(below), caches?[i]), x); // [batch, time, hidden]
        return Drop(x);
    }

    /// <inheritdoc/>
    protected override VocabularyHead VocabularyHead => new(_head?.Weight ?? _tokens.Weight, _head?.Bias, _precision);

    /// <inheritdoc/>
    public override TextMemory CreateMemory(int sequences) => new LayerMemory<RecurrentCache>(Config.LayerCount);

    private Tensor Drop(Tensor x) => Dropout.Apply(x, training ? Config.Dropout : 0);
}
