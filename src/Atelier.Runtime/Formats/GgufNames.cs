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
}

/// <summary>
/// Translates the names of tensors between GGUF and Hugging Face, for the architectures that both support.
/// </summary>
internal static class GgufNames
{
    public const string Llama = "llama", Gpt2 = "gpt2";

    /// <summary>The architecture of files whose tensors have Atelier's own names.</summary>
    public const string Own = "atelier";

    /// <summary>
    /// llama.cpp's name of the tensor with the factors that scale rotary frequencies. Hugging Face describes the
    /// scaling in config.json.
    /// </summary>
    public const string RopeFactors = "rope_freqs.weight";

    private static readonly Naming LlamaNames = new("model.layers.",
    [
        new("model.embed_tokens", "token_embd"), new("model.norm", "output_norm"), new("lm_head", "output"),
    ],
    [
        new("input_layernorm", "attn_norm"), new("self_attn.q_proj", "attn_q", TensorOrder.QueryPairs),
        new("self_attn.k_proj", "attn_k", TensorOrder.KeyPairs), new("self_attn.v_proj", "attn_v"),
        new("self_attn.o_proj", "attn_output"), new("post_attention_layernorm", "ffn_norm"),
        new("mlp.gate_proj", "ffn_gate"), new("mlp.up_proj", "ffn_up"), new("mlp.down_proj", "ffn_down"),
    ]);

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

    /// <summary>Returns whether llama.cpp supports an architecture.</summary>
    public static bool Knows(string architecture) => Of(architecture) is not null;

    /// <summary>Returns the layout of files of an architecture.</summary>
    public static TensorLayout LayoutOf(string architecture) =>
        architecture == Own ? TensorLayout.HuggingFace : TensorLayout.Gguf;

    /// <summary>
    /// Returns the GGUF name of the tensor that Hugging Face names <paramref name="name"/>, or null if the architecture
    /// has no such tensor.
    /// </summary>
    public static (string Name, TensorOrder Order)? ToGguf(string architecture, string name) =>
        architecture == Own
            ? (name, TensorOrder.Same)
            : Translate(Of(architecture), name, part => part.HuggingFace, part => part.Gguf,
                layers => layers.Layers, _ => "blk.");

    /// <summary>
    /// Returns Hugging Face's name of the tensor that GGUF names <paramref name="name"/>, or null if the architecture
    /// has no such tensor.
    /// </summary>
    public static (string Name, TensorOrder Order)? ToHuggingFace(string architecture, string name) =>
        architecture == Own
            ? (name, TensorOrder.Same)
            : Translate(Of(architecture), name, part => part.Gguf, part => part.HuggingFace,
                _ => "blk.", layers => layers.Layers);

    private static Naming? Of(string architecture) =>
        architecture switch { Llama => LlamaNames, Gpt2 => Gpt2Names, _ => null };

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
