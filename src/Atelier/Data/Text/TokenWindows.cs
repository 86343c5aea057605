namespace Atelier.Data.Text;

/// <summary>Windows of a long text: equally long, evenly spaced from beginning to end, without overlap.</summary>
internal static class TokenWindows
{
    /// <summary>Returns the positions at which windows start.</summary>
    /// <param name="tokens">Number of tokens of the text.</param>
    /// <param name="length">Number of tokens of a window, from 1 to those of the text.</param>
    /// <param name="most">The largest number of windows.</param>
    public static IEnumerable<long> Starts(long tokens, int length, int most)
    {
        long windows = Math.Min(most, tokens / length);
        for (long window = 0; window < windows; window++)
            yield return (tokens - length) * window / Math.Max(1, windows - 1);
    }
}
