using System.CommandLine;
using System.Globalization;
using Atelier.Data;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Data.Pairs;
using Atelier.Data.Series;
using Atelier.Data.Tables;
using Atelier.Data.Tagged;
using Atelier.Data.Text;
using Atelier.Data.Video;
using Atelier.Recipes;

namespace Atelier.Cli.Commands;

/// <summary>Shows data of every kind.</summary>
internal sealed partial class DataShowCommand : ToolCommand
{
    private const int LongestShown = 400, LongestCell = 60;
    private const int ValuesInTable = 4, ValuesOfColumn = 50;

    private readonly Argument<string> _source = DataCommand.SourceArgument();
    private readonly Option<string?> _kind = new("--kind")
    {
        HelpName = "NAME",
        Description =
            $"How to read the source: {string.Join(", ", SourceKind.Named.Keys)}. By default, the kind of most of "
                + "its files.",
    };

    private readonly Option<string?> _column = new("--column")
    {
        HelpName = "NAME",
            Description = "Shows one column of a table; with --kind text, the column that holds the documents.",
    };

    private readonly Option<string?> _encoding = DataCommand.EncodingOption();
    private readonly Option<int> _count = new("--count")
    {
        HelpName = "N", Description = "The number of documents, sentences, images or sounds to show.",
            DefaultValueFactory = _ => 3,
    };

    private readonly Option<string?> _out = new("--out")
    {
        HelpName = "F.png",
        Description = "A PNG file to write images to, or waveforms and spectrograms of sounds, as a grid.",
    };

    public DataShowCommand(ToolConsole console)
        : base(console, "show", "Shows the size, the content and the beginning of a data set.",
            "atelier data show world:stories-en --count 2")
    {
        Add(_source);
        Add(_kind);
        Add(_column);
        Add(_encoding);
        Add(_count);
        Add(_out);
    }

    protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string? column = parse.GetValue(_column), place = parse.GetValue(_out);
        string source = parse.GetRequiredValue(_source);
        var section = new DataSection { Source = source, Column = column, Encoding = parse.GetValue(_encoding) };
        Modality kind = parse.GetValue(_kind) is not { } name ? SourceKind.Of(source)
            : SourceKind.Named.TryGetValue(name, out Modality asked) ? asked
            : throw new AtelierException($"there is no kind of data '{name}'", "--kind",
                $"there are {string.Join(", ", SourceKind.Named.Keys)}");
        if (place is not null && kind is not (Modality.Image or Modality.Audio or Modality.Video))
            throw new AtelierException("only images, sounds and videos can be written to a file", "--out",
                "leave it out");
        if (column is not null && kind is not (Modality.Table or Modality.Text))
            throw new AtelierException("only tables have columns", "--column", "leave it out");
        long seed = parse.GetValue<long?>(Tool.Seed) ?? 1;
        int count = parse.GetValue(_count);
        switch (kind)
        {
            case Modality.Image:
                ShowPictures(console, ImagePreview.Of(section, seed, count, console, cancellation), place, source);
                break;
            case Modality.Audio:
                ShowSounds(console, AudioPreview.Of(section, seed, count, console, cancellation), place, source);
                break;
            case Modality.Video:
                ShowVideos(console, VideoPreview.Of(section, seed, count, console, cancellation), place, source);
                break;
            case Modality.Table:
                ShowTable(console, TablePreview.Of(section, console, cancellation), column, source);
                break;
            case Modality.Series:
                ShowSeries(console, SeriesPreview.Of(section, console, cancellation), source);
                break;
            case Modality.Pairs:
                ShowPairs(console, PairPreview.Of(section, seed, count, console, cancellation), source);
                break;
            case Modality.Tagged:
                ShowTagged(console, TaggedPreview.Of(section, count, console, cancellation), source);
                break;
            default:
                ShowText(console, TextPreview.Of(section, seed, count, console, cancellation), source);
                break;
        }
        return Task.FromResult(0);
    }

    private static void ShowText(ToolConsole console, TextPreview preview, string source)
    {
        console.Say(string.Join(", ", Quantity.Of(preview.Documents, "document"),
            Quantity.Of(preview.Characters, "character"), Quantity.Of(preview.Bytes, "byte")));
        SayFound(console, preview.Encodings, preview.Notes);
        foreach (string text in preview.First)
            console.Say($"---\n{Cut(text, LongestShown)}");
        console.Result(() => PreviewJson.Of(preview, source));
    }

    private static void ShowTable(ToolConsole console, TablePreview preview, string? column, string source)
    {
        IReadOnlyList<ColumnPreview> shown = preview.Only(column, source);
        console.Say($"{Quantity.Of(preview.Rows, "row")}, {Quantity.Of(preview.Columns.Count, "column")}");
        SayFound(console, preview.Encodings, preview.Notes);
        string figures = column is null ? "minimum, median, maximum; or most frequent"
            : "minimum, quartiles, maximum; mean";
        console.Table(["column", "type", "missing", "distinct", figures], shown.Select(c => new[]
        {
            c.Name, c.Kind, Number(c.Missing), Number(c.Different), column is null ? Brief(c) : Figures(c),
        }));
        if (column is not null)
        {
            console.Table(["value", "rows"],
                shown[0].Counts.Take(ValuesOfColumn)
                    .Select(v => new[] { Cut(v.Value, LongestShown), Number(v.Count) }));
            if (shown[0].Different > ValuesOfColumn)
                console.Say($"and {Quantity.Of(shown[0].Different - ValuesOfColumn, "more value")}");
        }
        console.Result(() => PreviewJson.Of(preview, source, column));
    }

    private static void ShowSeries(ToolConsole console, SeriesPreview preview, string source)
    {
        int least = preview.Lengths.Min(), most = preview.Lengths.Max();
        string lengths = least == most ? Quantity.Of(most, "row") : $"{Number(least)} to {Quantity.Of(most, "row")}";
        console.Say($"{Quantity.Of(preview.Lengths.Count, "series", "series")} of {lengths}");
        SayFound(console, preview.Encodings, preview.Notes);
        console.Table(["column", "minimum", "mean", "standard deviation", "maximum"], preview.Columns.Select(c => new[]
        {
            c.Name, Number(c.Least), Number(c.Mean), Number(c.Deviation), Number(c.Greatest),
        }));
        console.Result(() => PreviewJson.Of(preview, source));
    }

    private static void ShowPairs(ToolConsole console, PairPreview preview, string source)
    {
        (string Name, PairSide Side)[] sides = [("source", preview.Source), ("target", preview.Target)];
        console.Say(Quantity.Of(preview.Pairs, "pair"));
        SayFound(console, preview.Encodings, preview.Notes);
        console.Table(["side", "characters", "longest", "distinct"], sides.Select(side => new[]
        {
            side.Name, Number(side.Side.Characters), Number(side.Side.Longest), Number(side.Side.Different),
        }));
        console.Table(["source", "characters", "target", "characters"], preview.First.Select(pair => new[]
        {
            Cut(pair.Source, LongestCell), Number(TextCount.Scalars(pair.Source)),
            Cut(pair.Target, LongestCell), Number(TextCount.Scalars(pair.Target)),
        }));
        console.Result(() => PreviewJson.Of(preview, source));
    }

    private static void ShowTagged(ToolConsole console, TaggedPreview preview, string source)
    {
        console.Say(string.Join(", ", Quantity.Of(preview.Sentences, "sentence"), Quantity.Of(preview.Words, "word"),
            $"{Number(preview.DifferentWords)} of them distinct"));
        SayFound(console, preview.Encodings, preview.Notes);
        console.Table(["tag", "words"], preview.Tags.Select(t => new[] { t.Tag, Number(t.Count) }));
        foreach (TaggedSentence sentence in preview.First)
        {
            IEnumerable<string> words = sentence.Words.Zip(sentence.Tags, (word, tag) => $"{word}/{tag}");
            console.Say(Cut(string.Join(' ', words), LongestShown));
        }

        console.Result(() => PreviewJson.Of(preview, source));
    }

    /// <summary>Shows the encodings of the files and the notes of the reader.</summary>
    private static void SayFound(
        ToolConsole console, IReadOnlyDictionary<string, string> encodings, IReadOnlyList<string> notes)
    {
        foreach ((string encoding, int files) in encodings.Values.CountBy(e => e).OrderByDescending(e => e.Value))
            console.Say($"encoding: {encoding}" + (encodings.Count == 1 ? "" : $" ({Quantity.Of(files, "file")})"));
        foreach (string note in notes)
            console.Say(note);
    }

    private static string Brief(ColumnPreview column)
    {
        if (column.Quantiles is [var least, _, var median, _, var greatest])
            return $"{Number(least)}, {Number(median)}, {Number(greatest)}";
        IEnumerable<string> frequent =
            column.Counts.Take(ValuesInTable).Select(v => $"{Cut(v.Value, LongestCell)} ({Number(v.Count)})");
        return string.Join(", ", frequent);
    }

    private static string Figures(ColumnPreview column) => column.Quantiles.Count == 0 ? ""
        : $"{string.Join(", ", column.Quantiles.Select(Number))}; {Number(column.Mean)}";

    private static string Cut(string text, int longest) => text.Length <= longest ? text : text[..longest] + " …";

    private static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>Formats a number with six digits, or more if it has more before the decimal point.</summary>
    private static string Number(double number) => Math.Abs(number) >= 1e5
        ? Math.Round(number, 1).ToString("R", CultureInfo.InvariantCulture)
        : number.ToString("G6", CultureInfo.InvariantCulture);
}
