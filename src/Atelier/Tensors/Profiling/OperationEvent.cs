namespace Atelier.Tensors.Profiling;

/// <summary>The direction of an operation.</summary>
internal enum OperationPhase
{
    /// <summary>From inputs to outputs.</summary>
    Forward,

    /// <summary>From the gradients of the outputs to those of the inputs and weights.</summary>
    Backward,
}

/// <summary>An operation, from when to when.</summary>
/// <param name="Path">Its name after those of the operations around it: "attention", "linear".</param>
/// <param name="Phase">The direction.</param>
/// <param name="Thread">The managed number of the thread.</param>
/// <param name="Start">The beginning, a time stamp of the stopwatch.</param>
/// <param name="End">The end, likewise.</param>
/// <param name="Depth">The number of operations that it lies within on its thread, of either phase.</param>
internal sealed record OperationEvent(IReadOnlyList<string> Path, OperationPhase Phase, int Thread, long Start,
    long End, int Depth)
{
    /// <summary>Its name.</summary>
    public string Name => Path[^1];
}
