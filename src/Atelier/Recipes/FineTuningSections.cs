using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>Weights that training does not change.</summary>
public sealed record FreezeSection
{
    /// <summary>Whether the embeddings of tokens and positions keep their weights.</summary>
    public bool Embeddings { get; init; }

    /// <summary>The number of layers, counted from the input, that keep their weights.</summary>
    [Range(0, 100_000)]
    public int Layers { get; init; }

    /// <summary>
    /// The names of further weights that are kept; * stands for any characters, as in "blocks.*.attentionNorm.*". The
    /// names are those of the checkpoints' model.safetensors.
    /// </summary>
    public IReadOnlyList<string> Parameters { get; init; } = [];
}

/// <summary>
/// Low-rank adaptation: instead of the weights of the model, small matrices are trained that change its linear layers
/// (Hu et al. 2022).
/// </summary>
public sealed record LoraSection
{
    /// <summary>The rank of the changes.</summary>
    [Range(1, 4096)]
    public int Rank { get; init; } = 8;

    /// <summary>The changes are multiplied by alpha / rank.</summary>
    [Range(1e-6, 1e6)]
    public double Alpha { get; init; } = 16;

    /// <summary>The share of the layers' inputs that is dropped before the changes, in training.</summary>
    [Range(0.0, 0.999)]
    public double Dropout { get; init; }

    /// <summary>
    /// The layers to change: "attention" for all linear layers of attention, "feed-forward" for those of the
    /// feed-forward layers, or names from the model's files, such as q_proj (Llama) or c_attn (GPT-2).
    /// </summary>
    public IReadOnlyList<string> Targets { get; init; } = ["attention", "feed-forward"];

    /// <summary>Whether the lengths of the weights' rows are trained apart from their directions (DoRA; Liu et al.
    /// 2024).</summary>
    public bool Dora { get; init; }
}
