using Atelier.Formats;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// The weights of a recurrent layer. The order of gates is PyTorch's: input, forget, cell, output for LSTM; reset,
/// update, new for GRU.
/// </summary>
/// <param name="Input">W, [gates · hidden, input], and b.</param>
/// <param name="State">U, [gates · hidden, hidden], and c.</param>
public sealed record RecurrentLayerWeights(LinearWeights Input, LinearWeights State);

/// <summary>
/// The weights of a recurrent language model: embedding, recurrent layers, head. Each matrix may have a data type of
/// its own.
/// </summary>
public sealed record RecurrentWeights
{
    /// <summary>The model_type of such models in config.json.</summary>
    public const string ModelType = "atelier_rnn";

    /// <summary>The kind of cell.</summary>
    public required CellName Cell { get; init; }

    /// <summary>The token embedding, [vocabulary, embedding].</summary>
    public required WeightMatrix Embedding { get; init; }

    /// <summary>The layers, from first to last.</summary>
    public required IReadOnlyList<RecurrentLayerWeights> Layers { get; init; }

    /// <summary>The head, [vocabulary, hidden]; a tied head is the embedding.</summary>
    public required LinearWeights Head { get; init; }

    /// <summary>The objects to dispose with the decoder: the mapped files that contain the matrices.</summary>
    public IReadOnlyList<IDisposable> Owners { get; init; } = [];

    /// <summary>Number of gates of the cell, which is the number of row blocks of hidden size in each matrix.</summary>
    public int GateCount => Gates(Cell);

    /// <summary>The width of the states.</summary>
    public int HiddenSize => Head.Weight.Columns;

    /// <summary>Refuses unsupported keys of a config.json that have an effect.</summary>
    /// <exception cref="AtelierException">The file has such a key.</exception>
    public static void RefuseUnread(ConfigFile file) => file.RefuseUnread(DecoderConfigKeys.Recurrent);

    /// <summary>Loads the weights of a bundle.</summary>
    /// <param name="file">The config.json of the bundle.</param>
    /// <param name="weights">The tensors of the bundle; the result owns them.</param>
    /// <exception cref="AtelierException">A key or a tensor is missing, or a tensor has another shape.</exception>
    public static RecurrentWeights Take(ConfigFile file, ModelWeights weights)
    {
        RefuseUnread(file);
        CellName cell = file.String("cell", "") switch
        {
            "plain" => CellName.Plain,
            "lstm" => CellName.Lstm,
            "gru" => CellName.Gru,
            string other =>
                throw new AtelierException($"cell is '{other}'", file.Path, "allowed: plain, lstm and gru"),
        };
        int vocabulary = file.VocabularySize, embedding = file.Integer("embedding_size"),
            hidden = file.Integer("hidden_size"), layers = file.Integer("layer_count");
        if (vocabulary < 1 || embedding < 1 || hidden < 1 || layers is < 1 or > 1000
            || hidden > int.MaxValue / Gates(cell))
            throw new AtelierException($"{layers} layers of {hidden} over {embedding} are impossible", file.Path,
                "download or export the model again");
        WeightMatrix tokens = Matrix("embedding.weight", vocabulary, embedding);
        var taken = new RecurrentWeights
        {
            Cell = cell,
            Embedding = tokens,
            Layers = [.. Enumerable.Range(0, layers).Select(layer =>
            {
                string name = $"layers.{layer}.";
                int rows = Gates(cell) * hidden;
                return new RecurrentLayerWeights(
                    new(Matrix(name + "weight_ih", rows, layer == 0 ? embedding : hidden),
                        Vector(name + "bias_ih", rows)),
                    new(Matrix(name + "weight_hh", rows, hidden), Vector(name + "bias_hh", rows)));
            })],
            Head = file.Boolean("tie_head", false) && embedding == hidden
                ? new LinearWeights(tokens)
                : new LinearWeights(Matrix("head.weight", vocabulary, hidden), Vector("head.bias", vocabulary)),
            Owners = [weights],
        };
        weights.RefuseUntaken();
        return taken;

        WeightMatrix Matrix(string name, int rows, int columns)
        {
            WeightMatrix matrix = weights.Take(name).ToMatrix(weights);
            return matrix.Rows == rows && matrix.Columns == columns
                ? matrix
                : throw new AtelierException(
                    $"the tensor {name} is [{matrix.Rows}, {matrix.Columns}], config.json implies [{rows}, {columns}]",
                    weights.Path, "download or export the model again");
        }

        float[] Vector(string name, int size)
        {
            ModelTensor tensor = weights.Take(name);
            return tensor.IsVector && tensor.ElementCount == size
                ? tensor.Read(tensor.Layout)
                : throw new AtelierException(
                    $"the tensor {name} is [{string.Join(", ", tensor.FileShape)}], config.json implies [{size}]",
                    weights.Path, "download or export the model again");
        }
    }

    private static int Gates(CellName cell) => cell switch { CellName.Lstm => 4, CellName.Gru => 3, _ => 1 };
}
