namespace Atelier.Formats;

/// <summary>How the rows of a tensor of GGUF lie against Hugging Face's of the same weights.</summary>
internal enum TensorOrder
{
    /// <summary>Alike.</summary>
    Same,

    /// <summary>
    /// Hugging Face's GPT-2 keeps products as [inputs, outputs] (Conv1D); GGUF, as all others, as [outputs, inputs].
    /// </summary>
    Transposed,

    /// <summary>
    /// Rows of Llama's queries: rotary positions turn rows (i, i + size/2) of a head in Hugging Face's order, and
    /// neighbours (2i, 2i + 1) in that of the paper (Su et al. 2021, eq. 34), which GGUF keeps.
    /// </summary>
    QueryPairs,

    /// <summary>The same of keys, which have heads of their own.</summary>
    KeyPairs,
}

/// <summary>The names of tensors in GGUF files and in Hugging Face's, for the shapes that both support.</summary>
internal static class GgufNames
{
    public const string Llama = "llama", Gpt2 = "gpt2";

    /// <summary>The kind of model of files that keep tensors under Atelier's own names.</summary>
    public const string Own = "atelier";

    /// <summary>
    /// llama.cpp's name for the factors that scale rotary frequencies; Hugging Face has them in config.json.
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
            new("transformer.ln_f", "output_norm"),
        new("lm_head", "output"),
    ],
    [
        new("ln_1", "attn_norm"), new("attn.c_attn", "attn_qkv", TensorOrder.Transposed),
            new("attn.c_proj", "attn_output", TensorOrder.Transposed),
        new("ln_2", "ffn_norm"), new("mlp.c_fc", "ffn_up", TensorOrder.Transposed),
            new("mlp.c_proj", "ffn_down", TensorOrder.Transposed),
    ]);

    /// <summary>Whether llama.cpp has the shape.</summary>
    public static bool Knows(string architecture) => Of(architecture) is not null;

    /// <summary>The layout of a file of that kind of model.</summary>
    public static TensorLayout LayoutOf(string architecture) =>
        architecture == Own ? TensorLayout.HuggingFace : TensorLayout.Gguf;

    /// <summary>
    /// The name in GGUF of a tensor that Hugging Face calls <paramref name="name"/>, or null where the shape has none
    /// such.
    /// </summary>
    public static (string Name, TensorOrder Order)? ToGguf(string architecture, string name) =>
        architecture == Own ? (name, TensorOrder.Same)
            : Translate(Of(architecture), name, part => part.HuggingFace, part => part.Gguf, layers => layers.Layers,
            _ => "blk.");

    /// <summary>
    /// The name with Hugging Face of a tensor that GGUF calls <paramref name="name"/>, or null where the shape has none
    /// such.
    /// </summary>
    public static (string Name, TensorOrder Order)? ToHuggingFace(string architecture, string name) =>
        architecture == Own ? (name, TensorOrder.Same)
            : Translate(Of(architecture), name, part => part.Gguf, part => part.HuggingFace, _ => "blk.",
            layers => layers.Layers);

    private static Naming? Of(string architecture) =>
        architecture switch { Llama => LlamaNames, Gpt2 => Gpt2Names, _ => null };

    private static (string, TensorOrder)? Translate(
        Naming? naming, string name, Func<Part, string> from, Func<Part, string> to, Func<Naming, string> fromLayers,
            Func<Naming, string> toLayers)
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
                // A bias is one row: there is nothing to transpose.
                TensorOrder order = kind == ".bias" && part.Order == TensorOrder.Transposed ? TensorOrder.Same
                    : part.Order;
                return (target + to(part) + kind, order);
            }
        }
        return null;
    }

    private sealed record Part(string HuggingFace, string Gguf, TensorOrder Order = TensorOrder.Same);

    private sealed record Naming(string Layers, Part[] Whole, Part[] Layer);
}
