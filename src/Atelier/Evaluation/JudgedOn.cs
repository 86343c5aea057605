using Atelier.Data.Text;
using Atelier.Recipes;

namespace Atelier.Evaluation;

/// <summary>The data of an evaluation, and how a page describes it.</summary>
/// <param name="Data">The source and the part.</param>
/// <param name="IsHeldOut">Whether none of it is training data, as far as is known.</param>
/// <param name="Lead">The beginning of the verdict.</param>
/// <param name="Notes">Notes for the reader, one sentence each.</param>
internal sealed record JudgedOn(string Data, bool IsHeldOut, string Lead, IReadOnlyList<string> Notes)
{
    /// <summary>Describes the evaluated part.</summary>
    /// <param name="source">The source, as the recipe or the user names it.</param>
    /// <param name="part">The part; training if nothing is held out.</param>
    /// <param name="other">A description of other data; null for a part of the recipe's own.</param>
    /// <param name="pieces">The evaluated items, in the plural: "rows".</param>
    /// <param name="repeated">The share of the evaluated items that are in the training data; only for other
    /// data.</param>
    /// <param name="mostRepeated">The share above which they count as training data.</param>
    public static JudgedOn Of(string source, Part part, OtherData? other, string pieces, Func<double> repeated,
        double mostRepeated)
    {
        if (other is null)
        {
            return part switch
            {
                Part.Test => new($"{source}, test part", true, "held-out", []),
                Part.Validation => new($"{source}, validation part", true, "held-out",
                    ["Evaluated on the validation part, which training may have used for early stopping: there is no "
                        + "test part."]),
                _ => new($"{source}, all {pieces}", false, $"on its own training {pieces}",
                    [$"No data was held out: the metrics are those of the training {pieces}."]),
            };
        }
        bool learned = other.IsLearnedSource || (other.Learned is not null && repeated() >= mostRepeated);
        string lead = learned ? $"on {pieces} that include training data" : "held-out";
        return new($"{source}, all of it", !learned, lead,
        [
            "All of the data was evaluated, read with the settings of the model's recipe.",
            other.Learned is null
                ? "There are no baselines: they need the training data of a run, and a bundle does not contain it."
                : "Baselines are fitted to the training data of the run.",
            .. learned ? [$"The model was trained on these {pieces}, or on some of them: this is not held-out data."]
                : Array.Empty<string>(),
        ]);
    }

    /// <summary>The share of pieces that occur among others, each of which counts once.</summary>
    public static double ShareIn(IEnumerable<ulong> pieces, IEnumerable<ulong> others)
    {
        Dictionary<ulong, int> missing = pieces.GroupBy(hash => hash)
            .ToDictionary(group => group.Key, group => group.Count());
        long all = missing.Values.Sum(count => (long)count), found = 0;
        foreach (ulong hash in others)
        {
            if (!missing.TryGetValue(hash, out int count) || count == 0)
                continue;
            missing[hash] = count - 1;
            found++;
        }
        return found / (double)Math.Max(1, all);
    }

    /// <summary>
    /// Compares a model with a baseline: pair by pair on held-out data, by BIC if it is known, and otherwise not at
    /// all.
    /// </summary>
    public Comparison Compare(Headline headline, JudgedModel own, JudgedModel other, EvaluationSection options,
        long seed)
    {
        if (IsHeldOut)
            return Comparison.Paired(own.Scores, other.Scores, headline, options.BootstrapSamples, seed);
        return own.Figures.TryGetValue("bic", out Metric? bic) && other.Figures.TryGetValue("bic", out Metric? otherBic)
            ? Comparison.ByBic(bic.Value, otherBic.Value)
            : Comparison.NothingHeldOut(own.Figures[headline.Metric], other.Figures[headline.Metric], headline);
    }
}

/// <summary>The metrics of a model or a baseline on the evaluated data.</summary>
/// <param name="Scores">[piece]: numerator and denominator of the headline metric.</param>
/// <param name="Figures">The metrics by name.</param>
internal sealed record JudgedModel(IReadOnlyList<MeanScore> Scores, IReadOnlyDictionary<string, Metric> Figures);
