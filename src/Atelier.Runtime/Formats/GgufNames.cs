using System.Globalization;

namespace Atelier.Formats;

/// <summary>The difference between the orders in which GGUF and Hugging Face store the rows of a tensor.</summary>
internal enum TensorOrder
{
    /// <summary>The same order.</summary>
    Same,

    /// <summary>
    /// Hugging Face's GPT-2 stores linear layers as [inputs, outputs] (Conv1D); GGUF and all other models store them as
    /// [outputs, inputs].
    /// </summary>
    Transposed,

    /// <summary>
    /// The rows of Llama's queries. Rotary positions rotate the rows (i, i + size/2) of a head in Hugging Face's order,
    /// and the neighbours (2i, 2i + 1) in the order of the paper (Su et al. 2021, eq. 34), which GGUF uses.
    /// </summary>
    QueryPairs,

    /// <summary>The same for the rows of keys, whose number of heads may differ.</summary>
    KeyPairs,

    /// <summary>
    /// The rows of GPT-NeoX's queries, keys and values. Hugging Face has those of a head one after another, head by
    /// head; GGUF has all queries, then all keys, then all values.
    /// </summary>
    HeadsOfThree,

    /// <summary>The weights of Gemma's norms: those of GGUF are larger by 1.</summary>
    OneAdded,
}

/// <summary>
/// Translates the names of tensors between GGUF and Hugging Face, for the types of models that both support. Types are
/// named as in Hugging Face's config.json.
/// </summary>
internal static class GgufNames
{
    public const string Llama = "llama", Gpt2 = "gpt2", Mistral = "mistral", Mixtral = "mixtral", Qwen2 = "qwen2",
        Qwen3 = "qwen3", Qwen2Moe = "qwen2_moe", Qwen3Moe = "qwen3_moe", Gemma = "gemma", Gemma2 = "gemma2",
        Gemma3 = "gemma3_text", Phi3 = "phi3", Granite = "granite", Olmo2 = "olmo2", SmolLm3 = "smollm3",
        GptNeoX = "gpt_neox", StarCoder2 = "starcoder2";

    /// <summary>The architecture of files whose tensors have Atelier's own names.</summary>
    public const string Own = "atelier";

    /// <summary>
    /// llama.cpp's name of the tensor with the factors that scale rotary frequencies. Hugging Face describes the
    /// scaling in config.json.
    /// </summary>
    public const string RopeFactors = "rope_freqs.weight";

    /// <summary>llama.cpp's names of the token embedding and of the head.</summary>
    public const string Embedding = "token_embd.weight", Head = "output.weight";

    /// <summary>LongRoPE's factors for short and for long texts.</summary>
    public const string ShortFactors = "rope_factors_short.weight", LongFactors = "rope_factors_long.weight";

    // The architectures of llama.cpp that Hugging Face names otherwise. Mistral and Mixtral are its Llama.
    private static readonly Dictionary<string, string> Architectures = new()
    {
        [Mistral] = Llama, [Mixtral] = Llama, [Qwen2Moe] = "qwen2moe", [Qwen3Moe] = "qwen3moe", [Gemma3] = "gemma3",
        [GptNeoX] = "gptneox",
    };

    private static readonly Part[] LlamaWhole =
        [new("model.embed_tokens", "token_embd"), new("model.norm", "output_norm"), new("lm_head", "output")];

    private static readonly Part[] Attention =
    [
        new("self_attn.q_proj", "attn_q"), new("self_attn.k_proj", "attn_k"), new("self_attn.v_proj", "attn_v"),
        new("self_attn.o_proj", "attn_output"),
    ];

    private static readonly Part[] PairedAttention =
    [
        Attention[0] with { Order = TensorOrder.QueryPairs }, Attention[1] with { Order = TensorOrder.KeyPairs },
        Attention[2], Attention[3],
    ];

    private static readonly Part[] HeadNorms =
        [new("self_attn.q_norm", "attn_q_norm"), new("self_attn.k_norm", "attn_k_norm")];

    private static readonly Part[] NormsBefore =
        [new("input_layernorm", "attn_norm"), new("post_attention_layernorm", "ffn_norm")];

    private static readonly Part[] NormsAfter =
    [
        new("post_attention_layernorm", "post_attention_norm"), new("post_feedforward_layernorm", "post_ffw_norm"),
    ];

    private static readonly Part[] GatedLayer =
        [new("mlp.gate_proj", "ffn_gate"), new("mlp.up_proj", "ffn_up"), new("mlp.down_proj", "ffn_down")];

    private static readonly Part[] QwenExperts =
    [
        new("mlp.gate", "ffn_gate_inp"), new("mlp.experts.*.gate_proj", "ffn_gate_exps"),
        new("mlp.experts.*.up_proj", "ffn_up_exps"), new("mlp.experts.*.down_proj", "ffn_down_exps"),
        new("mlp.shared_expert_gate", "ffn_gate_inp_shexp"), new("mlp.shared_expert.gate_proj", "ffn_gate_shexp"),
        new("mlp.shared_expert.up_proj", "ffn_up_shexp"), new("mlp.shared_expert.down_proj", "ffn_down_shexp"),
    ];

    private static readonly Naming LlamaNames = Like(isPaired: true, NormsBefore, GatedLayer);

    private static readonly Naming Gpt2Names = new("transformer.h.",
    [
        new("transformer.wte", "token_embd"), new("transformer.wpe", "position_embd"),
        new("transformer.ln_f", "output_norm"), new("lm_head", "output"),
    ],
    [
        new("ln_1", "attn_norm"), new("attn.c_attn", "attn_qkv", TensorOrder.Transposed),
        new("attn.c_proj", "attn_output", TensorOrder.Transposed), new("ln_2", "ffn_norm"),
        new("mlp.c_fc", "ffn_up", TensorOrder.Transposed), new("mlp.c_proj", "ffn_down", TensorOrder.Transposed),
    ]);

    private static readonly Part[] GemmaNorms =
    [
        new("input_layernorm", "attn_norm"), NormsAfter[0], new("pre_feedforward_layernorm", "ffn_norm"), NormsAfter[1],
    ];

    private static readonly Dictionary<string, Naming> Names = new()
    {
        [Llama] = LlamaNames,
        [Gpt2] = Gpt2Names,
        [Mistral] = LlamaNames,
        [Mixtral] = Like(isPaired: true, NormsBefore,
        [
            new("block_sparse_moe.gate", "ffn_gate_inp"), new("block_sparse_moe.experts.*.w1", "ffn_gate_exps"),
            new("block_sparse_moe.experts.*.w3", "ffn_up_exps"), new("block_sparse_moe.experts.*.w2", "ffn_down_exps"),
        ]),
        [Granite] = LlamaNames,
        [SmolLm3] = LlamaNames,
        [Qwen2] = Like(isPaired: false, NormsBefore, GatedLayer),
        [Qwen2Moe] = Like(isPaired: false, NormsBefore, QwenExperts),
        [Qwen3] = Like(isPaired: false, NormsBefore, GatedLayer, HeadNorms),
        [Qwen3Moe] = Like(isPaired: false, NormsBefore, QwenExperts, HeadNorms),
        [Gemma] = OneAddedTo(Like(isPaired: false, NormsBefore, GatedLayer)),
        [Gemma2] = OneAddedTo(Like(isPaired: false, GemmaNorms, GatedLayer)),
        [Gemma3] = OneAddedTo(Like(isPaired: false, GemmaNorms, GatedLayer, HeadNorms)),
        [Olmo2] = Like(isPaired: false, NormsAfter, GatedLayer, HeadNorms),
        [Phi3] = new("model.layers.", LlamaWhole,
        [
            .. NormsBefore, new("self_attn.qkv_proj", "attn_qkv"), new("self_attn.o_proj", "attn_output"),
            new("mlp.gate_up_proj", "ffn_up"), new("mlp.down_proj", "ffn_down"),
        ]),
        [StarCoder2] = Like(isPaired: false, NormsBefore, [new("mlp.c_fc", "ffn_up"), new("mlp.c_proj", "ffn_down")]),
        [GptNeoX] = new("gpt_neox.layers.",
        [
            new("gpt_neox.embed_in", "token_embd"), new("gpt_neox.final_layer_norm", "output_norm"),
            new("embed_out", "output"),
        ],
        [
            .. NormsBefore, new("attention.query_key_value", "attn_qkv", TensorOrder.HeadsOfThree),
            new("attention.dense", "attn_output"), new("mlp.dense_h_to_4h", "ffn_up"),
            new("mlp.dense_4h_to_h", "ffn_down"),
        ]),
    };

    /// <summary>The values of model_type that llama.cpp supports too.</summary>
    public static IReadOnlyCollection<string> ModelTypes => Names.Keys;

    /// <summary>The architectures of GGUF files that are read.</summary>
    public static IReadOnlyList<string> KnownArchitectures { get; } = [.. Names.Keys.Select(ArchitectureOf).Distinct()];

    /// <summary>Returns llama.cpp's name of a model type.</summary>
    public static string ArchitectureOf(string modelType) => Architectures.GetValueOrDefault(modelType, modelType);

    /// <summary>Returns the model type of an architecture of llama.cpp.</summary>
    /// <param name="architecture">The architecture.</param>
    /// <param name="hasExperts">Whether the model is a mixture of experts.</param>
    public static string ModelTypeOf(string architecture, bool hasExperts) => architecture == Llama
        ? hasExperts ? Mixtral : Llama
        : Architectures.FirstOrDefault(pair => pair.Value == architecture, new(architecture, "")).Key;

    /// <summary>Returns whether rotary positions rotate neighbours in GGUF files of a model type.</summary>
    public static bool HasNeighbours(string modelType) =>
        !Names.TryGetValue(modelType, out Naming? naming)
        || naming.Layer.Any(part => part.Order == TensorOrder.QueryPairs);

    /// <summary>Returns the prefix that Hugging Face's bare models omit from the names of tensors.</summary>
    public static string PrefixOf(string modelType) => !Names.TryGetValue(modelType, out Naming? naming) ? ""
        : naming.Layers[..(naming.Layers.IndexOf('.', StringComparison.Ordinal) + 1)];

    /// <summary>Returns whether llama.cpp supports a model type.</summary>
    public static bool Knows(string modelType) => Names.ContainsKey(modelType);

    /// <summary>Returns the layout of GGUF files of a model type.</summary>
    public static TensorLayout LayoutOf(string modelType) =>
        modelType == Own ? TensorLayout.HuggingFace : TensorLayout.Gguf;

    /// <summary>
    /// Returns the GGUF name of the tensor that Hugging Face names <paramref name="name"/>, or null if models of this
    /// type have no such tensor. Experts of a block share one tensor: Index is that of the expert, otherwise -1.
    /// </summary>
    public static (string Name, TensorOrder Order, int Index)? ToGguf(string modelType, string name)
    {
        if (modelType == Own)
            return (name, TensorOrder.Same, -1);
        int at = name.IndexOf(".experts.", StringComparison.Ordinal), index = -1;
        if (at >= 0)
        {
            int start = at + ".experts.".Length, end = name.IndexOf('.', start);
            if (end < 0 || !int.TryParse(name.AsSpan(start, end - start), NumberStyles.None,
                CultureInfo.InvariantCulture, out index))
                return null;
            name = $"{name[..start]}*{name[end..]}";
        }
        return Translate(Names.GetValueOrDefault(modelType), name, part => part.HuggingFace, part => part.Gguf,
            layers => layers.Layers, _ => "blk.") is (string found, TensorOrder order) ? (found, order, index) : null;
    }

    /// <summary>
    /// Returns Hugging Face's name of the tensor that GGUF names <paramref name="name"/>, or null if models of this
    /// type have no such tensor. The name has a star in place of the number of an expert.
    /// </summary>
    public static (string Name, TensorOrder Order)? ToHuggingFace(string modelType, string name) =>
        modelType == Own
            ? (name, TensorOrder.Same)
            : Translate(Names.GetValueOrDefault(modelType), name, part => part.Gguf, part => part.HuggingFace,
                _ => "blk.", layers => layers.Layers);

    private static Naming Like(bool isPaired, Part[] norms, Part[] layer, params Part[] further) =>
        new("model.layers.", LlamaWhole, [.. norms, .. isPaired ? PairedAttention : Attention, .. layer, .. further]);

    private static Naming OneAddedTo(Naming naming)
    {
        return naming with { Whole = [.. naming.Whole.Select(Add)], Layer = [.. naming.Layer.Select(Add)] };

        static Part Add(Part part) => part.Gguf.EndsWith("norm", StringComparison.Ordinal)
            ? part with { Order = TensorOrder.OneAdded } : part;
    }

    private static (string, TensorOrder)? Translate(Naming? naming, string name,
        Func<Part, string> from, Func<Part, string> to, Func<Naming, string> fromLayers, Func<Naming, string> toLayers)
    {
        int dot = name.LastIndexOf('.');
        if (naming is null || dot < 0 || name[dot..] is not (".weight" or ".bias"))
            return null;
        string kind = name[dot..], stem = name[..dot], prefix = "", target = "";
        Part[] parts = naming.Whole;
        if (stem.StartsWith(fromLayers(naming), StringComparison.Ordinal))
        {
            int end = stem.IndexOf('.', fromLayers(naming).Length);
            if (end < 0)
                return null;
            prefix = stem[..(end + 1)];
            target = toLayers(naming) + prefix[fromLayers(naming).Length..];
            parts = naming.Layer;
        }
        foreach (Part part in parts)
        {
            if (stem.AsSpan(prefix.Length).SequenceEqual(from(part)))
            {
                // A bias is a vector, which is not transposed.
                bool isTransposedBias = kind == ".bias" && part.Order == TensorOrder.Transposed;
                return (target + to(part) + kind, isTransposedBias ? TensorOrder.Same : part.Order);
            }
        }
        return null;
    }

    private sealed record Part(string HuggingFace, string Gguf, TensorOrder Order = TensorOrder.Same);

    private sealed record Naming(string Layers, Part[] Whole, Part[] Layer);
}
