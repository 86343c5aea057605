using System.Globalization;
using Atelier.Data;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Data.Labelled;
using Atelier.Data.Pairs;
using Atelier.Data.Series;
using Atelier.Data.Tables;
using Atelier.Data.Tagged;
using Atelier.Data.Text.Reading;
using Atelier.Data.Video;
using Atelier.Recipes;
using Atelier.Tasks;

namespace Atelier.Choose;

/// <summary>Looks at data of every kind.</summary>
internal static class DataLooks
{
    private const int FewItems = 500, FewPerClass = 50;

    private const double ManyCopies = 0.1; // share of the items

    /// <summary>Looks at the data of a recipe.</summary>
    /// <param name="recipe">The recipe: its data section says how to read them.</param>
    /// <param name="task">The task; for one that is not of the library there are no facts.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing or damaged, or not data of the task.</exception>
    public static DataLook Of(Recipe recipe, ITask task, IProgress<string>? progress, CancellationToken cancellation)
    {
        (DataSection section, long seed) = (recipe.Data, recipe.Seed);
        return task.Name switch
        {
            "text" => TextLook.Of(section, seed, progress, cancellation),
            "pairs" => Pairs(PairPreview.Of(section, seed, 0, progress, cancellation)),
            "table" => Table(TablePreview.Of(section, progress, cancellation)),
            "tagged" => Tagged(TaggedPreview.Of(section, 0, progress, cancellation)),
            "labelled" => Labelled(section, progress, cancellation),
            "series" => Series(SeriesPreview.Of(section, progress, cancellation)),
            "images" => Images(ImagePreview.Of(section, seed, 0, progress, cancellation)),
            "audio" => Sounds(AudioPreview.Of(section, seed, 0, progress, cancellation)),
            "video" => Videos(VideoPreview.Of(section, seed, 0, progress, cancellation)),
            _ => new([], [], long.MaxValue),
        };
    }

    /// <summary>Formats a share as a percentage.</summary>
    public static string Percent(double share) => share.ToString("0.#%", CultureInfo.InvariantCulture);

    /// <summary>Formats a count.</summary>
    public static string Number(double number) => number.ToString("#,0.#", CultureInfo.InvariantCulture);

    /// <summary>Returns the warning about copies; none if they are few.</summary>
    /// <param name="share">The share of items that occur before.</param>
    /// <param name="noun">What an item is, in the plural.</param>
    public static IEnumerable<string> Copies(double share, string noun) => share <= ManyCopies ? [] :
        [$"{Percent(share)} of the {noun} are copies of others: a model learns nothing from them, and copies among the "
            + "held-out data make figures too good"];

    private static DataLook Pairs(PairPreview preview)
    {
        double copies = 1 - (Math.Max(preview.Source.Different, preview.Target.Different) / (double)preview.Pairs);
        return new(
        [
            new("pairs", Number(preview.Pairs)), .. Side("source", preview.Source), .. Side("target", preview.Target),
            new("copies", Percent(copies)),
        ], [.. Few(preview.Pairs, "pair", 5000), .. Copies(copies, "pairs")], preview.Pairs);

        IEnumerable<DataFact> Side(string name, PairSide side) =>
        [
            new($"{name} characters",
                $"{Number(side.Characters)} ({Number(side.Characters / (double)Math.Max(1, preview.Pairs))} each, "
                    + $"longest {Number(side.Longest)})"),
        ];
    }

    private static DataLook Table(TablePreview preview)
    {
        long cells = Math.Max(1, preview.Rows * preview.Columns.Count);
        double missing = preview.Columns.Sum(column => column.Missing) / (double)cells;
        string[] keys = [.. preview.Columns.Where(column => column.Different == preview.Rows && preview.Rows > 20
            && column.Kind != "numbers").Select(column => column.Name)];
        return new(
        [
            new("rows", Number(preview.Rows)), new("columns", Number(preview.Columns.Count)),
            .. preview.Columns.CountBy(column => column.Kind)
                .Select(kind => new DataFact($"columns of {kind.Key}", Number(kind.Value))),
            new("missing cells", Percent(missing)),
        ],
        [
            .. Few(preview.Rows, "row"),
            .. keys.Select(key =>
                $"the column {key} has another value in each row, as keys do: a model can learn nothing from it"),
        ], preview.Rows);
    }

    private static DataLook Tagged(TaggedPreview preview) => new(
    [
        new("sentences", Number(preview.Sentences)),
        new("words", $"{Number(preview.Words)}, {Number(preview.DifferentWords)} of them distinct"),
        new("tags", Classes([.. preview.Tags.Select(tag => (tag.Tag, tag.Count))])),
    ], [.. Few(preview.Sentences, "sentence")], preview.Sentences);

    private static DataLook Labelled(DataSection section, IProgress<string>? progress, CancellationToken cancellation)
    {
        var report = new ReadingReport(progress, cancellation);
        LabelledText[] texts =
        [
            .. SourceFiles.Find(section.Source, report, progress, cancellation)
                .Expand(report, "csv", "tsv", "jsonl", "parquet")
                .SelectMany(file => LabelledTable.Read(file, section, report)),
        ];
        (string, int)[] classes = Counts(texts.Select(text => text.Label));
        double copies = 1 - (texts.Select(text => text.Text).Distinct().Count() / (double)Math.Max(1, texts.Length));
        return new(
        [
            new("texts", Number(texts.Length)), new("labels", Classes(classes)), new("copies", Percent(copies)),
        ], [.. Few(texts.Length, "text"), .. Rare(classes), .. Copies(copies, "texts")], texts.Length);
    }

    private static DataLook Series(SeriesPreview preview)
    {
        int[] lengths = [.. preview.Lengths.Order()];
        return new(
        [
            new("series", Number(lengths.Length)), new("columns", Number(preview.Columns.Count)),
            new("rows", $"{Number(lengths.Sum(length => (long)length))} ({Number(lengths[0])} to {Number(lengths[^1])} "
                + "in a series)"),
        ], [.. Few(lengths.Sum(length => (long)length), "row")], lengths.Sum(length => (long)length));
    }

    private static DataLook Images(ImagePreview preview)
    {
        (string, int)[] classes = [.. preview.PerClass.Select(c => (c.Key, c.Value))];
        return new(
        [
            new("images", Number(preview.Count)),
            new("size", $"{preview.Schema.Width} × {preview.Schema.Height} in {preview.Schema.ColourName}"),
            new("classes", Classes(classes)),
        ], [.. Few(preview.Count, "image", 1000), .. Rare(classes)], preview.Count);
    }

    private static DataLook Sounds(AudioPreview preview)
    {
        (string, int)[] classes = [.. preview.PerClass.Select(c => (c.Key, c.Value))];
        return new(
        [
            new("sounds", Number(preview.Count)),
            new("length", $"{Quantity.Duration(preview.Seconds.Sum())} in all, "
                + $"{Quantity.Duration(preview.Seconds.Min())} to {Quantity.Duration(preview.Seconds.Max())} each"),
            new("sample rates", string.Join(", ", preview.SampleRates.Keys.Order().Select(rate => $"{rate} Hz"))),
            new("classes", Classes(classes)),
        ], [.. Few(preview.Count, "sound"), .. Rare(classes)], preview.Count);
    }

    private static DataLook Videos(VideoPreview preview)
    {
        (string, int)[] classes = [.. preview.PerClass.Select(c => (c.Key, c.Value))];
        return new(
        [
            new("videos", Number(preview.Count)),
            new("length",
                $"{Quantity.Duration(preview.Seconds.Sum())} in all, at {Number(preview.Fps)} frames per second"),
            new("classes", Classes(classes)),
        ], [.. Few(preview.Count, "video", 200), .. Rare(classes)], preview.Count);
    }

    private static IEnumerable<string> Few(long count, string noun, int few = FewItems) => count >= few ? [] :
        [$"{Quantity.Of(count, noun)} are few: expect a model that repeats them, or start from a trained model"];

    private static IEnumerable<string> Rare((string Name, int Count)[] classes) => classes
        .Where(one => one.Count < FewPerClass && classes.Length > 1).OrderBy(one => one.Count).Take(3)
        .Select(one => $"the class {one.Name} has {Quantity.Of(one.Count, "example")} only");

    private static (string Name, int Count)[] Counts(IEnumerable<string> labels) =>
        [.. labels.CountBy(label => label).Select(c => (c.Key, c.Value))];

    private static string Classes((string Name, int Count)[] classes) => classes.Length == 0 ? "none"
        : $"{Number(classes.Length)}, of {Number(classes.Min(c => c.Count))} to "
            + $"{Number(classes.Max(c => c.Count))} each";
}
