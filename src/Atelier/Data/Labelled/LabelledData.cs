using System.Text.Encodings.Web;
using System.Text.Json;
using Atelier.Data.Text;
using Atelier.Data.Text.Reading;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Tensors;

namespace Atelier.Data.Labelled;

/// <summary>
/// Texts with a label each, split into training, validation and test parts, and stored in a folder that can be
/// reopened.
/// </summary>
public sealed class LabelledData : IDataSource
{
    private const int MostLabels = 10_000;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private LabelledData(PreparedFacts facts, IReadOnlyList<LabelledText>[] parts) =>
        (Facts, Train, Validation, Test) = (facts, parts[0], parts[1], parts[2]);

    /// <inheritdoc/>
    public Modality Modality => Modality.Labelled;

    /// <summary>Where the data came from, and notes of how they were prepared.</summary>
    public PreparedFacts Facts { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => Facts.Notes;

    /// <summary>The training texts.</summary>
    public IReadOnlyList<LabelledText> Train { get; }

    /// <summary>The validation texts; may be empty.</summary>
    public IReadOnlyList<LabelledText> Validation { get; }

    /// <summary>The test texts; may be empty.</summary>
    public IReadOnlyList<LabelledText> Test { get; }

    /// <summary>
    /// Reads two columns of tables, leaves out rows without a text or a label, and splits the others into parts, so
    /// that equal texts are in the same part. If the files are named for their parts (train, dev or valid, test), that
    /// published split is kept.
    /// </summary>
    /// <param name="section">The data section of the recipe, which names the columns.</param>
    /// <param name="seed">The seed of the split.</param>
    /// <param name="folder">The folder to write.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation; the folder then holds no prepared data.</param>
    /// <exception cref="AtelierException">The source is missing or no table, lacks a column, or has no labelled
    /// texts.</exception>
    public static LabelledData Prepare(DataSection section, long seed, string folder,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        TextDataPreparation.CheckShares(section.Split);
        var report = new ReadingReport(progress, cancellation);
        IReadOnlyList<string> files = SourceFiles.Find(section.Source, report, progress, cancellation)
            .Expand(report, "csv", "tsv", "jsonl", "parquet");
        List<LabelledText> Read(IEnumerable<string> some) => [.. some
            .SelectMany(file => LabelledTable.Read(file, section, report)).StoppedBy(cancellation)
            .Select(row => new LabelledText(row.Text.Trim(), row.Label.Trim()))];
        bool learns = section.Split.Train > 0;
        List<LabelledText>[] parts = learns && ExampleChoice.Parts(files) is { } named ? [.. named.Select(Read)]
            : Split(Read(files), section.Split, seed);
        parts = [.. parts.Select(part => Complete(part, section, report))];
        parts[0] = ExampleChoice.Of(parts[0], section.Examples, seed, report);
        progress?.Report($"read {Quantity.Of(parts.Sum(part => part.Count), "labelled text")}");
        if (parts[learns ? 0 : 2].Count == 0)
            throw new AtelierException($"holds no labelled texts to {(learns ? "train" : "evaluate")} on",
                section.Source, $"the columns '{section.Column}' and '{section.Label}' are empty");
        if (parts.SelectMany(part => part).Select(text => text.Label).Distinct().Count() is > MostLabels and int labels)
            throw new AtelierException($"column '{section.Label}' has {labels} different labels", section.Source,
                "name a column of few labels in data.label");
        Directory.CreateDirectory(folder);
        File.Delete(Path.Combine(folder, PreparedFacts.FileName));
        foreach ((int part, List<LabelledText> texts) in parts.Index())
            AtomicFile.WriteText(PathOf(folder, (Part)part),
                string.Concat(texts.Select(text => JsonSerializer.Serialize(text, Json) + "\n")));
        new PreparedFacts { Source = section.Source, Notes = report.Notes }.Write(folder);
        return Open(folder);
    }

    /// <summary>Opens a folder that <see cref="Prepare"/> wrote.</summary>
    /// <exception cref="AtelierException">The folder does not hold prepared data, or is damaged.</exception>
    public static LabelledData Open(string folder)
    {
        PreparedFacts facts = PreparedFacts.Read(folder);
        return new LabelledData(facts, [.. ((Part[])[Part.Train, Part.Validation, Part.Test])
            .Select(part => ReadPart(PathOf(folder, part)))]);
    }

    /// <summary>
    /// Returns these data with their training part replaced by the texts that a model was trained on, if given.
    /// </summary>
    internal LabelledData Learning(LabelledData? learned) => learned is null ? this
        : new LabelledData(Facts, [learned.Train, Validation, Test]);

    /// <inheritdoc/>
    public void Dispose()
    {
        // The data are lists, which need no release.
    }

    private static List<LabelledText>[] Split(List<LabelledText> all, SplitSection shares, long seed)
    {
        if (shares.Train == 0)
            return [[], [], all];
        var numbers = new Dictionary<string, ulong>();
        var contents = new ulong[all.Count];
        for (int i = 0; i < contents.Length; i++)
        {
            numbers.TryAdd(all[i].Text, (ulong)i);
            contents[i] = numbers[all[i].Text];
        }
        var split = new DocumentSplit(contents, shares, seed);
        List<LabelledText> Texts(Part part) => [.. split.Documents(part).Select(i => all[i])];
        return [Texts(Part.Train), Texts(Part.Validation), Texts(Part.Test)];
    }

    private static List<LabelledText> Complete(List<LabelledText> texts, DataSection section, ReadingReport report)
    {
        List<LabelledText> kept = [.. texts.Where(text => text.Text.Length > 0 && text.Label.Length > 0)];
        int removed = texts.Count - kept.Count;
        if (removed > 0)
            report.Note($"{Quantity.Of(removed, "row")} without a text in column '{section.Column}' or a label in "
                + $"column '{section.Label}' {(removed == 1 ? "was" : "were")} left out.");
        return kept;
    }

    private static string PathOf(string folder, Part part) =>
        Path.Combine(folder, part.ToString().ToLowerInvariant() + ".jsonl");

    private static List<LabelledText> ReadPart(string path)
    {
        try
        {
            return [.. File.ReadLines(path).Select(line => JsonSerializer.Deserialize<LabelledText>(line, Json)
                ?? throw new JsonException("a line is null"))];
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("the prepared data cannot be read: " + e.Message.TrimEnd('.'), path,
                "prepare the data again", e);
        }
    }
}
