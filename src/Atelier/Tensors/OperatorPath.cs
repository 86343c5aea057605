namespace Atelier.Tensors;

/// <summary>How an operator of the tensor library is computed on a CPU.</summary>
public enum OperatorPath
{
    /// <summary>By the tensor library as it is.</summary>
    Library,

    /// <summary>By the tensor library, with channels padded by zeros to multiples of sixteen.</summary>
    PaddedChannels,

    /// <summary>By the operator that the tensor library takes where gradients are recorded, without recording any.</summary>
    AsInTraining,

    /// <summary>By the tensor library without oneDNN, which then is switched off for the whole process.</summary>
    WithoutOneDnn,

    /// <summary>No path gives right answers.</summary>
    None,
}
