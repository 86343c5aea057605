namespace Atelier.Evaluation.Ratings;

/// <summary>A question for a rater: two outputs for the same prompt.</summary>
/// <param name="Left">The output on the left.</param>
/// <param name="Right">The output on the right.</param>
/// <param name="Check">Whether the question is an attention check, which raters must not see.</param>
public sealed record RatedPair(StudyItem Left, StudyItem Right, CheckKind Check);

/// <summary>
/// Chooses the pair of outputs that a rater is asked about next. The two models are those whose comparison is expected
/// to teach most under the present scores (<see cref="BradleyTerry.InformationGain"/>); among equal pairs, and among
/// the prompts, the seed of the study decides, as it does for the sides. A rater never gets the same pair twice, except
/// as an attention check. The choice depends only on the study, the answers and the rater. This class is thread-safe.
/// </summary>
public sealed class PairChooser
{
    private const int FewestBetween = 3; // questions between a pair and its repetition
    private const double Equal = 1e-9; // a relative difference that is only rounding

    private readonly StudyIndex _index;

    /// <summary>Creates a chooser.</summary>
    /// <param name="study">A pairwise study.</param>
    /// <exception cref="AtelierException">The study is not valid or not pairwise.</exception>
    public PairChooser(Study study)
    {
        study.Check();
        if (study.Kind != StudyKind.Pairwise)
            throw new AtelierException("the study does not compare pairs", "kind", "choose a pairwise study");
        _index = new(study);
    }

    /// <summary>Returns the next pair; null if the rater has answered every pair.</summary>
    /// <param name="rater">The id of the rater.</param>
    /// <param name="answers">All answers of the study in the order in which they were added.</param>
    public RatedPair? Next(long rater, IReadOnlyList<PairAnswer> answers)
    {
        PairAnswer[] own = [.. answers.Where(answer => answer.Rater == rater)];
        Study study = _index.Study;
        var random =
            new SplitMix64(SplitMix64.At(SplitMix64.At((ulong)study.Seed, (ulong)rater), (ulong)own.Length));
        bool isTimeForCheck = study.CheckEvery > 0 && (own.Length + 1) % study.CheckEvery == 0;
        BradleyTerry scores = BradleyTerry.Fit(WinMatrix.Of(_index.Models, _index.Outcomes(answers)));
        if (isTimeForCheck && NextCheck(own, scores, ref random) is { } check)
            return check;
        HashSet<ItemPair> answered = [.. own.Select(answer => answer.Pair)];
        var open = _index.Pairs.Where(pair => !answered.Contains(pair)).ToLookup(Models);
        if (open.Count == 0)
            return null;
        (int First, int Second) models = Greatest([.. open.Select(pairs => pairs.Key)],
            pair => scores.InformationGain(pair.First, pair.Second), ref random);
        return Shown(OneOf([.. open[models]], ref random), CheckKind.None, ref random);
    }

    private (int First, int Second) Models(ItemPair pair)
    {
        int first = _index.Model(pair.First), second = _index.Model(pair.Second);
        return (Math.Min(first, second), Math.Max(first, second));
    }

    private RatedPair? NextCheck(PairAnswer[] own, BradleyTerry scores, ref SplitMix64 random)
    {
        HashSet<ItemPair> answered = [.. own.Select(answer => answer.Pair)];
        ItemPair[] known =
        [
            .. _index.Study.Checks.Select(check => ItemPair.Of(check.Better, check.Worse))
                .Where(pair => !answered.Contains(pair)),
        ];
        if (known.Length > 0)
            return Shown(OneOf(known, ref random), CheckKind.KnownWorse, ref random);

        HashSet<ItemPair> repeated =
            [.. own.Where(answer => answer.Check == CheckKind.Repeat).Select(answer => answer.Pair)];
        // a tie cannot be contradicted, so that its repetition would show nothing
        PairAnswer[] repeatable =
        [
            .. own.SkipLast(FewestBetween).Where(answer => answer.Check == CheckKind.None
                && answer.Preferred is not null && !repeated.Contains(answer.Pair)),
        ];
        if (repeatable.Length == 0)
            return null;
        // an attentive rater is least likely to contradict an answer about models of different strength
        PairAnswer earlier = Greatest(repeatable,
            answer => Math.Abs(scores.Scores[_index.Model(answer.Left)] - scores.Scores[_index.Model(answer.Right)]),
            ref random);
        return new(_index.Find(earlier.Right)!, _index.Find(earlier.Left)!, CheckKind.Repeat);
    }

    private RatedPair Shown(ItemPair pair, CheckKind check, ref SplitMix64 random)
    {
        StudyItem first = _index.Find(pair.First)!, second = _index.Find(pair.Second)!;
        return random.Next(2) == 0 ? new(first, second, check) : new(second, first, check);
    }

    private static T OneOf<T>(T[] choices, ref SplitMix64 random) => choices[random.Next(choices.Length)];

    /// <summary>Returns the choice with the greatest value; one at random among equals.</summary>
    private static T Greatest<T>(T[] choices, Func<T, double> value, ref SplitMix64 random)
    {
        double[] values = [.. choices.Select(value)];
        double least = values.Max() * (1 - Equal);
        return OneOf([.. choices.Where((_, number) => values[number] >= least)], ref random);
    }
}
