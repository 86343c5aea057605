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

/// <summary>A recurrent language model (Mikolov et al. 2010; with LSTM cells Sundermeyer et al. 2012).</summary>
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
    /// <param name="labelSmoothing">The share of probability that the training loss spreads over all tokens.</param>
    /// <exception cref="AtelierException">The configuration is invalid.</exception>
    public RnnModel(RnnConfig config, int vocabularySize, Precision precision, long seed, double labelSmoothing = 0)
        : base("rnn", vocabularySize, int.MaxValue, labelSmoothing)
    {
        config.Check();
        Config = config;
        _precision = precision;
        using var random = new Generator((ulong)seed, CPU);
        // A head that begins near zero begins near the uniform distribution, whatever the widths.
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
        var states = (RnnMemory?)memory;
        Tensor x = _tokens.forward(ids); // [batch, time, embedding]
        for (int layer = 0; layer < _layers.Count; layer++)
        {
            int at = layer;
            x = Through(below => Read(at, below, states), x);
        }
        return training && Config.Dropout > 0 ? Dropout.Apply(x, Config.Dropout) : x;
    }

    /// <inheritdoc/>
    protected override (Tensor Weight, Tensor? Bias, Precision Precision) HeadProduct =>
        (_head?.Weight ?? _tokens.Weight, _head?.Bias, _precision);

    /// <inheritdoc/>
    public override TextMemory CreateMemory(int sequences) => new RnnMemory(Config.LayerCount);

    /// <summary>
    /// Computes a layer from its input, [batch, time, hidden], continuing from its state if there is one.
    /// </summary>
    private Tensor Read(int layer, Tensor x, RnnMemory? states)
    {
        if (training && Config.Dropout > 0)
            x = Dropout.Apply(x, Config.Dropout);
        if (training && states is null)
            return _layers[layer].ForwardTraining(x);
        RecurrentState before = states?[layer] ?? _layers[layer].EmptyState(x.shape[0]);
        (Tensor output, RecurrentState after) = _layers[layer].Forward(x, before);
        states?.Keep(layer, after);
        return output;
    }

    /// <summary>The state of each layer.</summary>
    private sealed class RnnMemory(int layerCount) : TextMemory
    {
        private readonly RecurrentState?[] _layers = new RecurrentState?[layerCount];

        public RecurrentState? this[int layer] => _layers[layer];

        public void Keep(int layer, RecurrentState state)
        {
            Drop(layer);
            _layers[layer] =
                new RecurrentState(state.Hidden.DetachFromDisposeScope(), state.Cell.DetachFromDisposeScope());
        }

        public override void Select(Tensor parents)
        {
            for (int layer = 0; layer < _layers.Length; layer++)
            {
                if (_layers[layer] is { } state)
                    Keep(layer, new RecurrentState(state.Hidden.index_select(1, parents),
                        state.Cell.index_select(1, parents)));
            }
        }

        public override void Dispose()
        {
            for (int layer = 0; layer < _layers.Length; layer++)
                Drop(layer);
        }

        private void Drop(int layer)
        {
            _layers[layer]?.Hidden.Dispose();
            _layers[layer]?.Cell.Dispose();
            _layers[layer] = null;
        }
    }
}
