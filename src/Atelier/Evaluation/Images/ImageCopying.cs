using System.Globalization;
using Atelier.Recipes;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>
/// The copying check: the distance of generated images to their nearest training images, by features and by pixels,
/// compared with that of held-out images, which the model cannot have copied. A blurred image is near everything, so
/// each generated image is compared with held-out images of its own sharpness, some of them blurred for this. It counts
/// as a copy if it is nearer than all but 1 % of them, so a model that copies nothing has about 1 % of copies.
/// </summary>
/// <param name="ByFeatures">The nearest training image of each generated one, and whether it is a copy.</param>
/// <param name="ByPixels">The same by pixels.</param>
internal sealed record ImageCopying(NearestImages ByFeatures, NearestImages ByPixels)
{
    /// <summary>The largest number of images to check.</summary>
    public const int Most = 1000;

    /// <summary>The smallest number of held-out images that the check needs.</summary>
    public const int FewestHeld = 100;

    private const long MostValues = 1 << 23; // the largest batch of training images
    private const int MostBlurred = 250;
    private const int UsualSide = 32; // the size that the blurs are for; larger images have wider ones

    private static readonly double[] Blurs = [0.5, 0.75, 1, 1.5, 2, 3];

    /// <summary>Checks the first generated images.</summary>
    public static ImageCopying Check(FeatureNetwork network, ImageSet drawn, ImageSet held, ImageSet training,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        drawn = drawn.First(Most);
        held = held.First(Most);
        double wider = Math.Max(1, Math.Min(held.Schema.Height, held.Schema.Width) / (double)UsualSide);
        ImageSet[] references = [held, .. Blurs.Select(blur => held.First(MostBlurred).Blurred(blur * wider))];
        double[] sharpness = ImageBlur.Sharpness(drawn),
            ofReferences = [.. references.SelectMany(ImageBlur.Sharpness)];
        progress?.Report(
            FormattableString.Invariant(
            $"the nearest of {training.Count} training images to {drawn.Count} generated ones"));
        Tensor Features(ImageSet some) => network.Extract(some, "training images", progress, cancellation).Values;
        IEnumerable<Tensor> Parts(Func<ImageSet, Tensor> view)
        {
            int together = (int)Math.Max(1, MostValues / training.Schema.Size);
            for (int first = 0; first < training.Count; first += together)
            {
                cancellation.ThrowIfCancellationRequested();
                yield return view(training.Slice(first, Math.Min(together, training.Count - first)));
            }
        }
        NearestImages Nearest(Func<ImageSet, Tensor> view)
        {
            Tensor all = cat([view(drawn), .. references.Select(view)]); // so that the training images are read once
            (int[] index, double[] squared) = Neighbours.Nearest(all, Parts(view));
            double[] distances = Array.ConvertAll(squared, Math.Sqrt);
            return NearestImages.Of(index[..drawn.Count], distances[..drawn.Count], sharpness,
                distances[drawn.Count..], ofReferences, held.Count);
        }
        return new(Nearest(Features), Nearest(Pixels));
    }

    /// <summary>Returns the shares of copies.</summary>
    public IReadOnlyDictionary<string, Metric> Figures(EvaluationSection options, long seed)
    {
        Metric Share(NearestImages nearest) =>
            MeanScore.Mean([.. nearest.IsCopy.Select(copy => new MeanScore(copy ? 1 : 0, 1))], options, seed,
            "share of drawn pictures, 0.01 expected");
        return new Dictionary<string, Metric> { ["copiedByFeatures"] = Share(ByFeatures),
            ["copiedByPixels"] = Share(ByPixels) };
    }

    /// <summary>The result in words.</summary>
    public string Note => string.Create(CultureInfo.InvariantCulture,
        $"Copying: the nearest training image is {ByFeatures.Drawn:0.000} away from the median generated image by "
        + $"features and {ByFeatures.Held:0.000} from the median held-out one; by pixels (0 to 1, root of the sum "
        + $"of squares) {ByPixels.Drawn:0.000} and {ByPixels.Held:0.000}. Of {ByFeatures.Index.Count} drawn "
        + $"images those count as copies that are nearer than all but 1 % of held-out ones of the same sharpness.");

    /// <summary>Returns the pixels from 0 to 1, [images, size], fp32.</summary>
    private static Tensor Pixels(ImageSet images)
    {
        int size = images.Schema.Size;
        var values = new float[(long)images.Count * size];
        Parallel.For(0, images.Count, i =>
        {
            byte[] image = new byte[size];
            images.Read(i, image);
            for (int at = 0; at < size; at++)
                values[((long)i * size) + at] = image[at] / 255f;
        });
        return tensor(values, images.Count, size);
    }
}

/// <summary>The nearest training images of generated ones, by features or by pixels.</summary>
/// <param name="Index">The number of the nearest training image of each.</param>
/// <param name="IsCopy">Whether each is nearer than all but 1 % of held-out images of its sharpness.</param>
/// <param name="Drawn">The median distance of generated images.</param>
/// <param name="Held">The median distance of held-out images that are not blurred.</param>
internal sealed record NearestImages(IReadOnlyList<int> Index, IReadOnlyList<bool> IsCopy, double Drawn, double Held)
{
    private const double Share = 0.01;
    private const int FewestCompared = 100; // so that 1 % is one of them

    /// <summary>Compares distances to the nearest training image.</summary>
    /// <param name="index">The number of the nearest training image of each generated one.</param>
    /// <param name="distances">The distance of each generated image.</param>
    /// <param name="sharpness">The sharpness of each generated image.</param>
    /// <param name="references">The distances of held-out images, followed by those of blurred ones.</param>
    /// <param name="ofReferences">Their sharpness.</param>
    /// <param name="held">The number of references that are not blurred.</param>
    public static NearestImages Of(int[] index, double[] distances, double[] sharpness, double[] references,
        double[] ofReferences, int held)
    {
        int[] bySharpness = [.. Enumerable.Range(0, references.Length).OrderBy(i => ofReferences[i])];
        double[] sorted = [.. bySharpness.Select(i => ofReferences[i])];
        int compared = Math.Min(sorted.Length, Math.Max(FewestCompared, sorted.Length / 5));
        var isCopy = new bool[distances.Length];
        Parallel.For(0, isCopy.Length, i =>
        {
            int at = Array.BinarySearch(sorted, sharpness[i]);
            int first = Math.Clamp((at < 0 ? ~at : at) - (compared / 2), 0, sorted.Length - compared);
            double[] alike = [.. bySharpness.AsSpan(first, compared).ToArray().Select(r => references[r]).Order()];
            isCopy[i] = distances[i] < alike[(int)(Share * compared)];
        });
        return new(index, isCopy, distances.Order().ElementAt(distances.Length / 2),
            references[..held].Order().ElementAt(held / 2));
    }
}
