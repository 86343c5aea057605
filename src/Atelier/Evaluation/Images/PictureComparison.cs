using Atelier.Kinds;

namespace Atelier.Evaluation.Images;

/// <summary>Compares sets of pictures with real ones by a network's features.</summary>
internal sealed class PictureComparison
{
    private readonly FeatureNetwork _network;
    private readonly PictureFeatures _real;
    private readonly Judging _judging;
    private readonly IProgress<string>? _progress;
    private readonly CancellationToken _cancellation;

    /// <summary>Looks at the real pictures.</summary>
    public PictureComparison(FeatureNetwork network, PictureSet real, Judging judging, IProgress<string>? progress, CancellationToken cancellation)
    {
        (_network, _judging, _progress, _cancellation) = (network, judging, progress, cancellation);
        _real = network.Look(real, "held-out pictures", progress, cancellation);
        Notes = [FormattableString.Invariant($"Features: {network.Description}. Pictures are compared with {real.Count} held-out ones.")];
    }

    /// <summary>How it was measured, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>The figures of a set.</summary>
    public IReadOnlyDictionary<string, Metric> Figures(PictureSet pictures, string name)
    {
        _progress?.Report(FormattableString.Invariant($"comparing {pictures.Count} {name}"));
        PictureFeatures seen = _network.Look(pictures, name, _progress, _cancellation);
        var figures = new Dictionary<string, Metric> { ["frechetDistance"] = FrechetDistance.Of(seen.Values, _real.Values, _judging.Options, _judging.Seed) };
        if (_network.KnowsClasses && pictures.Labels is { } labels)
            figures["classAccuracy"] = MeanScore.Mean([.. seen.AreOf(labels).Select(right => new MeanScore(right ? 1 : 0, 1))], _judging.Options, _judging.Seed, "share of pictures");
        return figures;
    }
}
