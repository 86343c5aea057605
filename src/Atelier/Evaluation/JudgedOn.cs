using Atelier.Data.Text;
using Atelier.Recipes;

namespace Atelier.Evaluation;

/// <summary>The data of an evaluation, as a report describes them.</summary>
/// <param name="Data">The source and the part.</param>
/// <param name="IsHeldOut">Whether none of the data is training data, as far as is known.</param>
/// <param name="Lead">The beginning of the verdict, such as "held-out".</param>
/// <param name="Notes">Notes for the reader, one sentence each.</param>
internal sealed record JudgedOn(string Data, bool IsHeldOut, string Lead, IReadOnlyList<string> Notes)
{
    /// <summary>Describes the evaluated part.</summary>
    /// <param name="source">The source, as the recipe or the user names it.</param>
    /// <param name="part">The part; the training part if nothing is held out.</param>
    /// <param name="other">The data from another source; null for a part of the run's own data.</param>
    /// <param name="pieces">The word for evaluated items, in the plural: "rows".</param>
    /// <param name="repeated">Returns the share of the evaluated items that occur in the training data. Called only for
    /// data from another source.</param>
    /// <param name="mostRepeated">The share from which on the data count as training data.</param>
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

    /// <summary>
    /// Returns the share of items that occur among other items. Each of the others can match only one item.
    /// </summary>
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
    /// Compares a model with a baseline: item by item on held-out data, else by BIC if it is known. Otherwise the
    /// result is undecided.
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
/// <param name="Scores">The headline metric of each item, as numerator and denominator.</param>
/// <param name="Figures">The metrics by name.</param>
internal sealed record JudgedModel(IReadOnlyList<MeanScore> Scores, IReadOnlyDictionary<string, Metric> Figures)
{
    /// <summary>The denominator of all items, such as the number of their tokens.</summary>
    public long Weight => (long)Scores.Sum(score => score.Weight);
}
