using Atelier.Generation;
using Atelier.Networks;

namespace Atelier.Exchange;

/// <summary>
/// Writes an encoder as an ONNX model in single precision, for runtimes of other systems. Batch size and length are
/// free. Its inputs are input_ids, attention_mask (1 for a token, 0 for padding at the end) and token_type_ids, each
/// [batch, length] in 64-bit integers; its outputs are last_hidden_state, [batch, length, hidden], and
/// sentence_embedding, [batch, hidden].
/// </summary>
public static class OnnxWriter
{
    private const float Masked = -10_000; // added to the scores of padding; the softmax is then zero

    /// <summary>Writes a file completely or not at all.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="config">The encoder's configuration.</param>
    /// <param name="weights">The encoder's weights, of any type.</param>
    /// <param name="options">How sentence_embedding is made; null takes the defaults.</param>
    /// <exception cref="AtelierException">The weights do not fit the configuration, the model is larger than 2 GiB, or
    /// the file cannot be written.</exception>
    public static void Write(string path, EncoderConfig config, EncoderWeights weights,
        TextEmbeddingOptions? options = null)
    {
        config.Check();
        weights.Check(config);
        new Network(config, weights).Write(path, options ?? new TextEmbeddingOptions());
    }

    /// <summary>The encoder's graph, block by block.</summary>
    private sealed class Network(EncoderConfig config, EncoderWeights weights)
    {
        private readonly OnnxGraph _graph = new();

        public void Write(string path, TextEmbeddingOptions options)
        {
            string ids = _graph.Input("input_ids", "batch", "length"),
                given = _graph.Input("attention_mask", "batch", "length"),
                types = _graph.Input("token_type_ids", "batch", "length");
            string mask = _graph.Node("Cast", [given], ("to", 1)); // [batch, length] as numbers
            string wide = _graph.Node("Unsqueeze", [mask, _graph.Integers(1, 2)]); // [batch, 1, 1, length]
            string hidden = _graph.Node("Mul",
                [_graph.Node("Sub", [_graph.Number(1), wide]), _graph.Number(Masked)]);
            string x = Embed(ids, types);
            for (int layer = 0; layer < weights.Blocks.Count; layer++)
                x = Block(layer, weights.Blocks[layer], x, hidden);
            _graph.NodeTo("last_hidden_state", "Identity", [x]);
            _graph.Output("last_hidden_state", "batch", "length", config.HiddenSize);
            _graph.NodeTo("sentence_embedding", "Identity", [Pool(x, given, mask, options)]);
            _graph.Output("sentence_embedding", "batch", config.HiddenSize);
            _graph.Write(path, "encoder");
        }

        private string Embed(string ids, string types)
        {
            string length = _graph.Node("Shape", [ids], ("start", 1), ("end", 2)), first =
                _graph.Integers(config.PositionOffset);
            string positions = _graph.Node("Slice", [_graph.Matrix("positions", weights.Positions), first,
                _graph.Node("Add", [length, first]), _graph.Integers(0)]);
            string tokens = _graph.Node("Gather", [_graph.Matrix("tokens", weights.Embedding), ids]),
                kinds = _graph.Node("Gather", [_graph.Matrix("types", weights.Types), types]);
            string sum = _graph.Node("Add", [_graph.Node("Add", [tokens, kinds]), positions]);
            return Norm("embedding.norm", weights.EmbeddingNorm, sum);
        }

        /// <summary>x → norm(x + attention(x)) → norm(x + feed-forward(x)).</summary>
        private string Block(int layer, BlockWeights block, string x, string mask)
        {
            string name = $"block.{layer}.";
            string queries = Heads(Linear(name + "query", block.Query, x), 0, 2, 1, 3),
                keys = Heads(Linear(name + "key", block.Key, x), 0, 2, 3, 1),
                values = Heads(Linear(name + "value", block.Value, x), 0, 2, 1, 3);
            string scores = _graph.Node("Div",
                [_graph.Node("MatMul", [queries, keys]), _graph.Number(MathF.Sqrt(config.HeadSize))]);
            string shares = _graph.Node("Softmax", [_graph.Node("Add", [scores, mask])], ("axis", -1));
            string mixed = _graph.Node("Transpose", [_graph.Node("MatMul", [shares, values])],
                ("perm", (int[])[0, 2, 1, 3]));
            mixed = _graph.Node("Reshape", [mixed, _graph.Integers(0, 0, config.HiddenSize)]);
            x = Norm(name + "attention.norm", block.AttentionNorm!,
                _graph.Node("Add", [Linear(name + "output", block.Output, mixed), x]));
            FeedForwardWeights feedForward = block.FeedForward!; // encoders have no experts
            string inner = Activate(Linear(name + "up", feedForward.Up, x));
            return Norm(name + "feedForward.norm", block.FeedForwardNorm!,
                _graph.Node("Add", [Linear(name + "down", feedForward.Down, inner), x]));
        }

        /// <summary>[batch, length, hidden] → [batch, length, heads, size], in another order.</summary>
        private string Heads(string x, params int[] order) => _graph.Node("Transpose",
            [_graph.Node("Reshape", [x, _graph.Integers(0, 0, config.HeadCount, config.HeadSize)])], ("perm", order));

        private string Linear(string name, LinearWeights linear, string x)
        {
            string product = _graph.Node("MatMul",
                [x, _graph.Matrix(name + ".weight", linear.Weight, isTransposed: true)]);
            return linear.Bias is null ? product
                : _graph.Node("Add", [product, _graph.Vector(name + ".bias", linear.Bias)]);
        }

        private string Norm(string name, NormWeights norm, string x)
        {
            string[] inputs = [x, _graph.Vector(name + ".weight", norm.Weight)];
            return _graph.Node("LayerNormalization",
                norm.Bias is null ? inputs : [.. inputs, _graph.Vector(name + ".bias", norm.Bias)],
                ("axis", -1), ("epsilon", (float)config.NormEpsilon));
        }

        private string Activate(string x)
        {
            if (config.Activation == ActivationName.Relu)
                return _graph.Node("Relu", [x]);
            string curve;
            if (config.Activation == ActivationName.Gelu)
            {
                curve = _graph.Node("Erf", [_graph.Node("Div", [x, _graph.Number(MathF.Sqrt(2))])]);
            }
            else
            {
                string cube = _graph.Node("Mul",
                    [_graph.Node("Pow", [x, _graph.Number(3)]), _graph.Number(0.044715f)]);
                curve = _graph.Node("Tanh", [_graph.Node("Mul",
                    [_graph.Node("Add", [x, cube]), _graph.Number(MathF.Sqrt(2 / MathF.PI))])]);
            }
            curve = _graph.Node("Mul", [x, _graph.Node("Add", [curve, _graph.Number(1)])]);
            return _graph.Node("Mul", [curve, _graph.Number(0.5f)]);
        }

        private string Pool(string x, string given, string mask, TextEmbeddingOptions options)
        {
            string row = _graph.Integers(1), vector;
            if (options.Pooling == EmbeddingPooling.Mean)
            {
                string column = _graph.Node("Unsqueeze", [mask, _graph.Integers(-1)]);
                vector = _graph.Node("Div",
                [
                    _graph.Node("ReduceSum", [_graph.Node("Mul", [x, column]), row], ("keepdims", 0)),
                    _graph.Node("ReduceSum", [column, row], ("keepdims", 0)),
                ]);
            }
            else
            {
                // [batch, 1]: the place of the first or the last token
                string last = _graph.Node("Sub", [_graph.Node("ReduceSum", [given, row], ("keepdims", 1)), row]);
                string place = options.Pooling == EmbeddingPooling.Last ? last
                    : _graph.Node("Mul", [last, _graph.Integers(0)]);
                vector = _graph.Node("GatherND", [x, place], ("batch_dims", 1));
            }
            return options.Normalise ? _graph.Node("Div",
                [vector, _graph.Node("ReduceL2", [vector], ("axes", (int[])[-1]), ("keepdims", 1))]) : vector;
        }
    }
}
