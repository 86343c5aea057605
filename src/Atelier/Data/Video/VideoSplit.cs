using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Video;

/// <summary>Splits videos into training, validation and test parts.</summary>
internal static class VideoSplit
{
    /// <summary>
    /// Returns the training, validation and test part. Whole videos are assigned to parts, shuffled by the seed if the
    /// split says so; if there are too few for each part to get one, each is cut into parts in their order, so that no
    /// frame is in two parts.
    /// </summary>
    /// <param name="films">The videos.</param>
    /// <param name="split">The shares. A test part that the source holds out is kept.</param>
    /// <param name="seed">The seed of the order.</param>
    /// <param name="clipFrames">The frames of a clip; a part that is shorter is left out.</param>
    /// <param name="report">Receives a note of what is cut.</param>
    public static IReadOnlyList<IReadOnlyList<VideoFilm>> Of(IReadOnlyList<(VideoItem Item, VideoFilm Film)> films,
        SplitSection split, long seed, int clipFrames, ReadingReport report)
    {
        bool heldBySource = split.Train > 0 && films.Any(film => film.Item.IsTest);
        VideoFilm[] held = [.. films.Where(f => heldBySource && f.Item.IsTest).Select(f => f.Film)],
            others = [.. films.Where(f => !heldBySource || !f.Item.IsTest).Select(f => f.Film)];
        int validation = (int)Math.Round(split.Validation * others.Length),
            test = heldBySource ? 0 : (int)Math.Round(split.Test * others.Length);
        if ((validation == 0 && split.Validation > 0) || (test == 0 && split.Test > 0 && !heldBySource))
            return Cut(others, held, split, clipFrames, report);
        var random = new SplitMix64(SplitMix64.At((ulong)seed, 0));
        for (int i = others.Length - 1; split.Shuffle && i > 0; i--)
        {
            int j = (int)random.Next(i + 1);
            (others[i], others[j]) = (others[j], others[i]);
        }
        int train = Math.Min((int)Math.Round(heldBySource ? others.Length : split.Train * others.Length),
            others.Length - validation - test);
        return [others[..train], others[train..(train + validation)],
            heldBySource ? held : others[(train + validation)..(train + validation + test)]];
    }

    private static IReadOnlyList<IReadOnlyList<VideoFilm>> Cut(VideoFilm[] films, VideoFilm[] held, SplitSection split,
        int clipFrames, ReadingReport report)
    {
        double[] shares = [split.Train, split.Validation, held.Length > 0 ? 0 : split.Test];
        var parts = new List<VideoFilm>[] { [], [], [.. held] };
        foreach (VideoFilm film in films)
        {
            double before = 0;
            for (int part = 0; part < parts.Length; before += shares[part++])
            {
                long from = (long)Math.Round(before * film.Frames),
                    to = (long)Math.Round(Math.Min(1, before + shares[part]) * film.Frames);
                if (to - from >= clipFrames)
                    parts[part].Add(film with { Start = film.Start + from, Frames = to - from });
            }
        }
        if (parts[0].Count == 0)
        {
            report.Note("The videos are too short to hold out a part of them: a model can only memorise them.");
            return [films, [], held];
        }
        report.Note("There are too few videos to hold out whole ones, so each is cut into parts in their order.");
        return parts;
    }
}
