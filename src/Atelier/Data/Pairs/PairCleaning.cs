using System.Globalization;
using Atelier.Data.Text;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Pairs;

/// <summary>
/// Leaves out pairs that cannot be used, assigns the others to parts, and reports how many were left out.
/// </summary>
/// <param name="report">Receives a note of each kind of pair.</param>
internal sealed class PairCleaning(ReadingReport report)
{
    private const double UnusualRatio = 9; // of lengths, above which pairs are mentioned

    private readonly List<string> _removed = [];

    /// <summary>What was left out, in one phrase; null if nothing was.</summary>
    public string? Removed => _removed.Count > 0 ? string.Join("; ", _removed) : null;

    /// <summary>
    /// Returns the pairs without the spaces around their texts, and without those of which a side is empty.
    /// </summary>
    public List<TextPair> WithoutEmpty(IReadOnlyCollection<TextPair> pairs)
    {
        List<TextPair> kept = [.. pairs.Select(pair => new TextPair(pair.Source.Trim(), pair.Target.Trim()))
            .Where(pair => pair.Source.Length > 0 && pair.Target.Length > 0)];
        Note(pairs.Count - kept.Count, "with an empty side");
        return kept;
    }

    /// <summary>Returns the pairs without repetitions of the same two texts.</summary>
    public List<TextPair> WithoutDuplicates(IReadOnlyCollection<TextPair> pairs)
    {
        List<TextPair> kept = [.. pairs.Distinct()];
        Note(pairs.Count - kept.Count, "with the same two texts as another", "training ");
        return kept;
    }

    /// <summary>Adds a note of how many pairs have the same text on both sides.</summary>
    public void CountCopies(IEnumerable<TextPair> pairs)
    {
        int copies = pairs.Count(pair => pair.Source == pair.Target);
        if (copies > 0)
            report.Note($"{Quantity.Of(copies, "pair")} {Have(copies)} the same text on both sides.");
    }

    /// <summary>
    /// Splits off the parts that are not published, so that pairs with the same source are in the same part, and leaves
    /// training pairs out whose source is in another part.
    /// </summary>
    /// <param name="parts">The training, validation and test pairs; null for a part to split off.</param>
    /// <param name="split">The shares of the parts.</param>
    /// <param name="seed">The seed of the split.</param>
    public List<TextPair>[] Split(IReadOnlyList<List<TextPair>?> parts, SplitSection split, long seed)
    {
        List<TextPair> pairs = WithoutDuplicates(parts[0]!);
        var shares = split with
        {
            Train = split.Train + (parts[1] is null ? 0 : split.Validation) + (parts[2] is null ? 0 : split.Test),
            Validation = parts[1] is null ? split.Validation : 0,
            Test = parts[2] is null ? split.Test : 0,
        };
        var numbers = new Dictionary<string, ulong>();
        var sources = new ulong[pairs.Count];
        for (int i = 0; i < sources.Length; i++)
        {
            numbers.TryAdd(pairs[i].Source, (ulong)i);
            sources[i] = numbers[pairs[i].Source];
        }
        var chosen = new DocumentSplit(sources, shares, seed);
        List<TextPair> Chosen(Part part) => [.. chosen.Documents(part).Select(i => pairs[i])];
        List<TextPair> validation = parts[1] ?? Chosen(Part.Validation), test = parts[2] ?? Chosen(Part.Test);
        HashSet<string> held = [.. validation.Concat(test).Select(pair => pair.Source)];
        List<TextPair> all = Chosen(Part.Train), training = [.. all.Where(pair => !held.Contains(pair.Source))];
        Note(all.Count - training.Count, "whose source is also in the validation or test data", "training ");
        return [training, validation, test];
    }

    /// <summary>Returns the pairs of a part without those whose tokens exceed the limits of a recipe.</summary>
    public List<EncodedPair> WithinLimits(IReadOnlyCollection<EncodedPair> pairs, PairsSection limits, Part part)
    {
        string name = part == Part.Train ? "training " : $"{part.ToString().ToLowerInvariant()} ";
        List<EncodedPair> full = [.. pairs.Where(pair => pair.Source.Length > 0 && pair.Target.Length > 0)];
        Note(pairs.Count - full.Count, "without tokens on a side", name);
        List<EncodedPair> kept =
            [.. full.Where(pair => Math.Max(pair.Source.Length, pair.Target.Length) <= limits.MaxLength)];
        Note(full.Count - kept.Count, string.Create(CultureInfo.InvariantCulture,
            $"with more than {limits.MaxLength:N0} tokens on a side (data.pairs.maxLength)"), name);
        if (part != Part.Train)
            return kept;
        double most = limits.MaxRatio ?? UnusualRatio;
        List<EncodedPair> similar = [.. kept.Where(pair => Ratio(pair) <= most)];
        int unusual = kept.Count - similar.Count;
        string what = FormattableString.Invariant($"sides that differ by more than {most:0.###} times in their tokens");
        if (limits.MaxRatio is not null)
        {
            Note(unusual, $"with {what} (data.pairs.maxRatio)", name);
            return similar;
        }
        if (unusual > 0)
            report.Note($"{Quantity.Of(unusual, "training pair")} {Have(unusual)} {what}: data.pairs.maxRatio leaves "
                + $"such pairs out.");
        return kept;
    }

    private static double Ratio(EncodedPair pair) =>
        Math.Max(pair.Source.Length, pair.Target.Length) / (double)Math.Min(pair.Source.Length, pair.Target.Length);

    private static string Have(int count) => count == 1 ? "has" : "have";

    private void Note(int count, string which, string part = "")
    {
        if (count == 0)
            return;
        string what = $"{Quantity.Of(count, part + "pair")} {which}";
        _removed.Add(what);
        report.Note($"{what} {(count == 1 ? "was" : "were")} left out.");
    }
}
