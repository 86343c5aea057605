using System.Runtime.InteropServices;

namespace Atelier.Evaluation.Text;

/// <summary>The n-grams of a sequence, each by its number in an index, with their counts.</summary>
/// <param name="Length">The number of tokens of the sequence.</param>
/// <param name="Counts">The counts of each order; element n − 1 is that of order n.</param>
internal sealed record NgramCounts(int Length, Dictionary<int, int>[] Counts)
{
    /// <summary>
    /// Returns how many n-grams of order <paramref name="n"/> also occur in a reference, each at most as often as in
    /// the reference that has it most often (Papineni et al. 2002, section 2.1.1).
    /// </summary>
    public long Matches(IReadOnlyList<NgramCounts> references, int n) => Counts[n - 1].Sum(gram =>
        (long)Math.Min(gram.Value, references.Max(r => r.Counts[n - 1].GetValueOrDefault(gram.Key))));

    /// <summary>Returns the number of n-grams of an order.</summary>
    public int Total(int n) => Math.Max(0, Length - n + 1);
}

/// <summary>Numbers n-grams, so that equal n-grams of different sequences have equal numbers.</summary>
/// <typeparam name="T">The type of tokens.</typeparam>
internal sealed class NgramIndex<T>
    where T : notnull
{
    private readonly Dictionary<(int Prefix, T Last), int> _numbers = []; // a trie: the prefix is the shorter n-gram

    /// <summary>Counts the n-grams of orders 1 to <paramref name="longest"/>.</summary>
    public NgramCounts Count(ReadOnlySpan<T> tokens, int longest)
    {
        var counts = new Dictionary<int, int>[longest];
        for (int n = 0; n < longest; n++)
            counts[n] = [];
        for (int from = 0; from < tokens.Length; from++)
            for (int n = 0, gram = 0; n < longest && from + n < tokens.Length; n++)
            {
                ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers, (gram, tokens[from + n]),
                    out bool isKnown);
                if (!isKnown)
                    number = _numbers.Count;
                gram = number;
                CollectionsMarshal.GetValueRefOrAddDefault(counts[n], gram, out _)++;
            }
        return new(tokens.Length, counts);
    }
}
