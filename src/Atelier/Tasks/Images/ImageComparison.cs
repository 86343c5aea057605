using System.Globalization;
using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>Compares sets of images with real images by a network's features.</summary>
internal sealed class ImageComparison
{
    private const int MostReal = 10_000;
    private const int FewestReal = 500; // held-out images; with fewer, training images stand for real ones

    private readonly FeatureNetwork _network;
    private readonly ImageFeatures _real;
    private readonly EvaluationContext _context;
    private readonly IProgress<string>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly ImageSet _other;
    private readonly string _otherName, _unit;

    /// <summary>
    /// Computes features of the real images: held-out ones where there are enough, else training images.
    /// </summary>
    /// <param name="network">The network that computes the features.</param>
    /// <param name="data">The images.</param>
    /// <param name="held">The held-out part.</param>
    /// <param name="count">The number of images that are compared with them.</param>
    /// <param name="enlarged">The number of first held-out images to leave out, because the compared images were made
    /// from them.</param>
    /// <param name="context">How to evaluate.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <param name="unit">What the images are in units and in the names of baselines: "pictures", or "sounds" if they
    /// are spectrograms.</param>
    public ImageComparison(FeatureNetwork network, ImageData data, ImagePart held, int count, int enlarged,
        EvaluationContext context, IProgress<string>? progress, CancellationToken cancellation,
        string unit = "pictures")
    {
        _unit = unit;
        string items = unit == "pictures" ? "images" : unit, ofOther = char.ToUpperInvariant(unit[0]) + unit[1..];
        (_network, _context, _progress, _cancellation) = (network, context, progress, cancellation);
        int others = held.Count - enlarged;
        bool byHeld = others >= FewestReal || others >= data.Train.Count;
        ImageSet real = byHeld
            ? ImageSet.Of(held, held.Count).Slice(enlarged, Math.Min(others, Math.Max(MostReal, count)))
            : ImageSet.Of(data.Train, Math.Max(MostReal, count));
        (_other, _otherName) = byHeld ? (ImageSet.Of(data.Train, count), $"training{ofOther}")
            : (ImageSet.Of(held, count), $"heldOut{ofOther}");
        progress?.Report(FormattableString.Invariant($"computing features of {real.Count} real {items}"));
        _real = network.Extract(real, $"real {items}", progress, cancellation);
        string stand = byHeld ? "held-out ones"
            : $"training ones, since only {others} {(enlarged > 0 ? "more " : "")}are held out";
        Notes =
        [
            $"Features: {network.Description}.",
            string.Create(CultureInfo.InvariantCulture, $"Generated {items} are compared with as many {stand}, "
                + $"{Math.Min(count, real.Count)} on each side; fewer {items} make every Fréchet distance larger, "
                + $"so only figures of equal counts compare."),
        ];
    }

    /// <summary>How the metrics were measured, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Returns whether a set of this size can be compared.</summary>
    public bool IsPossible(int count) => Math.Min(_real.Count, count) >= NeighbourFigures.Fewest;

    /// <summary>Computes the metrics of a set.</summary>
    /// <param name="images">The images.</param>
    /// <param name="name">What progress messages call the images.</param>
    /// <param name="seen">Receives their features.</param>
    public Dictionary<string, Metric> Figures(ImageSet images, string name, out ImageFeatures seen)
    {
        int each = Math.Min(images.Count, _real.Count);
        _progress?.Report(FormattableString.Invariant($"comparing {each} {name} with as many real ones"));
        seen = _network.Extract(images, name, _progress, _cancellation);
        Tensor made = Evenly(seen.Values, each), real = Evenly(_real.Values, each);
        var figures = new Dictionary<string, Metric>
        {
            ["frechetDistance"] = FrechetDistance.Of(made, real, _context.Options, _context.Seed),
            ["kernelDistance"] = KernelDistance.Of(made, real, _context.Options, _context.Seed),
        };
        foreach ((string figure, Metric metric) in NeighbourFigures.Of(made, real, _context.Options, _context.Seed))
            figures[figure] = metric;
        foreach (string figure in figures.Keys.ToArray())
            figures[figure] = figures[figure] with { Unit = $"{figures[figure].Unit}, {each} {_unit} on each side" };
        if (seen.LogProbabilities is { } said)
            figures["inceptionScore"] = InceptionScore.Of(said, _context.Options, _context.Seed);
        if (_network.KnowsClasses && images.Labels is { } labels)
            figures["classAccuracy"] =
                MeanScore.Mean(Shares(seen.AreOf(labels)), _context.Options, _context.Seed, $"share of {_unit}");
        return figures;
    }

    /// <summary>Computes the metrics of other real images and of noise, by name.</summary>
    public IEnumerable<(string Name, Dictionary<string, Metric> Figures)> Baselines(int count)
    {
        if (IsPossible(_other.Count))
            yield return (_otherName, Figures(_other, $"other real {_unit}", out _));
        yield return ("noise", Figures(ImageSet.Noise(_other.Schema, count, _context.Seed), "images of noise", out _));
    }

    /// <summary>
    /// Computes the share of each class's images that the network recognises as that class, by the class's name.
    /// </summary>
    public IReadOnlyDictionary<string, Metric> ByClass(ImageSet images, ImageFeatures seen)
    {
        if (!_network.KnowsClasses || images.Labels is not { } labels)
            return new Dictionary<string, Metric>();
        return seen.AreOf(labels).Zip(labels).GroupBy(p => p.Second, p => p.First).OrderBy(g => g.Key).ToDictionary(
            g => images.Schema.Classes[g.Key],
                g => MeanScore.Mean(Shares([.. g]), _context.Options, _context.Seed, $"share of {_unit}"));
    }

    // Evenly spaced rows: files often have one kind of image after another.
    private static Tensor Evenly(Tensor features, int count) => features.shape[0] == count ? features
        : features.index_select(0, tensor((long[])[.. Enumerable.Range(0, count).Select(i =>
            i * features.shape[0] / count)]));

    private static MeanScore[] Shares(bool[] right) => [.. right.Select(r => new MeanScore(r ? 1 : 0, 1))];
}
