using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Atelier.Formats;

/// <summary>The sizes of a Llama in llama2.c's first binary format.</summary>
/// <param name="HiddenSize">The width of the residual stream.</param>
/// <param name="FeedForwardSize">The width of the feed-forward layers.</param>
/// <param name="LayerCount">Layers.</param>
/// <param name="HeadCount">Query heads.</param>
/// <param name="KeyValueHeadCount">Key and value heads.</param>
/// <param name="VocabularySize">Token ids.</param>
/// <param name="ContextLength">The most tokens it conditions on.</param>
/// <param name="TieHead">Whether the head is the embedding.</param>
public sealed record Llama2CSizes(
    int HiddenSize, int FeedForwardSize, int LayerCount, int HeadCount, int KeyValueHeadCount, int VocabularySize,
        int ContextLength, bool TieHead)
{
    /// <summary>The width of a head.</summary>
    public int HeadSize => HiddenSize / HeadCount;
}

/// <summary>One tensor of llama2.c's, fp32.</summary>
/// <param name="Name">Its name with Hugging Face.</param>
/// <param name="Shape">Its dimensions, rows first.</param>
/// <param name="Offset">Its first byte.</param>
/// <param name="Order">Whether rotary positions turn pairs of its rows.</param>
/// <param name="Heads">The heads that such rows belong to.</param>
internal sealed record Llama2CTensor(string Name, IReadOnlyList<long> Shape, long Offset, TensorOrder Order, int Heads);

/// <summary>
/// A model in llama2.c's first binary format, memory-mapped: seven 32-bit sizes, then fp32 weights kind by kind.
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
        // A positive vocabulary says that the head is the embedding.
        bool possible = sizes[..5].IndexOfAnyExceptInRange(1, 1 << 24) < 0 && sizes[5] is not (0 or int.MinValue)
            && sizes[6] > 0
            && sizes[0] % sizes[3] == 0 && sizes[3] % sizes[4] == 0 && sizes[0] / sizes[3] % 2 == 0;
        if (!possible)
            throw new AtelierException($"its sizes ({string.Join(", ", sizes.ToArray())}) are impossible", Path,
                "the file is damaged or of another kind");
        Sizes = new(sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], Math.Abs(sizes[5]), sizes[6], sizes[5] > 0);
        // Before the layout: a damaged count of layers would fill the memory with names.
        Int128 length = LengthFor(Sizes);
        if (length != file.Length)
            throw new AtelierException($"its sizes need {length} bytes, but the file has {file.Length}", Path,
                "the file is damaged or of another kind: download it again");
        Tensors = Lay();
    }

    /// <summary>Where it lies.</summary>
    public string Path => _file.Path;

    /// <summary>The sizes.</summary>
    public Llama2CSizes Sizes { get; }

    /// <summary>The tensors in the order of their bytes.</summary>
    internal IReadOnlyList<Llama2CTensor> Tensors { get; }

    /// <summary>
    /// The tokenizer in the same folder: tokenizer.bin, tokN.bin for a model of N tokens, or tokenizer.json.
    /// </summary>
    /// <exception cref="AtelierException">There is none.</exception>
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
    /// <exception cref="AtelierException">It is missing, its sizes are impossible, or its length is not what they ask
    /// for.</exception>
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

    /// <summary>The text of a config.json for the model.</summary>
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
        ["rms_norm_eps"] = 1e-5, // as llama2.c computes
        ["rope_theta"] = 10_000.0,
        ["tie_word_embeddings"] = Sizes.TieHead,
    };

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>Where a tensor's bytes begin in memory; valid until the file is disposed.</summary>
    internal unsafe byte* Pointer(Llama2CTensor tensor) =>
        _file.Pointer(tensor.Offset,
            tensor.Shape.Aggregate((long)sizeof(float), (product, dimension) => product * dimension));

    /// <summary>
    /// The bytes of a whole file; sizes that pass the check of the header keep this far below 128 bits.
    /// </summary>
    private static Int128 LengthFor(Llama2CSizes sizes)
    {
        Int128 hidden = sizes.HiddenSize, keyValue = hidden / sizes.HeadCount * sizes.KeyValueHeadCount;
        Int128 layer = 2 * hidden + 2 * hidden * hidden + 2 * hidden * keyValue + 3 * hidden * sizes.FeedForwardSize;
        Int128 embeddings = hidden * sizes.VocabularySize * (sizes.TieHead ? 1 : 2);
        Int128 tables = (Int128)sizes.ContextLength * sizes.HeadSize;
        return HeaderBytes + sizeof(float) * (embeddings + layer * sizes.LayerCount + hidden + tables);
    }

    private List<Llama2CTensor> Lay()
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
        // tables of sines and cosines, computed anew
        offset += (long)Sizes.ContextLength * Sizes.HeadSize * sizeof(float);
        if (!Sizes.TieHead)
            Add("lm_head.weight", TensorOrder.Same, 1, Sizes.VocabularySize, hidden);
        return tensors;
    }
}
