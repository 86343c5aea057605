using System.Text.Json.Nodes;
using Atelier.Data;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Data.Pairs;
using Atelier.Data.Series;
using Atelier.Data.Tables;
using Atelier.Data.Tagged;
using Atelier.Data.Text;
using Atelier.Data.Text.Cleaning;
using Atelier.Data.Text.Reading;
using Atelier.Data.Video;
using Atelier.Evaluation.Plots;
using Atelier.Recipes;

namespace Atelier.Server.Uploads;

/// <summary>What is in data, with images and sounds that a page can show.</summary>
internal static class DataPreview
{
    private const long Seed = 1;
    private const int LongestText = 2000, LongestRemoved = 200, MostRemoved = 5, MostSounds = 6;
    private const long MostCleaned = 20_000_000; // bytes of text that are read again for its cleaning

    /// <summary>Reads data.</summary>
    /// <param name="known">The data.</param>
    /// <param name="kind">How to read them.</param>
    /// <param name="column">The column that holds documents, or the column of a table to describe.</param>
    /// <param name="count">The number of documents, pairs, images, sounds or videos to show.</param>
    /// <param name="cancellation">Cancels reading.</param>
    /// <exception cref="AtelierException">The data cannot be read in this way.</exception>
    public static JsonObject Of(KnownData known, Modality kind, string? column, int count,
        CancellationToken cancellation)
    {
        if (column is not null && kind is not (Modality.Table or Modality.Text))
            throw new AtelierException("only tables have columns", Mention.Field("column"), "leave it out");
        var section = new DataSection { Source = known.Source, Column = column };
        (JsonObject json, JsonArray media) = kind switch
        {
            Modality.Image => Images(ImagePreview.Of(section, Seed, count, null, cancellation), known),
            Modality.Audio => Sounds(AudioPreview.Of(section, Seed, Math.Min(count, MostSounds), null, cancellation),
                known),
            Modality.Video => Videos(VideoPreview.Of(section, Seed, count, null, cancellation), known),
            Modality.Table => (PreviewJson.Of(TablePreview.Of(section with { Column = null }, null, cancellation),
                known.Id, column), []),
            Modality.Series => (PreviewJson.Of(SeriesPreview.Of(section, null, cancellation), known.Id), []),
            Modality.Pairs => (PreviewJson.Of(PairPreview.Of(section, Seed, count, null, cancellation), known.Id), []),
            Modality.Tagged => (PreviewJson.Of(TaggedPreview.Of(section, count, null, cancellation), known.Id), []),
            _ => (Text(section, known, count, cancellation), new JsonArray()),
        };
        json.Insert(0, "id", known.Id);
        json["media"] = media;
        return json;
    }

    private static JsonObject Text(DataSection section, KnownData known, int count, CancellationToken cancellation)
    {
        TextPreview preview = TextPreview.Of(section, Seed, count, null, cancellation);
        JsonObject json = PreviewJson.Of(preview with
        {
            First = [.. preview.First.Select(text => Cut(text, LongestText))],
        }, known.Id);
        json["cleaning"] = preview.Bytes > MostCleaned ? null : Cleaning(section, cancellation);
        return json;
    }

    /// <summary>What the cleaning steps would remove: documents that occur twice, and those without a word.</summary>
    private static JsonObject Cleaning(DataSection section, CancellationToken cancellation)
    {
        var once = new TextCleaning(["duplicates"]);
        int duplicates = 0, empty = 0;
        var removed = new JsonArray();
        foreach (DocumentPiece piece in TextPreview.Read(section, Seed, new TextCleaning([]),
            new ReadingReport(null, cancellation), null, cancellation))
        {
            if (string.IsNullOrWhiteSpace(piece.Text))
                empty += piece.Whole ? 1 : 0;
            else if (once.Clean(piece) is null)
            {
                duplicates++;
                if (removed.Count < MostRemoved)
                    removed.Add(new JsonObject
                    {
                        ["text"] = Cut(piece.Text, LongestRemoved), ["reason"] = "duplicate",
                    });
            }
        }
        return new JsonObject { ["duplicates"] = duplicates, ["empty"] = empty, ["removed"] = removed };
    }

    /// <summary>Images as a training reads them, which reduces large ones.</summary>
    private static (JsonObject Json, JsonArray Media) Images(ImagePreview preview, KnownData known)
    {
        ImageSchema schema = preview.Schema;
        return (PreviewJson.Of(preview, known.Id), [.. preview.First.Select((image, i) => Medium($"{i + 1}.png",
            "image/png", ImageFiles.EncodePng(schema.Width, schema.Height, schema.Channels, image.Span), null))]);
    }

    private static (JsonObject Json, JsonArray Media) Sounds(AudioPreview preview, KnownData known) =>
        (PreviewJson.Of(preview, known.Id), [.. preview.First.SelectMany(one => new[]
        {
            Medium(one.Name, "audio/wav", AudioFiles.EncodeWav(one.Sound), one.Class),
            Medium(one.Name, "image/png", SoundSheet.Encode([(one.Class ?? one.Name, one.Sound)]), one.Class),
        })]);

    private static (JsonObject Json, JsonArray Media) Videos(VideoPreview preview, KnownData known) =>
        (PreviewJson.Of(preview, known.Id),
            preview.Encode() is { } png ? [Medium("frames.png", "image/png", png, null)] : []);

    private static JsonNode Medium(string name, string type, byte[] content, string? label)
    {
        var json = new JsonObject
        {
            ["name"] = name, ["media_type"] = type, ["b64"] = Convert.ToBase64String(content),
        };
        if (label is not null)
            json["label"] = label;
        return json;
    }

    private static string Cut(string text, int longest) => text.Length <= longest ? text
        : text[..(char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest)] + " …";
}
