namespace Atelier.Generation.Speculative;

/// <summary>
/// Proposes the tokens that followed the last earlier occurrence of a text's last tokens (prompt lookup; Saxena 2023).
/// It speeds up texts that repeat themselves or their prompt, and needs no draft model.
/// </summary>
internal static class PromptLookup
{
    /// <summary>Proposes the tokens that followed the last earlier occurrence.</summary>
    /// <param name="ids">The tokens so far.</param>
    /// <param name="length">Number of last tokens that must match.</param>
    /// <param name="proposed">Filled with the proposed tokens, possibly not to its end.</param>
    /// <returns>Number of proposed tokens.</returns>
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
