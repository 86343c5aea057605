namespace Atelier.Kernels;

/// <summary>How layers are carried out where there is a choice.</summary>
public enum LayerPath
{
    /// <summary>By kernels whose two directions are written out, where they serve; elsewhere as <see cref="Composed"/>, on GPUs with fused attention.</summary>
    WrittenOut,

    /// <summary>As <see cref="WrittenOut"/>, with the tensor library's matrix products in place of our own: it may know instructions that those do not.</summary>
    LibraryProducts,

    /// <summary>From the tensor library's operators; attention as two products with a softmax between them.</summary>
    Composed,

    /// <summary>From the tensor library's operators, its fused attention among them.</summary>
    FusedAttention,
}
