namespace Atelier.Tensors.Profiling;

/// <summary>A call of an operation that has not ended: its forward pass, and later its backward pass.</summary>
/// <param name="profiler">Receives both.</param>
/// <param name="name">The operation's name.</param>
/// <param name="parent">The call it lies within, or null.</param>
internal sealed class OperationCall(OperationProfiler profiler, string name, OperationCall? parent)
{
    /// <summary>The call it lies within, or null.</summary>
    public OperationCall? Parent { get; } = parent;

    /// <summary>Its name after those of the operations around it.</summary>
    public IReadOnlyList<string> Path { get; } = [.. parent?.Path ?? [], name];

    /// <summary>Ends it going forward.</summary>
    public void End() => profiler.Track.End(this, OperationPhase.Forward);

    /// <summary>Begins it going backward, on whichever thread that is.</summary>
    public void BeginBackward() => profiler.Track.Begin(this, OperationPhase.Backward);

    /// <summary>Ends it going backward.</summary>
    public void EndBackward() => profiler.Track.End(this, OperationPhase.Backward);
}
