namespace Atelier;

/// <summary>Suggests the intended name for a misspelt one.</summary>
public static class Spelling
{
    private const int LongestName = 64;

    /// <summary>
    /// Returns the candidate with the smallest edit distance to <paramref name="wrong"/>, or null if none is near.
    /// </summary>
    public static string? Nearest(string wrong, IEnumerable<string> candidates)
    {
        if (wrong.Length > LongestName)
            return null;
        string? best = null;
        int bestDistance = Math.Max(1, (wrong.Length + 1) / 3) + 1;
        foreach (string candidate in candidates)
        {
            int distance = Distance(Plain(wrong), Plain(candidate));
            if (distance < bestDistance)
                (best, bestDistance) = (candidate, distance);
        }
        return best;
    }

    /// <summary>Returns the name in lower case, without hyphens and underscores.</summary>
    public static string Plain(string name) =>
        string.Concat(name.Where(c => c is not ('-' or '_')).Select(char.ToLowerInvariant));

    // The optimal string alignment distance (Damerau 1964): counts substitutions, insertions, deletions and
    // transpositions of adjacent letters.
    private static int Distance(string a, string b)
    {
        int[,] edits = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    edits[i, j] = i + j;
                    continue;
                }
                int changed = edits[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                edits[i, j] = Math.Min(changed, Math.Min(edits[i - 1, j], edits[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    edits[i, j] = Math.Min(edits[i, j], edits[i - 2, j - 2] + 1);
            }
        }
        return edits[a.Length, b.Length];
    }
}
