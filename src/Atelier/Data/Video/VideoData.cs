using System.Globalization;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Video;

/// <summary>
/// Videos of one size and frame rate, cut into clips of one length and split into training, validation and test parts,
/// in a folder that can be opened again.
/// </summary>
public sealed class VideoData : IDataSource
{
    private static readonly string[] Parts = ["train", "validation", "test"];

    private VideoData(PreparedFacts facts, VideoPart train, VideoPart validation, VideoPart test) =>
        (Facts, Train, Validation, Test) = (facts, train, validation, test);

    /// <inheritdoc/>
    public Modality Modality => Modality.Video;

    /// <summary>The source of the data.</summary>
    public PreparedFacts Facts { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => Facts.Notes;

    /// <summary>The size, channels, length and classes of the clips.</summary>
    public VideoSchema Schema => Train.Schema;

    /// <summary>The training data.</summary>
    public VideoPart Train { get; }

    /// <summary>The validation data; may be empty.</summary>
    public VideoPart Validation { get; }

    /// <summary>The test videos; may be empty.</summary>
    public VideoPart Test { get; }

    /// <summary>
    /// Decodes, converts and splits a source, and writes its frames with video.json and facts.json. All clips of a
    /// video are in the same part. With too few videos for that, each is cut into parts in their order, and no frame is
    /// in two parts.
    /// </summary>
    /// <param name="section">What to read and how.</param>
    /// <param name="seed">The seed of the split and of a world's videos.</param>
    /// <param name="folder">The folder to write.</param>
    /// <param name="schema">The videos of a model to evaluate; null takes those of the section.</param>
    /// <param name="progress">Receives a one-line message at each stage.</param>
    /// <param name="cancellation">Cancels the operation; the folder then holds no prepared data.</param>
    /// <exception cref="AtelierException">The source is missing, has no videos, or does not fit the
    /// section.</exception>
    public static VideoData Prepare(DataSection section, long seed, string folder, VideoSchema? schema = null,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        if (schema is not null)
            section = section with { Video = section.Video with { Width = schema.Width, Height = schema.Height,
                Channels = schema.Channels, Frames = schema.Frames, Fps = schema.Fps } };
        VideoSection video = section.Video;
        if (video.Channels == 2)
            throw new AtelierException("videos have 1 or 3 channels, not 2", "data.video.channels", "use 1 or 3");
        var source = VideoSource.Read(section, seed, report, progress, cancellation);
        if (schema is not null && schema.Classes.Count > 0 && !source.Classes.SequenceEqual(schema.Classes))
            throw new AtelierException("the videos have other classes than those of the model", section.Source,
                "evaluate it on videos of the same classes");
        var format = new FrameFormat(video.Width, video.Height, source.Channels, source.Fps,
            video.Fit);
        Directory.CreateDirectory(folder);
        File.Delete(Path.Combine(folder, PreparedFacts.FileName));
        IReadOnlyList<(VideoItem Item, VideoFilm Film)> films =
            new VideoPreparation(format, video.Stream, report, progress, cancellation)
                .Write(Path.Combine(folder, VideoPart.FramesName), source.Items);
        var found = new VideoSchema(video.Width, video.Height, source.Channels, video.Frames, source.Fps,
            schema?.Classes ?? source.Classes);
        report.Note(Summary(found, [.. films.Select(film => film.Film)]));
        found.Write(folder);
        foreach ((string name, IReadOnlyList<VideoFilm> part) in Parts.Zip(
            VideoSplit.Of(films, section.Split, seed, video.Frames, report)))
            VideoPart.Write(folder, name, part);
        new PreparedFacts { Source = section.Source, Notes = report.Notes, ClipStride = video.Stride ?? video.Frames }
            .Write(folder);
        return Open(folder);
    }

    /// <summary>Opens a folder that <see cref="Prepare"/> wrote.</summary>
    /// <exception cref="AtelierException">The folder is not one, or was damaged.</exception>
    public static VideoData Open(string folder)
    {
        var facts = PreparedFacts.Read(folder);
        var schema = VideoSchema.Read(folder);
        var parts = new List<VideoPart>();
        try
        {
            foreach (string name in Parts)
                parts.Add(VideoPart.Open(folder, name, schema, facts.ClipStride ?? schema.Frames));
            return new VideoData(facts, parts[0], parts[1], parts[2]);
        }
        catch
        {
            parts.ForEach(part => part.Dispose());
            throw;
        }
    }

    /// <summary>
    /// The same videos as test part, with those that a model was trained on as training part; the other parts of both
    /// are closed.
    /// </summary>
    internal VideoData Learning(VideoData? learned)
    {
        if (learned is null)
            return this;
        Train.Dispose();
        learned.Validation.Dispose();
        learned.Test.Dispose();
        return new VideoData(Facts, learned.Train, Validation, Test);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
        Test.Dispose();
    }

    private static string Summary(VideoSchema schema, VideoFilm[] films)
    {
        double seconds = films.Sum(film => (double)film.Frames) / schema.Fps;
        string classes = schema.Classes.Count == 0 ? "without classes" : Quantity.Of(schema.Classes.Count, "class");
        return string.Create(CultureInfo.InvariantCulture,
            $"{Quantity.Of(films.Length, "video")} of together {seconds:0.#} s at {schema.Fps:0.###} frames per "
                + $"second, {schema.Width} × {schema.Height} in {schema.Image.ColourName}, {classes}, in clips of "
                + $"{schema.Frames} frames.");
    }
}
