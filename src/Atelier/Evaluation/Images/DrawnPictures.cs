using Atelier.Data.Images;
using Atelier.Decoding;
using Atelier.Models.Layers;

namespace Atelier.Evaluation.Images;

/// <summary>Draws the pictures that a model is judged by, each class as often as the data has it.</summary>
internal static class DrawnPictures
{
    /// <summary>The pictures; of a model without classes they have no labels.</summary>
    /// <exception cref="AtelierException">They would not fit in memory.</exception>
    public static PictureSet Draw(ImageGenerator generator, IReadOnlyList<int> labels, int count, long seed, IProgress<string>? progress, CancellationToken cancellation)
    {
        if ((long)count * generator.Schema.Size > Array.MaxLength)
            throw new AtelierException($"{count} pictures of this size do not fit in memory", "evaluation.pictures", "take fewer");
        DrawingOptions drawing = generator.Model.Check(new DrawingOptions());
        var pixels = new byte[count * generator.Schema.Size];
        var asked = new int[count];
        int[] counts = generator.IsConditional ? Shares(labels, generator.Schema.Classes.Count, count) : [count];
        int done = 0;
        for (int label = 0; label < counts.Length; label++)
        {
            for (int left = counts[label]; left > 0;)
            {
                cancellation.ThrowIfCancellationRequested();
                int some = Math.Min(generator.BatchSize, left);
                generator.Draw(seed, done, some, generator.IsConditional ? label : null, drawing).CopyTo(pixels, done * generator.Schema.Size);
                asked.AsSpan(done, some).Fill(label);
                (done, left) = (done + some, left - some);
                if (done == count || done / 500 > (done - some) / 500)
                    progress?.Report(FormattableString.Invariant($"{done} of {count} pictures drawn"));
            }
        }
        return PictureSet.Of(generator.Schema, pixels, generator.IsConditional ? asked : null);
    }

    /// <summary>So many of each class that they are in the data's proportion (largest remainder).</summary>
    internal static int[] Shares(IReadOnlyList<int> labels, int classes, int count)
    {
        double[] ideal = new double[classes];
        foreach (int label in labels)
            ideal[label] += (double)count / labels.Count;
        int[] shares = [.. ideal.Select(share => (int)share)];
        foreach (int label in Enumerable.Range(0, classes).OrderByDescending(c => ideal[c] - shares[c]).Take(count - shares.Sum()))
            shares[label]++;
        return shares;
    }
}
