namespace Atelier.Generation.Constraints;

/// <summary>A stack of rule calls: the place where the innermost rule continues, and its callers.</summary>
internal sealed record CallFrame(int Return, CallFrame? Caller, long Id);

/// <summary>A place in a network, and the stack of rule calls there.</summary>
internal readonly record struct NetworkPlace(int Node, CallFrame? Frame)
{
    /// <summary>A total order, so that equal sets of places are equal lists.</summary>
    public static int Order(NetworkPlace a, NetworkPlace b) =>
        (a.Node, a.Frame?.Id ?? 0).CompareTo((b.Node, b.Frame?.Id ?? 0));
}

/// <summary>Where a text stands: all places of the network that its bytes lead to.</summary>
/// <param name="places">The places that read a byte, in order; none for a text that cannot become whole.</param>
/// <param name="isComplete">Whether the text may end here.</param>
/// <param name="classes">The number of classes of bytes.</param>
internal sealed class ConstraintState(NetworkPlace[] places, bool isComplete, int classes)
{
    public NetworkPlace[] Places { get; } = places;

    public bool IsComplete { get; } = isComplete;

    /// <summary>Whether no text that begins so can become whole.</summary>
    public bool IsDead => Places.Length == 0 && !IsComplete;

    /// <summary>Whether nothing may follow.</summary>
    public bool IsFinal => Places.Length == 0;

    /// <summary>Where each class of bytes leads, as far as that was asked.</summary>
    public ConstraintState?[] Next { get; } = new ConstraintState?[classes];

    /// <summary>A bit for each token that may come next, once that was asked.</summary>
    public ulong[]? Mask { get; set; }
}
