using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Training;

namespace Atelier.Choose;

/// <summary>Finds the best of some candidates by trials, and writes what it found to a folder.</summary>
/// <param name="folder">The folder of the choice.</param>
/// <param name="candidates">The candidates.</param>
/// <param name="runner">Runs the trials.</param>
/// <param name="options">The options of the choice.</param>
/// <param name="progress">Receives progress reports.</param>
internal sealed class Selection(string folder, IReadOnlyList<Candidate> candidates, TrialRunner runner,
    ChoiceOptions options, IProgress<TrainingProgress> progress)
{
    private const string PlotName = "choice.png", RecipeName = "recipe.yaml";
    private static readonly double[] DataShares = [0.25, 0.5];

    private readonly Contender[] _contenders = [.. candidates.Select(candidate => new Contender(candidate))];
    private readonly List<Trial> _others = []; // on less data

    /// <summary>Runs the trials, and returns the report of them.</summary>
    /// <param name="report">The report without trials.</param>
    /// <param name="cancellation">Ends the current trial; the report is of those before it.</param>
    /// <exception cref="AtelierException">The budget is too short, or no candidate can be trained.</exception>
    /// <exception cref="OperationCanceledException">The choice was cancelled before the first trial ended.</exception>
    public async Task<ChoiceReport> RunAsync(ChoiceReport report, CancellationToken cancellation)
    {
        var halving = new Halving(runner, options.Minutes, progress);
        IReadOnlyList<(double, double)> amounts = [];
        bool isInterrupted = false;
        try
        {
            await halving.RunAsync(_contenders, cancellation).ConfigureAwait(false);
            amounts = await AmountsAsync(Ranked()[0], halving, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_contenders.Any(contender => contender.Trials.Count > 0))
        {
            isInterrupted = true;
        }
        Contender[] ranked = Ranked();
        Headline headline = ranked[0].Trials[0].Headline;
        ChoiceCandidate[] shown = Shown(report);
        string recipe = Path.Combine(folder, RecipeName), plot = Path.Combine(folder, PlotName);
        AtomicFile.WriteText(recipe, RecipeText(ranked[0].Candidate));
        ChoicePlot.Save(plot, shown, headline);
        ChoiceReport found = report with
        {
            Headline = headline, Candidates = shown, IsInterrupted = isInterrupted, RecipePath = recipe,
            PlotPath = plot, Seconds = _contenders.SelectMany(c => c.Trials).Concat(_others).Sum(t => t.Seconds),
            Reasons = ChoiceWords.Reasons(shown, headline),
            Improvements =
                [.. ChoiceWords.Improvements(ranked[0], _contenders, Reached, amounts), .. report.Data.Warnings],
        };
        found.Write(folder);
        return found;
    }

    /// <summary>Trains every candidate in full, and returns the report with how good the choice was.</summary>
    /// <param name="report">The result of <see cref="RunAsync"/>.</param>
    /// <param name="cancellation">Ends the current training without a report.</param>
    public async Task<ChoiceReport> VerifyAsync(ChoiceReport report, CancellationToken cancellation)
    {
        var full = new Dictionary<string, Trial>();
        foreach (Contender contender in _contenders.Where(contender => contender.Failure is null))
        {
            Candidate candidate = contender.Candidate;
            progress.Report(new() { Step = 0, Message = $"training {candidate.Name} in full" });
            full[candidate.Name] = contender.IsComplete ? contender.Trials[^1]
                : await runner.RunAsync(candidate, "full", candidate.FullSteps, seconds: null, cancellation)
                    .ConfigureAwait(false);
        }
        ChoiceCandidate[] checkedOnes =
        [
            .. report.Candidates.Select(one => one with { Full = full.GetValueOrDefault(one.Name) }),
        ];
        ChoiceCandidate[] forecasts = [.. checkedOnes.Where(one => one is { IsMeasured: false, Full: not null })];
        (string best, Trial trial) = full.MinBy(pair => Contender.LossOf(pair.Value));
        double chosen = full[report.Recommended.Name].Figure.Value;
        ChoiceReport verified = report with
        {
            Candidates = checkedOnes,
            Verification = new(best, trial.Figure.Value, chosen, ChoiceWords.Behind(chosen, trial.Figure.Value),
                forecasts.Count(one => one.Full!.Figure.Value >= one.Expected!.Low
                    && one.Full.Figure.Value <= one.Expected.High),
                forecasts.Length, full.Values.Sum(one => one.Seconds), report.Seconds),
        };
        verified.Write(folder);
        return verified;
    }

    /// <summary>
    /// Returns the candidates with trials in the order of their expected losses, first those that were trained the
    /// longest or in full, whose forecasts are the surest.
    /// </summary>
    private Contender[] Ranked()
    {
        Contender[] tried = [.. _contenders.Where(contender => contender.Trials.Count > 0)];
        int last = tried.Max(contender => contender.Rungs);
        string metric = tried[0].Trials[0].Headline.Metric;
        if (tried.FirstOrDefault(contender => contender.Trials[0].Headline.Metric != metric) is { } other)
            throw new AtelierException($"{other.Candidate.Name} is judged by {other.Trials[0].Headline.Metric}, and "
                + $"{tried[0].Candidate.Name} by {metric}: they do not compare", options.Source,
                $"name families with the same metric in {Mention.Field("families")}");
        return [.. tried.OrderBy(contender => contender.IsComplete || contender.Rungs == last ? 0 : 1)
            .ThenBy(contender => Expected(contender).Median)];
    }

    private ForecastLoss Expected(Contender contender) => contender.IsComplete
        ? new(contender.Loss, contender.Loss, contender.Loss)
        : contender.Forecast(Reached).At(contender.Candidate.FullSteps);

    /// <summary>The lowest loss of the models that were trained in full; null if there are none.</summary>
    private double? Reached => _contenders.Where(one => one.IsComplete).Select(one => (double?)one.Loss).Min();

    private ChoiceCandidate[] Shown(ChoiceReport report)
    {
        var summaries = report.Candidates.ToDictionary(one => one.Name);
        string[] known = [.. FootprintMeter.Known.Where(ability => _contenders.Any(contender =>
            contender.Trials.Count > 0 && contender.Trials[0].Footprint?.Abilities.Contains(ability) == true))];
        return
        [
            .. Ranked().Select(contender =>
            {
                Trial last = contender.Trials[^1];
                ModelFootprint? footprint = contender.Trials[0].Footprint;
                Metric expected = contender.IsComplete ? last.Figure
                    : LossScale.Of(last.Headline, last.Figure.Value).ToMetric(Expected(contender), last.Figure.Unit);
                string[] cannot = footprint is null ? []
                    : [.. known.Except(footprint.Abilities), .. footprint.Memory is { } memory
                        ? [$"see more than {Quantity.Of(memory, "token")} back"] : Array.Empty<string>()];
                return summaries[contender.Candidate.Name] with
                {
                    Expected = expected, IsMeasured = contender.IsComplete, Seconds = contender.FullSeconds,
                    Rounds = contender.Rungs, Trials = contender.Trials, Footprint = footprint, CannotDo = cannot,
                };
            }),
            .. _contenders.Where(contender => contender.Trials.Count == 0).Select(contender =>
                summaries[contender.Candidate.Name] with
                {
                    Failure = contender.Failure is { } failure ? failure.Message : "not tried",
                }),
        ];
    }

    /// <summary>
    /// Returns the losses of the best candidate after equal trainings on shares of the training data; empty if there is
    /// no time to measure them, or the data cannot be made fewer.
    /// </summary>
    private async Task<IReadOnlyList<(double Share, double Loss)>> AmountsAsync(Contender best, Halving halving,
        CancellationToken cancellation)
    {
        Trial? whole = best.Trials.LastOrDefault(trial =>
            trial.Steps < best.Candidate.FullSteps || !best.Candidate.TakesSteps
                ? DataShares.Length * trial.Seconds < halving.LeftSeconds : false);
        if (whole is null)
            return [];
        var losses = new List<(double, double)>();
        foreach (double share in DataShares)
        {
            progress.Report(new()
            {
                Step = 0, Message = $"{best.Candidate.Name} on {DataLooks.Percent(share)} of the training data",
            });
            Trial? trial = await runner.RunOnLessAsync(best.Candidate, whole.Steps, share, cancellation)
                .ConfigureAwait(false);
            if (trial is null)
                return [];
            _others.Add(trial);
            losses.Add((share, Contender.LossOf(trial)));
        }
        return [.. losses, (1, Contender.LossOf(whole))];
    }

    private static string RecipeText(Candidate candidate) =>
        $"# Chosen by trials: {candidate.Name}.\n{RecipeWriter.Write(candidate.Recipe)}";
}
