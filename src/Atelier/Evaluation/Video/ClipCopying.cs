using System.Globalization;
using Atelier.Data.Video;
using Atelier.Evaluation.Images;
using Atelier.Recipes;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Video;

/// <summary>
/// The copying check: the distance of generated clips to their nearest training clips, compared with that of held-out
/// clips, which the model cannot have copied. Clips are compared by the mean values of small squares in all frames. A
/// clip counts as a copy if it is nearer than all but 1 % of held-out ones, so a model that copies nothing has about 1
/// % of copies.
/// </summary>
/// <param name="IsCopy">Whether each generated clip is a copy.</param>
/// <param name="Index">The nearest training clip of each.</param>
/// <param name="Drawn">The median distance of generated clips, 0 to 1, the root of the mean square.</param>
/// <param name="Held">The median distance of held-out clips.</param>
internal sealed record ClipCopying(IReadOnlyList<bool> IsCopy, IReadOnlyList<int> Index, double Drawn, double Held)
{
    /// <summary>The smallest number of held-out clips that the check needs.</summary>
    public const int FewestHeld = 100;

    private const int MostHeld = 500, MostTraining = 20_000, Together = 500;
    private const double Share = 0.01;
    private const int Squares = 8; // in each direction

    /// <summary>Checks generated clips.</summary>
    /// <param name="clips">[clips, frames, channels, height, width], 0 to 255.</param>
    /// <param name="held">The held-out clips.</param>
    /// <param name="training">The training clips, of which the first 20,000 are searched.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static ClipCopying Check(byte[] clips, VideoPart held, VideoPart training, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        VideoSchema schema = training.Schema;
        int drawn = clips.Length / schema.Size, references = Math.Min(MostHeld, held.Count);
        Tensor all = cat([Views(drawn, (i, clip) => clips.AsSpan(i * schema.Size, schema.Size).CopyTo(clip)),
            Views(references, (i, clip) => held.Read(i, clip))]);
        (int[] index, double[] squared) = Neighbours.Nearest(all, Training());
        double size = all.shape[1];
        double[] distances = Array.ConvertAll(squared, square => Math.Sqrt(square / size)),
            reference = [.. distances[drawn..].Order()];
        double least = reference[(int)(Share * references)];
        return new([.. distances[..drawn].Select(distance => distance < least)], index[..drawn],
            distances[..drawn].Order().ElementAt(drawn / 2), reference[references / 2]);

        IEnumerable<Tensor> Training()
        {
            for (int first = 0; first < Math.Min(MostTraining, training.Count); first += Together)
            {
                cancellation.ThrowIfCancellationRequested();
                int start = first;
                yield return Views(Math.Min(Together, training.Count - first),
                    (i, clip) => training.Read(start + i, clip));
            }
        }

        Tensor Views(int count, ReadClip read)
        {
            int across = Math.Min(Squares, schema.Width), down = Math.Min(Squares, schema.Height);
            int planes = schema.Frames * schema.Channels, view = planes * across * down;
            var values = new float[(long)count * view];
            Parallel.For(0, count, i =>
            {
                var clip = new byte[schema.Size];
                read(i, clip);
                var counts = new int[view];
                Span<float> own = values.AsSpan(i * view, view);
                for (int at = 0; at < clip.Length; at++)
                {
                    int x = at % schema.Width, y = at / schema.Width % schema.Height;
                    int place = (((at / (schema.Width * schema.Height) * down) + (y * down / schema.Height)) * across)
                        + (x * across / schema.Width);
                    own[place] += clip[at] / 255f;
                    counts[place]++;
                }
                for (int place = 0; place < view; place++)
                    own[place] /= counts[place];
            });
            return tensor(values, count, view);
        }
    }

    /// <summary>Returns the share of copies.</summary>
    public Metric Figure(EvaluationSection options, long seed) =>
        MeanScore.Mean([.. IsCopy.Select(copy => new MeanScore(copy ? 1 : 0, 1))], options, seed,
            "share of generated clips, 0.01 expected");

    /// <summary>The result in words.</summary>
    public string Note => string.Create(CultureInfo.InvariantCulture,
        $"Copying: the nearest training clip is {Drawn:0.000} away from the median generated clip and {Held:0.000} "
            + $"from the median held-out one (0 to 1, root of the mean square). Of {Quantity.Of(IsCopy.Count, "clip")} "
            + $"those count as copies that are nearer than all but 1 % of held-out ones.");

    private delegate void ReadClip(int number, Span<byte> clip);
}
