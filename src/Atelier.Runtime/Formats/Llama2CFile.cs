using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Atelier.Formats;

/// <summary>The sizes of a Llama model in llama2.c's first binary format.</summary>
/// <param name="HiddenSize">The width of the residual stream.</param>
/// <param name="FeedForwardSize">The width of the feed-forward layers.</param>
/// <param name="LayerCount">Number of layers.</param>
/// <param name="HeadCount">Number of query heads.</param>
/// <param name="KeyValueHeadCount">Number of key-value heads.</param>
/// <param name="VocabularySize">Number of token ids.</param>
/// <param name="ContextLength">The largest number of tokens that the model can condition on.</param>
/// <param name="TieHead">Whether the head shares the weights of the embedding.</param>
public sealed record Llama2CSizes(int HiddenSize, int FeedForwardSize, int LayerCount, int HeadCount,
    int KeyValueHeadCount, int VocabularySize, int ContextLength, bool TieHead)
{
    /// <summary>The width of a head.</summary>
    public int HeadSize => HiddenSize / HeadCount;
}

/// <summary>The description of a tensor in llama2.c's format, in single precision.</summary>
/// <param name="Name">Hugging Face's name of the tensor.</param>
/// <param name="Shape">The dimensions, rows first.</param>
/// <param name="Offset">The offset of the data in the file, in bytes.</param>
/// <param name="Order">Whether rotary positions rotate pairs of its rows.</param>
/// <param name="Heads">Number of heads that the rows belong to, if they are rotated.</param>
internal sealed record Llama2CTensor(string Name, IReadOnlyList<long> Shape, long Offset, TensorOrder Order, int Heads);

/// <summary>
/// A memory-mapped model in llama2.c's first binary format: seven 32-bit sizes, then the weights in single precision,
/// grouped by kind.
/// </summary>
public sealed class Llama2CFile : IDisposable
{
    private const int HeaderBytes = 7 * sizeof(int);
    private readonly MappedFile _file;

    private Llama2CFile(MappedFile file)
    {
        _file = file;
        if (file.Length < HeaderBytes)
            throw new AtelierException($"it has {file.Length} bytes, too few for a model of llama2.c", Path);
        ReadOnlySpan<int> sizes = MemoryMarshal.Cast<byte, int>(file.Bytes(0, HeaderBytes));
        // A positive vocabulary size means that the head shares the weights of the embedding.
        bool possible = sizes[..5].IndexOfAnyExceptInRange(1, 1 << 24) < 0
            && sizes[5] is not (0 or int.MinValue) && sizes[6] > 0
            && sizes[0] % sizes[3] == 0 && sizes[3] % sizes[4] == 0 && sizes[0] / sizes[3] % 2 == 0;
        if (!possible)
            throw new AtelierException($"its sizes ({string.Join(", ", sizes.ToArray())}) are impossible", Path,
                "the file is damaged or of another kind");
        Sizes = new(sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], Math.Abs(sizes[5]), sizes[6], sizes[5] > 0);
        // Checked before the tensors are listed, since a damaged number of layers would fill the memory with names.
        Int128 length = LengthFor(Sizes);
        if (length != file.Length)
            throw new AtelierException($"its sizes need {length} bytes, but the file has {file.Length}", Path,
                "the file is damaged or of another kind: download it again");
        Tensors = ListTensors();
    }

    /// <summary>The path of the file.</summary>
    public string Path => _file.Path;

    /// <summary>The sizes.</summary>
    public Llama2CSizes Sizes { get; }

    /// <summary>The tensors in the order of their data in the file.</summary>
    internal IReadOnlyList<Llama2CTensor> Tensors { get; }

    /// <summary>
    /// Returns the path of the tokenizer in the same folder: tokenizer.bin, tokN.bin for a vocabulary of N tokens, or
    /// tokenizer.json.
    /// </summary>
    /// <exception cref="AtelierException">The folder has no tokenizer.</exception>
    public string TokenizerBeside()
    {
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        string[] names =
            ["tokenizer.bin", FormattableString.Invariant($"tok{Sizes.VocabularySize}.bin"), "tokenizer.json"];
        return names.Select(name => System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists)
            ?? throw new AtelierException(
                $"a llama2.c file does not contain a tokenizer, and its folder has none of {string.Join(", ", names)}",
                Path,
                $"name one when opening or importing it: "
                    + $"{Mention.Command("import")} takes {Mention.Field("tokenizer")}");
    }

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="AtelierException">The file is missing, its sizes are impossible, or its length does not match
    /// them.</exception>
    public static Llama2CFile Open(string path)
    {
        MappedFile file = MappedFile.Open(path);
        try
        {
            return new Llama2CFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Returns the content of a config.json for the model.</summary>
    public JsonObject ToHuggingFace() => new()
    {
        ["model_type"] = GgufNames.Llama,
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["vocab_size"] = Sizes.VocabularySize,
        ["hidden_size"] = Sizes.HiddenSize,
        ["intermediate_size"] = Sizes.FeedForwardSize,
        ["num_hidden_layers"] = Sizes.LayerCount,
        ["num_attention_heads"] = Sizes.HeadCount,
        ["num_key_value_heads"] = Sizes.KeyValueHeadCount,
        ["max_position_embeddings"] = Sizes.ContextLength,
        ["hidden_act"] = "silu",
        ["rms_norm_eps"] = 1e-5, // the constant of llama2.c
        ["rope_theta"] = 10_000.0,
        ["tie_word_embeddings"] = Sizes.TieHead,
    };

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>Returns a pointer to the data of a tensor, which is valid until the file is disposed.</summary>
    internal unsafe byte* Pointer(Llama2CTensor tensor) =>
        _file.Pointer(tensor.Offset,
            tensor.Shape.Aggregate((long)sizeof(float), (product, dimension) => product * dimension));

    /// <summary>
    /// Returns the size of a whole file in bytes. Sizes that pass the check of the header cannot overflow 128 bits.
    /// </summary>
    private static Int128 LengthFor(Llama2CSizes sizes)
    {
        Int128 hidden = sizes.HiddenSize, keyValue = hidden / sizes.HeadCount * sizes.KeyValueHeadCount;
        Int128 layer = 2 * hidden + 2 * hidden * hidden + 2 * hidden * keyValue + 3 * hidden * sizes.FeedForwardSize;
        Int128 embeddings = hidden * sizes.VocabularySize * (sizes.TieHead ? 1 : 2);
        Int128 tables = (Int128)sizes.ContextLength * sizes.HeadSize;
        return HeaderBytes + sizeof(float) * (embeddings + layer * sizes.LayerCount + hidden + tables);
    }

    private List<Llama2CTensor> ListTensors()
    {
        var tensors = new List<Llama2CTensor>();
        long offset = HeaderBytes, hidden = Sizes.HiddenSize, feedForward = Sizes.FeedForwardSize;
        long keyValue = (long)Sizes.KeyValueHeadCount * Sizes.HeadSize;

        void Add(string name, TensorOrder order, int heads, params long[] shape)
        {
            tensors.Add(new Llama2CTensor(name, shape, offset, order, heads));
            offset += shape.Aggregate((long)sizeof(float), (product, dimension) => product * dimension);
        }

        void AddEach(string name, params long[] shape)
        {
            // llama2.c rotates neighbours (0, 1), (2, 3) … of a head, as the paper does (Su et al. 2021, eq. 34).
            (TensorOrder order, int heads) = name switch
            {
                "self_attn.q_proj" => (TensorOrder.QueryPairs, Sizes.HeadCount),
                "self_attn.k_proj" => (TensorOrder.KeyPairs, Sizes.KeyValueHeadCount),
                _ => (TensorOrder.Same, 1),
            };
            for (int layer = 0; layer < Sizes.LayerCount; layer++)
                Add($"model.layers.{layer}.{name}.weight", order, heads, shape);
        }

        Add("model.embed_tokens.weight", TensorOrder.Same, 1, Sizes.VocabularySize, hidden);
        AddEach("input_layernorm", hidden);
        AddEach("self_attn.q_proj", hidden, hidden);
        AddEach("self_attn.k_proj", keyValue, hidden);
        AddEach("self_attn.v_proj", keyValue, hidden);
        AddEach("self_attn.o_proj", hidden, hidden);
        AddEach("post_attention_layernorm", hidden);
        AddEach("mlp.gate_proj", feedForward, hidden);
        AddEach("mlp.down_proj", hidden, feedForward);
        AddEach("mlp.up_proj", feedForward, hidden);
        Add("model.norm.weight", TensorOrder.Same, 1, hidden);
        // The tables of sines and cosines are skipped; they are computed instead.
        offset += (long)Sizes.ContextLength * Sizes.HeadSize * sizeof(float);
        if (!Sizes.TieHead)
            Add("lm_head.weight", TensorOrder.Same, 1, Sizes.VocabularySize, hidden);
        return tensors;
    }
}
