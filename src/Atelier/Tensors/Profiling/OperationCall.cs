namespace Atelier.Tensors.Profiling;

/// <summary>One call of an operation under way: forward, and later backward.</summary>
/// <param name="profiler">Told of both.</param>
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
