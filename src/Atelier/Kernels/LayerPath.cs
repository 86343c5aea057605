using System.Text.Json.Serialization;

namespace Atelier.Kernels;

/// <summary>How layers are carried out where there is a choice.</summary>
public enum LayerPath
{
    /// <summary>
    /// Fused layers where they can be used; elsewhere as <see cref="Reference"/>, on GPUs with fused attention.
    /// </summary>
    [JsonStringEnumMemberName("writtenOut")] // as plans of earlier versions have it
    Fused,

    /// <summary>
    /// As <see cref="Fused"/>, with the tensor library's matrix products in place of our own: it may know instructions
    /// that those do not.
    /// </summary>
    LibraryProducts,

    /// <summary>From the tensor library's operators; attention as two products with a softmax between them.</summary>
    [JsonStringEnumMemberName("composed")]
    Reference,

    /// <summary>From the tensor library's operators, its fused attention among them.</summary>
    FusedAttention,
}
