namespace Atelier.Evaluation.Ratings;

/// <summary>
/// Chooses the output that a rater values next in a study of scales: one that has been valued by the fewest raters. The
/// seed of the study decides between equals, and a rater never gets an output twice. This class is thread-safe.
/// </summary>
public sealed class ItemChooser
{
    private readonly Study _study;

    /// <summary>Creates a chooser.</summary>
    /// <param name="study">A study of kind <see cref="StudyKind.Scale"/>.</param>
    /// <exception cref="AtelierException">The study is not valid or not of this kind.</exception>
    public ItemChooser(Study study)
    {
        study.Check();
        if (study.Kind != StudyKind.Scale)
            throw new AtelierException("the study has no scales", "kind", "choose a study of scales");
        _study = study;
    }

    /// <summary>Returns the next output; null if the rater has valued every output on every scale.</summary>
    /// <param name="rater">The id of the rater.</param>
    /// <param name="answers">All answers of the study.</param>
    public StudyItem? Next(long rater, IReadOnlyList<ScaleAnswer> answers)
    {
        var own = answers.Where(answer => answer.Rater == rater).CountBy(answer => answer.Item).ToDictionary();
        // an output with some scales answered comes first, so that it is completed
        StudyItem? begun = _study.Items.FirstOrDefault(item =>
            own.TryGetValue(item.Id, out int count) && count < _study.Rubrics.Count);
        if (begun is not null)
            return begun;
        var all = answers.CountBy(answer => answer.Item).ToDictionary();
        StudyItem[] open = [.. _study.Items.Where(item => !own.ContainsKey(item.Id))];
        if (open.Length == 0)
            return null;
        int fewest = open.Min(item => all.GetValueOrDefault(item.Id));
        StudyItem[] choices = [.. open.Where(item => all.GetValueOrDefault(item.Id) == fewest)];
        var random =
            new SplitMix64(SplitMix64.At(SplitMix64.At((ulong)_study.Seed, (ulong)rater), (ulong)own.Count));
        return choices[random.Next(choices.Length)];
    }
}
