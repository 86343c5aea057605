namespace Atelier;

/// <summary>Finds what a misspelt name was meant to be.</summary>
public static class Spelling
{
    private const int LongestName = 64;

    /// <summary>The candidate with the fewest edits to <paramref name="wrong"/>, or null where none is near.</summary>
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

    /// <summary>The name without what people write differently: capitals, hyphens, underscores.</summary>
    public static string Plain(string name) =>
        string.Concat(name.Where(c => c is not ('-' or '_')).Select(char.ToLowerInvariant));

    // Optimal string alignment (Damerau 1964): letters changed, missing, too many, or two swapped.
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
