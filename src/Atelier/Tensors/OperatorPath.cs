namespace Atelier.Tensors;

/// <summary>Paths by which an operator of the tensor library can be computed on a CPU.</summary>
public enum OperatorPath
{
    /// <summary>The tensor library's operator.</summary>
    Library,

    /// <summary>The tensor library's operator, with channels padded by zeros to whole blocks of sixteen.</summary>
    PaddedChannels,

    /// <summary>A convolution computed as a matrix product with the unfolded windows (im2col).</summary>
    Unfolded,

    /// <summary>The operator that the tensor library uses in training, without recording gradients.</summary>
    AsInTraining,

    /// <summary>The tensor library's operator without oneDNN, which is switched off for the whole process.</summary>
    WithoutOneDnn,

    /// <summary>No path gives correct results.</summary>
    None,
}
