namespace Atelier.Generation.Constraints;

/// <summary>
/// A stack of rule calls: the node at which the caller of the innermost rule continues, and the outer calls.
/// </summary>
internal sealed record CallFrame(int Return, CallFrame? Caller, long Id);

/// <summary>A node of a network with the stack of rule calls that led to it.</summary>
internal readonly record struct NetworkPlace(int Node, CallFrame? Frame)
{
    /// <summary>Compares places by a total order, so that equal sets of places are equal lists.</summary>
    public static int Order(NetworkPlace a, NetworkPlace b) =>
        (a.Node, a.Frame?.Id ?? 0).CompareTo((b.Node, b.Frame?.Id ?? 0));
}

/// <summary>
/// The state of a constraint after a text: all places of the network that the bytes of the text lead to.
/// </summary>
/// <param name="places">The places that read a byte, in order; none if nothing may follow.</param>
/// <param name="isComplete">Whether the text is complete and may end here.</param>
/// <param name="classes">Number of byte classes.</param>
internal sealed class ConstraintState(NetworkPlace[] places, bool isComplete, int classes)
{
    public NetworkPlace[] Places { get; } = places;

    public bool IsComplete { get; } = isComplete;

    /// <summary>Whether no continuation can make the text complete.</summary>
    public bool IsDead => Places.Length == 0 && !IsComplete;

    /// <summary>Whether no byte may follow.</summary>
    public bool IsFinal => Places.Length == 0;

    /// <summary>The next state for each byte class; null if it is not computed yet.</summary>
    public ConstraintState?[] Next { get; } = new ConstraintState?[classes];

    /// <summary>A bit for each token that may come next; null if not computed yet.</summary>
    public ulong[]? Mask { get; set; }
}
