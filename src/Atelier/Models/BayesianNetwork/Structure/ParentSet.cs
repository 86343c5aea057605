namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>A set of parents that can be a key of a dictionary.</summary>
/// <param name="members">The indices of the parents, in ascending order.</param>
internal readonly struct ParentSet(int[] members) : IEquatable<ParentSet>
{
    /// <summary>The indices of the parents, in ascending order.</summary>
    public int[] Members { get; } = members;

    /// <inheritdoc/>
    public bool Equals(ParentSet other) => Members.AsSpan().SequenceEqual(other.Members);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ParentSet other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (int member in Members)
            hash.Add(member);
        return hash.ToHashCode();
    }
}
