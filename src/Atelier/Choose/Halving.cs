using System.Diagnostics;
using Atelier.Evaluation;
using Atelier.Training;

namespace Atelier.Choose;

/// <summary>A candidate and its trials so far.</summary>
/// <param name="candidate">The candidate.</param>
internal sealed class Contender(Candidate candidate)
{
    /// <summary>The candidate.</summary>
    public Candidate Candidate { get; } = candidate;

    /// <summary>The trials, by their numbers of steps.</summary>
    public List<Trial> Trials { get; } = [];

    /// <summary>The number of rungs that it took part in.</summary>
    public int Rungs { get; set; }

    /// <summary>Why it cannot be trained; null if it can.</summary>
    public AtelierException? Failure { get; set; }

    /// <summary>Whether its last trial was its full training.</summary>
    public bool IsComplete => Trials.Count > 0
        && (!Candidate.TakesSteps || Trials[^1].Steps >= Candidate.FullSteps);

    /// <summary>The time of its full training in seconds, measured or by the time of a step.</summary>
    public double? FullSeconds => Trials.Count == 0 ? null
        : IsComplete ? Trials[^1].Seconds
        : Trials[^1].Seconds + (Trials[^1].SecondsPerStep * (Candidate.FullSteps - Trials[^1].Steps));

    /// <summary>The latest figure as a loss.</summary>
    public double Loss => LossOf(Trials[^1]);

    /// <summary>Returns the forecast of longer trainings.</summary>
    /// <param name="reached">The lowest loss of the models that were trained in full; null if there are none.</param>
    public CurveForecast Forecast(double? reached) =>
        new([.. Trials.Select(trial => ((double)trial.Steps, LossOf(trial)))], reached);

    /// <summary>Returns the figure of a trial as a loss, which is lower for better models and above 0.</summary>
    public static double LossOf(Trial trial) => LossScale.Of(trial.Headline, trial.Figure.Value).Loss;
}

/// <summary>
/// Successive halving (Jamieson and Talwalkar 2016; Li et al. 2018) with thirds: all candidates are trained a little,
/// the best third three times as long, and the best third of these again. The first time, each family keeps its best
/// one, since some learn slowly at first.
/// </summary>
/// <param name="runner">Runs the trials.</param>
/// <param name="minutes">The time for all trials in minutes; null takes a tenth of that of all full trainings.</param>
/// <param name="progress">Receives a message about each trial.</param>
internal sealed class Halving(TrialRunner runner, double? minutes, IProgress<TrainingProgress> progress)
{
    /// <summary>The name of the first trial of each candidate.</summary>
    public const string FirstRung = "rung-1";

    /// <summary>The factor between two rungs: of the lengths of trainings, and of the numbers of candidates.</summary>
    public const int Factor = 3;

    private const int Rungs = 3;
    private const double BudgetShare = 0.1; // of the time of all full trainings
    private const double LeastSeconds = 30; // where full trainings take minutes together, a tenth is too short
    private const double HalvingShare = 0.85; // of the budget; the rest tells how much more data would help
    private const double LeastGrowth = 2; // of a training from one rung to the next
    private const double LongestShare = 0.5; // of a full training, which is left to the user
    private const int FewestSteps = 20;

    private readonly Stopwatch _watch = Stopwatch.StartNew();

    /// <summary>The time budget in seconds; known after the first rung if the user did not set it.</summary>
    public double BudgetSeconds { get; private set; } = minutes * 60 ?? LeastSeconds;

    /// <summary>The time in which the remaining trials must end, in seconds.</summary>
    public double LeftSeconds => BudgetSeconds - _watch.Elapsed.TotalSeconds;

    /// <summary>Runs all rungs.</summary>
    /// <param name="contenders">The candidates; receive their trials.</param>
    /// <param name="cancellation">Ends the current trial; those before it are kept.</param>
    /// <exception cref="AtelierException">The budget is too short, or no candidate can be trained.</exception>
    public async Task RunAsync(IReadOnlyList<Contender> contenders, CancellationToken cancellation)
    {
        Contender[] stepwise = [.. contenders.Where(contender => contender.Candidate.TakesSteps)];
        double share = minutes is null || stepwise.Length == 0 ? BudgetShare / Rungs
            : await ShareAsync(stepwise, cancellation).ConfigureAwait(false);
        foreach (Contender contender in contenders.Where(contender => !contender.Candidate.TakesSteps))
            await TryAsync(contender, contender.Candidate.FullSteps, 0, cancellation).ConfigureAwait(false);
        IReadOnlyList<Contender> remaining = stepwise;
        for (int rung = 0; rung < Rungs && remaining.Count > 0; rung++)
        {
            if (rung > 0)
            {
                double seconds = (HalvingShare * BudgetSeconds) - _watch.Elapsed.TotalSeconds;
                remaining = Affordable(remaining, seconds, share);
                double affordable = seconds / remaining.Sum(contender => contender.FullSeconds!.Value);
                if (affordable < LeastGrowth * share)
                    break; // no time for longer trainings
                share = Math.Min(rung < Rungs - 1 ? Factor * share : LongestShare, affordable);
            }
            foreach (Contender contender in remaining)
            {
                long full = contender.Candidate.FullSteps;
                long steps = Math.Min(full, Math.Max(FewestSteps, (long)Math.Round(share * full)));
                bool isLonger = contender.Trials.Count == 0 || contender.Trials[^1].Steps < steps;
                if (isLonger && !contender.IsComplete)
                    await TryAsync(contender, steps, rung, cancellation).ConfigureAwait(false);
                else
                    contender.Rungs = rung + 1;
            }
            remaining = [.. remaining.Where(contender => contender.Failure is null)];
            if (rung == 0 && minutes is null)
                BudgetSeconds = Math.Max(LeastSeconds,
                    BudgetShare * contenders.Sum(contender => contender.FullSeconds ?? 0));
            if (rung < Rungs - 1)
                remaining = Best(remaining, keepsFamilies: rung == 0);
        }
        if (contenders.All(contender => contender.Failure is not null))
            throw contenders[0].Failure!;
    }

    /// <summary>Returns the best third.</summary>
    private static IReadOnlyList<Contender> Best(IReadOnlyList<Contender> contenders, bool keepsFamilies)
    {
        Contender[] ordered = [.. contenders.OrderBy(contender => contender.Loss)];
        int kept = (ordered.Length + Factor - 1) / Factor;
        return
        [
            .. ordered.Take(kept),
            .. keepsFamilies ? ordered.DistinctBy(contender => contender.Candidate.Family.Name)
                .Except(ordered.Take(kept)) : [],
        ];
    }

    /// <summary>
    /// Returns as many of the best candidates as can be trained longer in the time that is left, but at least two.
    /// </summary>
    private static IReadOnlyList<Contender> Affordable(IReadOnlyList<Contender> contenders, double seconds,
        double share)
    {
        Contender[] ordered = [.. contenders.OrderBy(contender => contender.Loss)];
        int count = ordered.Length;
        while (count > 2 && ordered.Take(count).Sum(one => one.FullSeconds!.Value) * LeastGrowth * share > seconds)
            count--;
        return ordered[..count];
    }

    /// <summary>Returns the share of each full training that fits in the budget for the first rung.</summary>
    private async Task<double> ShareAsync(Contender[] contenders, CancellationToken cancellation)
    {
        double all = 0, needed = 0;
        foreach (Contender contender in contenders)
        {
            progress.Report(new() { Step = 0, Message = $"timing {contender.Candidate.Name}" });
            try
            {
                double step = await runner.TimeStepAsync(contender.Candidate, cancellation).ConfigureAwait(false);
                all += step * contender.Candidate.FullSteps;
                needed += step * FewestSteps;
            }
            catch (AtelierException e)
            {
                contender.Failure = e;
            }
        }
        double seconds = Math.Max(0, (HalvingShare * BudgetSeconds) - _watch.Elapsed.TotalSeconds) / Rungs;
        if (needed > seconds)
        {
            double enough = ((needed * Rungs) + _watch.Elapsed.TotalSeconds) / HalvingShare / 60;
            enough = Math.Ceiling(10 * enough) / 10;
            throw new AtelierException(FormattableString.Invariant($"{BudgetSeconds / 60:0.##} minutes are too short ")
                + $"to try {Quantity.Of(contenders.Length, "candidate")}",
                Mention.Field("minutes"), FormattableString.Invariant(
                $"allow {enough:0.#} minutes, or compare fewer families with {Mention.Field("families")}"));
        }
        return Math.Min(1, seconds / Math.Max(1e-9, all));
    }

    private async Task TryAsync(Contender contender, long steps, int rung, CancellationToken cancellation)
    {
        if (contender.Failure is not null)
            return;
        Candidate candidate = contender.Candidate;
        progress.Report(new()
        {
            Step = 0,
            Message = candidate.TakesSteps
                ? FormattableString.Invariant($"round {rung + 1} of {Rungs}: {candidate.Name}, {steps} of ")
                    + Quantity.Of(candidate.FullSteps, "step")
                : $"{candidate.Name}: trained whole",
        });
        try
        {
            double? most = minutes is null ? null : Math.Max(1, LeftSeconds);
            Trial trial = await runner.RunAsync(candidate, $"rung-{rung + 1}", steps, most, cancellation)
                .ConfigureAwait(false);
            contender.Trials.Add(trial);
            contender.Rungs = rung + 1;
        }
        catch (AtelierException e)
        {
            contender.Failure = e; // the others may be trained all the same, and the report says why
        }
    }
}
