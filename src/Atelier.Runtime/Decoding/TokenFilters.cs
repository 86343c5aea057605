namespace Atelier.Decoding;

/// <summary>
/// Tokens that may come next, likeliest first. Filters cut the list; what is left is drawn from in proportion to its
/// probabilities, which need not sum to one.
/// </summary>
internal ref struct Candidates
{
    /// <summary>Probabilities, descending.</summary>
    public Span<float> Probabilities;

    /// <summary>The tokens they belong to.</summary>
    public Span<int> Ids;

    public readonly int Count => Ids.Length;

    public void Take(int count)
    {
        Probabilities = Probabilities[..count];
        Ids = Ids[..count];
    }
}

/// <summary>Cuts the list of candidates, leaving at least one.</summary>
internal interface ITokenFilter
{
    void Apply(ref Candidates candidates);
}

/// <summary>Keeps the k likeliest (Fan et al. 2018).</summary>
internal sealed class TopKFilter(int k) : ITokenFilter
{
    public void Apply(ref Candidates candidates) => candidates.Take(Math.Min(k, candidates.Count));
}

/// <summary>Keeps the smallest set that holds a share of what is left (Holtzman et al. 2020, eq. 2).</summary>
internal sealed class TopPFilter(double share) : ITokenFilter
{
    public void Apply(ref Candidates candidates)
    {
        double wanted = share * TokenFilters.Sum(candidates.Probabilities), held = 0;
        int count = 0;
        while (count < candidates.Count && (count == 0 || held < wanted))
            held += candidates.Probabilities[count++];
        candidates.Take(count);
    }
}

/// <summary>Keeps what is at least a share as likely as the likeliest (Nguyen et al. 2024, eq. 2).</summary>
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

/// <summary>Keeps the tokens whose surprise is nearest the expected surprise, until they hold a share (Meister et al. 2023, eq. 8).</summary>
internal sealed class TypicalFilter(double share) : ITokenFilter
{
    public void Apply(ref Candidates candidates)
    {
        Span<float> probabilities = candidates.Probabilities;
        double total = TokenFilters.Sum(probabilities), entropy = 0;
        foreach (float p in probabilities)
            entropy -= p > 0 ? p / total * Math.Log(p / total) : 0;

        var distances = new double[candidates.Count];
        var order = new int[candidates.Count];
        for (int i = 0; i < order.Length; i++)
            (distances[i], order[i]) = (Math.Abs(-Math.Log(probabilities[i] / total) - entropy), i);
        Array.Sort(distances, order);
        double held = 0;
        int count = 0;
        while (count < order.Length && (count == 0 || held < share * total))
            held += probabilities[order[count++]];

        Array.Sort(order, 0, count); // back to likeliest first
        for (int i = 0; i < count; i++)
            (probabilities[i], candidates.Ids[i]) = (probabilities[order[i]], candidates.Ids[order[i]]);
        candidates.Take(count);
    }
}

/// <summary>What the filters share.</summary>
internal static class TokenFilters
{
    /// <summary>The filters that options ask for, in the order in which Hugging Face's generate applies them.</summary>
    public static ITokenFilter[] For(DecodingOptions options)
    {
        var filters = new List<ITokenFilter>();
        if (options.TopK > 0)
            filters.Add(new TopKFilter(options.TopK));
        if (options.TopP < 1)
            filters.Add(new TopPFilter(options.TopP));
        if (options.MinP > 0)
            filters.Add(new MinPFilter(options.MinP));
        if (options.TypicalP < 1)
            filters.Add(new TypicalFilter(options.TypicalP));
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
