namespace Atelier.Tensors.Profiling;

/// <summary>The pass of an operation.</summary>
internal enum OperationPhase
{
    /// <summary>The forward pass, from inputs to outputs.</summary>
    Forward,

    /// <summary>The backward pass, from the gradients of the outputs to those of the inputs and weights.</summary>
    Backward,
}

/// <summary>A completed pass of an operation.</summary>
/// <param name="Path">The names of the enclosing operations, then the name of this one, such as "attention",
/// "linear".</param>
/// <param name="Phase">The pass.</param>
/// <param name="Thread">The managed id of the thread.</param>
/// <param name="Start">The time stamp of the start, as of <see cref="System.Diagnostics.Stopwatch"/>.</param>
/// <param name="End">The time stamp of the end.</param>
/// <param name="Depth">The number of enclosing operations on the thread, in either pass.</param>
internal sealed record OperationEvent(IReadOnlyList<string> Path, OperationPhase Phase, int Thread, long Start,
    long End, int Depth)
{
    /// <summary>The name of the operation.</summary>
    public string Name => Path[^1];
}
