namespace Atelier.Generation.Speculative;

/// <summary>
/// Proposes the tokens that followed the last earlier occurrence of a text's last tokens (prompt lookup; Saxena 2023).
/// Helps where a text repeats itself or its prompt, and costs nothing.
/// </summary>
internal static class PromptLookup
{
    /// <summary>Fills in the tokens that followed.</summary>
    /// <param name="ids">The tokens so far.</param>
    /// <param name="length">How many last tokens must be the same.</param>
    /// <param name="proposed">Where to; not all may be filled.</param>
    /// <returns>How many were found.</returns>
    public static int Propose(ReadOnlySpan<int> ids, int length, Span<int> proposed)
    {
        if (ids.Length <= length || proposed.IsEmpty)
            return 0;
        int at = ids[..^1].LastIndexOf(ids[^length..]);
        if (at < 0)
            return 0;
        ReadOnlySpan<int> followed = ids[(at + length)..];
        int count = Math.Min(followed.Length, proposed.Length);
        followed[..count].CopyTo(proposed);
        return count;
    }
}
