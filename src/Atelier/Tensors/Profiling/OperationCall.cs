namespace Atelier.Tensors.Profiling;

/// <summary>A call of an operation, with its forward pass and later its backward pass.</summary>
/// <param name="profiler">The profiler that records both passes.</param>
/// <param name="name">The name of the operation.</param>
/// <param name="parent">The call that encloses this one; null if there is none.</param>
internal sealed class OperationCall(OperationProfiler profiler, string name, OperationCall? parent)
{
    /// <summary>The call that encloses this one; null if there is none.</summary>
    public OperationCall? Parent { get; } = parent;

    /// <summary>The names of the enclosing operations, then the name of this one.</summary>
    public IReadOnlyList<string> Path { get; } = [.. parent?.Path ?? [], name];

    /// <summary>Ends the forward pass.</summary>
    public void End() => profiler.Track.End(this, OperationPhase.Forward);

    /// <summary>Begins the backward pass, on the calling thread.</summary>
    public void BeginBackward() => profiler.Track.Begin(this, OperationPhase.Backward);

    /// <summary>Ends the backward pass.</summary>
    public void EndBackward() => profiler.Track.End(this, OperationPhase.Backward);
}
