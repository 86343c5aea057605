namespace Atelier.Networks;

/// <summary>The places of the norms in a block.</summary>
public enum NormPlacement
{
    /// <summary>Before attention and feed-forward layer (GPT-2, Llama).</summary>
    Before,

    /// <summary>After them, before they are added to the residual stream (OLMo 2: OLMo Team 2025).</summary>
    After,

    /// <summary>Before and after them (Gemma 2: Gemma Team 2024).</summary>
    Both,
}

/// <summary>The normalisation of queries and keys before attention, by RMSNorm.</summary>
public enum QueryKeyNormName
{
    /// <summary>None.</summary>
    None,

    /// <summary>Each head by itself, with weights that heads share (Qwen 3, Gemma 3).</summary>
    Head,

    /// <summary>All heads of a token together (OLMo 2).</summary>
    Whole,
}

/// <summary>
/// Attention to the last tokens only (Beltagy et al. 2020), which models have in all layers or in some.
/// </summary>
/// <param name="Tokens">Number of tokens that a token attends to, itself included.</param>
/// <param name="Layers">Whether the window applies, by layer; null for all layers.</param>
/// <param name="RopeTheta">The base of the rotary angles of the layers with a window, which are then not scaled; null
/// if they have the angles of all layers.</param>
public sealed record SlidingWindow(int Tokens, IReadOnlyList<bool>? Layers = null, double? RopeTheta = null)
{
    /// <summary>Returns whether a layer has the window.</summary>
    /// <param name="layer">The layer, from 0.</param>
    public bool Has(int layer) => Layers?[layer] ?? true;
}

/// <summary>
/// A mixture of experts: a router chooses for each token some feed-forward layers, the experts, and mixes their results
/// (Shazeer et al. 2017).
/// </summary>
/// <param name="Count">Number of experts in a block.</param>
/// <param name="PerToken">Number of experts that a token takes: those with the highest probabilities.</param>
/// <param name="Size">The inner width of an expert.</param>
/// <param name="IsNormalised">Whether the probabilities of the chosen experts are divided by their sum.</param>
/// <param name="SharedSize">The inner width of a further expert that all tokens take, times the sigmoid of a gate; 0
/// for none (Qwen 2).</param>
public sealed record ExpertConfig(int Count, int PerToken, int Size, bool IsNormalised, int SharedSize = 0);
