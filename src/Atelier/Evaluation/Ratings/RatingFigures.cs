namespace Atelier.Evaluation.Ratings;

/// <summary>Computes the figures of a <see cref="RatingReport"/>.</summary>
internal static class RatingFigures
{
    private const string Preference = "preference";

    public static RatingReport Compute(RatingStore store, RatingReportOptions options) =>
        store.Study.Kind == StudyKind.Pairwise ? Pairs(store, options) : Scales(store, options);

    private static RatingReport Pairs(RatingStore store, RatingReportOptions options)
    {
        StudyIndex index = store.Index;
        IReadOnlyList<PairAnswer> answers = store.PairAnswers();
        IReadOnlyList<RaterJudgement> judgements =
            RandomRaters.Judge(index, store.Raters(), answers, options.RaterSignificance);
        HashSet<long> leftOut = options.LeaveOutSuspicious
            ? [.. judgements.Where(rater => rater.Verdict == RaterVerdict.Suspicious).Select(rater => rater.Rater)]
            : [];
        PairAnswer[] counted =
            [.. answers.Where(answer => answer.Check == CheckKind.None && !leftOut.Contains(answer.Rater))];
        PairOutcome[] outcomes = [.. index.Outcomes(counted)];
        WinMatrix wins = WinMatrix.Of(index.Models, outcomes);
        double tieRate = counted.Length == 0 ? 0 : counted.Average(answer => answer.Preferred is null ? 1.0 : 0);
        var notes = new List<string>
        {
            "The scores follow the model of Bradley and Terry; ties and 'both bad' count as half a win for each side.",
            "The intervals are 95 % bootstrap intervals over answers.",
            "Answers to attention checks are not part of the scores.",
            "The agreement counts each pair in both orders, so that it does not depend on which output comes first.",
            FormattableString.Invariant(
                $"The needed answers find a difference of {options.Difference * 100:0.#} points between win rates ")
                + FormattableString.Invariant(
                $"with a probability of {options.Power:0.##} at a significance of {options.Significance:0.###}."),
        };
        if (leftOut.Count > 0)
            notes.Add($"{Quantity.Of(leftOut.Count, "suspicious rater")} left out.");
        return new()
        {
            Study = store.Study.Id,
            Title = store.Study.Title,
            Kind = StudyKind.Pairwise,
            Raters = answers.DistinctBy(answer => answer.Rater).Count(),
            Answers = counted.Length,
            TieRate = tieRate,
            Scores = BradleyTerry.Rank(index.Models, outcomes, options.BootstrapSamples, options.Seed),
            Wins = wins,
            Agreement =
            [
                Agree(Preference, MeasurementLevel.Nominal,
                    counted.Select(answer => (answer.Rater, answer.Pair, Category(index, answer))).ToArray(),
                    category => category < 2 ? 1 - category : category),
            ],
            Judgements = judgements,
            Needed = Needed(wins, tieRate, options),
            Notes = notes,
        };
    }

    private static RatingReport Scales(RatingStore store, RatingReportOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BootstrapSamples, 1, nameof(options));
        IReadOnlyList<ScaleAnswer> answers = store.ScaleAnswers();
        var models = store.Study.Items.ToDictionary(item => item.Id, item => item.Model);
        return new()
        {
            Study = store.Study.Id,
            Title = store.Study.Title,
            Kind = StudyKind.Scale,
            Raters = answers.DistinctBy(answer => answer.Rater).Count(),
            Answers = answers.Count,
            Scales =
            [
                .. from rubric in store.Study.Rubrics
                   from score in answers.Where(answer => answer.Rubric == rubric.Name)
                       .GroupBy(answer => models[answer.Item])
                       .Select(own => Mean(own.Key, rubric.Name, [.. own], options))
                       .OrderByDescending(score => score.Value.Value)
                   select score,
            ],
            Agreement =
            [
                .. store.Study.Rubrics.Select(rubric => Agree(rubric.Name, MeasurementLevel.Ordinal,
                    answers.Where(answer => answer.Rubric == rubric.Name)
                        .Select(answer => (answer.Rater, answer.Item, (double)answer.Value)).ToArray())),
            ],
            Notes = ["The intervals are 95 % bootstrap intervals over answers."],
        };
    }

    private static ScaleScore Mean(string model, string rubric, ScaleAnswer[] answers, RatingReportOptions options)
    {
        MeanScore[] values = [.. answers.Select(answer => new MeanScore(answer.Value, 1))];
        (double low, double high) = Bootstrap.Central(
            [.. Bootstrap.Resample(values, options.BootstrapSamples, options.Seed).Select(score => score.Quotient)]);
        return new(model, rubric, new(Bootstrap.Total(values).Quotient, low, high, "points"), answers.Length);
    }

    /// <summary>
    /// Returns the category of an answer regardless of sides: whether it prefers the output of the model that comes
    /// first in the list of models, the other output, both or none.
    /// </summary>
    private static double Category(StudyIndex index, PairAnswer answer) => answer.Choice switch
    {
        PairChoice.Tie => 2,
        PairChoice.BothBad => 3,
        _ => index.Model(answer.Left) < index.Model(answer.Right) == (answer.Choice == PairChoice.Left) ? 0 : 1,
    };

    /// <summary>Computes the agreement on a question.</summary>
    /// <param name="question">The name of the question.</param>
    /// <param name="level">The level of measurement.</param>
    /// <param name="answers">The answers.</param>
    /// <param name="mirror">
    /// Returns the value of a pair whose outputs are exchanged; null for scales. Pairs count in both orders: otherwise
    /// raters who always prefer the same model would choose a single category, and would agree no more than by chance.
    /// </param>
    private static AgreementFigures Agree<TUnit>(string question, MeasurementLevel level,
        IReadOnlyList<(long Rater, TUnit Unit, double Value)> answers, Func<double, double>? mirror = null)
        where TUnit : notnull
    {
        double[][] judged =
        [
            .. answers.GroupBy(answer => answer.Unit).Select(unit => unit.Select(answer => answer.Value).ToArray())
                .Where(unit => unit.Length > 1),
        ];
        double[][] units = mirror is null ? judged
            : [.. judged, .. judged.Select(unit => Array.ConvertAll(unit, value => mirror(value)))];
        double[] values = [.. units.SelectMany(unit => unit).Distinct()];
        bool isEven = units.Length > 0 && units.All(unit => unit.Length == units[0].Length);
        return new(question, level, judged.Length, Agreement.KrippendorffAlpha(units, level),
            level == MeasurementLevel.Nominal
                ? null : Agreement.KrippendorffAlpha(units, MeasurementLevel.Interval),
            isEven ? Agreement.FleissKappa(
                [.. units.Select(unit => values.Select(value => unit.Count(v => v == value)).ToArray())]) : null,
            Cohen(answers, mirror));
    }

    private static double? Cohen<TUnit>(IReadOnlyList<(long Rater, TUnit Unit, double Value)> answers,
        Func<double, double>? mirror)
        where TUnit : notnull
    {
        var raters = answers.GroupBy(answer => answer.Rater)
            .Select(rater => rater.ToDictionary(answer => answer.Unit, answer => answer.Value)).ToArray();
        if (raters.Length != 2)
            return null;
        TUnit[] shared = [.. raters[0].Keys.Where(raters[1].ContainsKey)];
        return Agreement.CohenKappa(Values(raters[0]), Values(raters[1]));

        double[] Values(Dictionary<TUnit, double> own)
        {
            double[] values = Array.ConvertAll(shared, unit => own[unit]);
            return mirror is null ? values : [.. values, .. values.Select(mirror)];
        }
    }

    private static AnswersNeeded[] Needed(WinMatrix wins, double tieRate, RatingReportOptions options)
    {
        // the formula has no solution where ties leave too few answers for the difference
        int needed = SampleSize.Answers(options.Difference, Math.Min(tieRate, 1 - options.Difference), options.Power,
            options.Significance);
        return
        [
            .. from model in Enumerable.Range(0, wins.Models.Count)
               from other in Enumerable.Range(model + 1, wins.Models.Count - model - 1)
               let answers = (int)wins.Answers(model, other)
               select new AnswersNeeded(wins.Models[model], wins.Models[other], answers, wins.Rate(model, other),
                   needed, Math.Max(0, needed - answers)),
        ];
    }
}
