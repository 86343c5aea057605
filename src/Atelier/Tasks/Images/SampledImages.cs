using Atelier.Abstractions;
using Atelier.Evaluation.Images;
using Atelier.Runs;

namespace Atelier.Tasks.Images;

/// <summary>Generates the images of an evaluation, each class as often as in the data, in random order.</summary>
internal static class SampledImages
{
    /// <summary>Generates the images. Those of a model without classes have no labels.</summary>
    /// <exception cref="AtelierException">They would not fit in memory.</exception>
    public static ImageSet Sample(ImageGenerator generator, IReadOnlyList<int> labels, int count, long seed,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        if ((long)count * generator.Schema.Size > Array.MaxLength)
            throw new AtelierException($"{count} images of this size do not fit in memory", "evaluation.pictures",
                "use fewer");
        SamplingOptions drawing = generator.Resolve();
        var pixels = new byte[count * generator.Schema.Size];
        var asked = new int[count];
        int[] counts = generator.IsConditional ? Shares(labels, generator.Schema.Classes.Count, count) : [count];
        int[] places = Places(count, seed);
        int done = 0;
        for (int label = 0; label < counts.Length; label++)
        {
            for (int left = counts[label]; left > 0;)
            {
                cancellation.ThrowIfCancellationRequested();
                int some = Math.Min(generator.BatchSize, left);
                byte[] drawn = generator.Sample(seed, done, some, generator.IsConditional ? label : null, drawing,
                    cancellation);
                for (int i = 0; i < some; i++)
                {
                    int place = places[done + i];
                    drawn.AsSpan(i * generator.Schema.Size, generator.Schema.Size)
                        .CopyTo(pixels.AsSpan(place * generator.Schema.Size));
                    asked[place] = label;
                }
                (done, left) = (done + some, left - some);
                if (done == count || done / 500 > (done - some) / 500)
                    progress?.Report(FormattableString.Invariant($"{done} of {Quantity.Of(count, "image")} drawn"));
            }
        }
        return ImageSet.Of(generator.Schema, pixels, generator.IsConditional ? asked : null);
    }

    /// <summary>Returns the class of each image: each class as often as in the data, in random order.</summary>
    public static int[] Labels(IReadOnlyList<int> labels, int classes, int count, long seed)
    {
        int[] sorted = [.. Shares(labels, classes, count).SelectMany((share, c) => Enumerable.Repeat(c, share))];
        int[] places = Places(count, seed), shuffled = new int[count];
        for (int i = 0; i < count; i++)
            shuffled[places[i]] = sorted[i];
        return shuffled;
    }

    /// <summary>
    /// Returns a random position for each image, so that the first have every class (Fisher and Yates).
    /// </summary>
    private static int[] Places(int count, long seed)
    {
        int[] places = [.. Enumerable.Range(0, count)];
        var random = new SplitMix64((ulong)seed);
        for (int i = count - 1; i > 0; i--)
        {
            int j = (int)random.Next(i + 1);
            (places[i], places[j]) = (places[j], places[i]);
        }
        return places;
    }

    /// <summary>Returns the number of images of each class, in the data's proportion (largest remainder).</summary>
    internal static int[] Shares(IReadOnlyList<int> labels, int classes, int count)
    {
        double[] ideal = new double[classes];
        foreach (int label in labels)
            ideal[label] += (double)count / labels.Count;
        int[] shares = [.. ideal.Select(share => (int)share)];
        foreach (int label in Enumerable.Range(0, classes).OrderByDescending(c => ideal[c] - shares[c])
            .Take(count - shares.Sum()))
            shares[label]++;
        return shares;
    }
}
