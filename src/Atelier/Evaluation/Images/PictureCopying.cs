using System.Globalization;
using Atelier.Data.Images;
using Atelier.Recipes;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>
/// The copying check: how near drawn pictures are to their nearest training pictures, by features and by pixels, beside how
/// near held-out pictures are, which the model cannot have copied. A drawn picture counts as a copy where it is nearer than
/// all but 1 % of held-out ones, so an honest model has about 1 % of them.
/// </summary>
/// <param name="ByFeatures">The nearest training picture of each drawn one, and whether it is a copy.</param>
/// <param name="ByPixels">The same by pixels.</param>
internal sealed record PictureCopying(NearestPictures ByFeatures, NearestPictures ByPixels)
{
    /// <summary>Pictures that are checked.</summary>
    public const int Most = 1000;

    /// <summary>Held-out pictures without which nothing can be said.</summary>
    public const int FewestHeld = 100;

    private const long MostValues = 1 << 23; // of training pictures at once

    /// <summary>Checks the first drawn pictures.</summary>
    public static PictureCopying Check(FeatureNetwork network, PictureSet drawn, PictureSet held, PictureSet training, IProgress<string>? progress, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        drawn = drawn.First(Most);
        held = held.First(Most);
        progress?.Report(FormattableString.Invariant($"the nearest of {training.Count} training pictures to {drawn.Count} drawn ones"));
        Tensor Features(PictureSet some) => network.Look(some, "training pictures", progress, cancellation).Values;
        IEnumerable<Tensor> Parts(Func<PictureSet, Tensor> view)
        {
            int together = (int)Math.Max(1, MostValues / training.Schema.Size);
            for (int first = 0; first < training.Count; first += together)
            {
                cancellation.ThrowIfCancellationRequested();
                yield return view(training.Slice(first, Math.Min(together, training.Count - first)));
            }
        }
        NearestPictures Nearest(Func<PictureSet, Tensor> view)
        {
            Tensor both = cat([view(drawn), view(held)]); // the training pictures are passed once
            (int[] index, double[] squared) = Neighbours.Nearest(both, Parts(view));
            return NearestPictures.Of(index[..drawn.Count], [.. squared.Select(Math.Sqrt)], drawn.Count);
        }
        return new(Nearest(Features), Nearest(Pixels));
    }

    /// <summary>The shares of copies.</summary>
    public IReadOnlyDictionary<string, Metric> Figures(EvaluationSection options, long seed)
    {
        Metric Share(NearestPictures nearest) => MeanScore.Mean([.. nearest.IsCopy.Select(copy => new MeanScore(copy ? 1 : 0, 1))], options, seed, "share of drawn pictures, 0.01 expected");
        return new Dictionary<string, Metric> { ["copiedByFeatures"] = Share(ByFeatures), ["copiedByPixels"] = Share(ByPixels) };
    }

    /// <summary>What it found, one sentence.</summary>
    public string Note => string.Create(CultureInfo.InvariantCulture, $"Copying: the nearest training picture is {ByFeatures.Drawn:0.000} away from the median drawn picture by features and {ByFeatures.Held:0.000} from the median held-out one; by pixels (0 to 1, root of the sum of squares) {ByPixels.Drawn:0.000} and {ByPixels.Held:0.000}. Of {ByFeatures.Index.Count} drawn pictures those count as copies that are nearer than all but 1 % of held-out ones.");

    /// <summary>Pixels from 0 to 1, [pictures, size], fp32.</summary>
    private static Tensor Pixels(PictureSet pictures)
    {
        int size = pictures.Schema.Size;
        var values = new float[(long)pictures.Count * size];
        Parallel.For(0, pictures.Count, i =>
        {
            byte[] picture = new byte[size];
            pictures.Read(i, picture);
            for (int at = 0; at < size; at++)
                values[((long)i * size) + at] = picture[at] / 255f;
        });
        return tensor(values, pictures.Count, size);
    }
}

/// <summary>The nearest training pictures of drawn ones by some view.</summary>
/// <param name="Index">The number of each one's nearest training picture.</param>
/// <param name="IsCopy">Whether it is nearer than all but 1 % of held-out ones.</param>
/// <param name="Drawn">The median distance of drawn pictures.</param>
/// <param name="Held">The median distance of held-out pictures.</param>
internal sealed record NearestPictures(IReadOnlyList<int> Index, IReadOnlyList<bool> IsCopy, double Drawn, double Held)
{
    /// <summary>Of the distances of drawn pictures, followed by those of held-out ones.</summary>
    public static NearestPictures Of(int[] index, double[] distances, int drawn)
    {
        double[] own = distances[..drawn], held = [.. distances[drawn..].Order()];
        double nearest = held[(int)(0.01 * held.Length)];
        return new(index, [.. own.Select(distance => distance < nearest)], own.Order().ElementAt(own.Length / 2), held[held.Length / 2]);
    }
}
