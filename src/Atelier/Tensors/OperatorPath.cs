namespace Atelier.Tensors;

/// <summary>The implementation of an operator of the tensor library on a CPU.</summary>
public enum OperatorPath
{
    /// <summary>By the tensor library as it is.</summary>
    Library,

    /// <summary>By the tensor library, with channels padded by zeros to whole blocks of sixteen.</summary>
    PaddedChannels,

    /// <summary>A convolution as a matrix product of its windows, laid out in columns.</summary>
    Unfolded,

    /// <summary>By the operator that the tensor library takes in training, without recording gradients.</summary>
    AsInTraining,

    /// <summary>By the tensor library without oneDNN, which then is switched off for the whole process.</summary>
    WithoutOneDnn,

    /// <summary>No path gives right answers.</summary>
    None,
}
