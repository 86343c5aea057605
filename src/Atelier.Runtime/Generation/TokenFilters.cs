using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>
/// The candidates for the next token, most probable first. Filters shorten the list; the token is drawn in proportion
/// to the probabilities that are left, which need not sum to 1.
/// </summary>
internal ref struct Candidates(Span<float> probabilities, Span<int> ids, double total)
{
    /// <summary>The probabilities, in descending order.</summary>
    public Span<float> Probabilities = probabilities;

    /// <summary>The ids of the tokens.</summary>
    public Span<int> Ids = ids;

    /// <summary>
    /// The sum of the probabilities of all tokens that the filters have kept, including those that are not in the list
    /// because they are too small to matter.
    /// </summary>
    public double Total = total;

    public readonly int Count => Ids.Length;

    /// <summary>Keeps the first candidates and recomputes the total.</summary>
    public void Take(int count)
    {
        Probabilities = Probabilities[..count];
        Ids = Ids[..count];
        Total = TokenFilters.Sum(Probabilities);
    }
}

/// <summary>Shortens the list of candidates, keeping at least one.</summary>
internal interface ITokenFilter
{
    void Apply(ref Candidates candidates);
}

/// <summary>Top-k: keeps the k most probable tokens (Fan et al. 2018).</summary>
internal sealed class TopKFilter(int k) : ITokenFilter
{
    public void Apply(ref Candidates candidates) => candidates.Take(Math.Min(k, candidates.Count));
}

/// <summary>
/// Top-p: keeps the smallest set of tokens whose probabilities sum to at least a share of the total (Holtzman et al.
/// 2020, eq. 2).
/// </summary>
internal sealed class TopPFilter(double share) : ITokenFilter
{
    public void Apply(ref Candidates candidates)
    {
        double wanted = share * candidates.Total, held = 0;
        int count = 0;
        while (count < candidates.Count && (count == 0 || held < wanted))
            held += candidates.Probabilities[count++];
        candidates.Take(count);
    }
}

/// <summary>
/// Min-p: keeps the tokens whose probability is at least a share of the highest one (Nguyen et al. 2024, eq. 2).
/// </summary>
internal sealed class MinPFilter(double share) : ITokenFilter
{
    public void Apply(ref Candidates candidates)
    {
        double least = share * candidates.Probabilities[0];
        int count = 1;
        while (count < candidates.Count && candidates.Probabilities[count] >= least)
            count++;
        candidates.Take(count);
    }
}

/// <summary>
/// Locally typical sampling: keeps the tokens whose information content is nearest the entropy, until their
/// probabilities sum to a share of the total (Meister et al. 2023, eq. 8).
/// </summary>
internal sealed class TypicalFilter(double share, int vocabularySize) : ITokenFilter
{
    private readonly double[] _distances = new double[vocabularySize];
    private readonly int[] _order = new int[vocabularySize];

    public void Apply(ref Candidates candidates)
    {
        Span<float> probabilities = candidates.Probabilities;
        double total = candidates.Total, entropy = 0;
        foreach (float p in probabilities)
            entropy -= p > 0 ? p / total * Math.Log(p / total) : 0;

        Span<double> distances = _distances.AsSpan(0, candidates.Count);
        Span<int> order = _order.AsSpan(0, candidates.Count);
        for (int i = 0; i < order.Length; i++)
            (distances[i], order[i]) = (Math.Abs(-Math.Log(probabilities[i] / total) - entropy), i);
        distances.Sort(order);
        double held = 0;
        int count = 0;
        while (count < order.Length && (count == 0 || held < share * total))
            held += probabilities[order[count++]];

        order[..count].Sort(); // back to the most probable first
        for (int i = 0; i < count; i++)
            (probabilities[i], candidates.Ids[i]) = (probabilities[order[i]], candidates.Ids[order[i]]);
        candidates.Take(count);
    }
}

/// <summary>Functions of the filters.</summary>
internal static class TokenFilters
{
    /// <summary>
    /// Creates the filters that the options enable, in the order in which Hugging Face's generate applies them.
    /// </summary>
    public static ITokenFilter[] For(DecodingOptions options, int vocabularySize)
    {
        var filters = new List<ITokenFilter>();
        if (options.TopK > 0)
            filters.Add(new TopKFilter(options.TopK));
        if (options.TopP < 1)
            filters.Add(new TopPFilter(options.TopP));
        if (options.MinP > 0)
            filters.Add(new MinPFilter(options.MinP));
        if (options.TypicalP < 1)
            filters.Add(new TypicalFilter(options.TypicalP, vocabularySize));
        return [.. filters];
    }

    public static double Sum(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
            sum += value;
        return sum;
    }
}
