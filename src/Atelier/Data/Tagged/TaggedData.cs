using System.Globalization;
using Atelier.Data.Text;
using Atelier.Data.Text.Reading;
using Atelier.Formats;
using Atelier.Recipes;

namespace Atelier.Data.Tagged;

/// <summary>
/// Sentences with a tag for each word, split into training, validation and test parts, and stored in a folder that can
/// be reopened.
/// </summary>
public sealed class TaggedData : IDataSource
{
    private TaggedData(PreparedFacts facts, IReadOnlyList<TaggedSentence>[] parts) =>
        (Facts, Train, Validation, Test) = (facts, parts[0], parts[1], parts[2]);

    /// <inheritdoc/>
    public Modality Modality => Modality.Tagged;

    /// <summary>Where the data came from, and notes of how they were prepared.</summary>
    public PreparedFacts Facts { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => Facts.Notes;

    /// <summary>The training sentences.</summary>
    public IReadOnlyList<TaggedSentence> Train { get; }

    /// <summary>The validation sentences; may be empty.</summary>
    public IReadOnlyList<TaggedSentence> Validation { get; }

    /// <summary>The test sentences; may be empty.</summary>
    public IReadOnlyList<TaggedSentence> Test { get; }

    /// <summary>
    /// Reads CoNLL-U files and splits their sentences into parts. If the files are named for their parts (train, dev or
    /// valid, test), that published split is kept.
    /// </summary>
    /// <param name="section">The data section of the recipe.</param>
    /// <param name="seed">The seed of the split.</param>
    /// <param name="folder">The folder to write.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation; the folder then holds no prepared data.</param>
    /// <exception cref="AtelierException">The source is missing or not CoNLL-U.</exception>
    public static TaggedData Prepare(DataSection section, long seed, string folder, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        var report = new ReadingReport(progress, cancellation);
        IReadOnlyList<string> files = SourceFiles.Find(section.Source, report, progress, cancellation)
            .Expand(report, "conllu", "conll");
        List<TaggedSentence> Read(IEnumerable<string> some) =>
            [.. some.SelectMany(file => ConlluFile.Read(file, section.Tags, report, section.Encoding))];
        List<TaggedSentence>[] parts;
        if (section.Split.Train > 0 && ExampleChoice.Parts(files) is { } named)
        {
            parts = [.. named.Select(Read)];
            report.Note("The split of the files into training, validation and test data was kept.");
        }
        else
        {
            List<TaggedSentence> all = Read(files);
            ulong[] contents = [.. Enumerable.Range(0, all.Count).Select(i => (ulong)i)];
            var split = new DocumentSplit(contents, section.Split, seed);
            List<TaggedSentence> Sentences(Part part) => [.. split.Documents(part).Select(i => all[i])];
            parts = [Sentences(Part.Train), Sentences(Part.Validation), Sentences(Part.Test)];
        }
        parts[0] = ExampleChoice.Of(parts[0], section.Examples, seed, report);
        long words = parts.Sum(part => part.Sum(sentence => (long)sentence.Words.Count));
        progress?.Report(
            $"read {Quantity.Of(parts.Sum(part => part.Count), "sentence")}, {Quantity.Of(words, "word")}");
        if (parts[section.Split.Train > 0 ? 0 : 2].Count == 0)
            throw new AtelierException($"holds no sentences to {(section.Split.Train > 0 ? "learn from" : "judge by")}",
                section.Source, "provide CoNLL-U: one word per line, sentences separated by blank lines");
        Directory.CreateDirectory(folder);
        File.Delete(Path.Combine(folder, PreparedFacts.FileName));
        for (int part = 0; part < parts.Length; part++)
            Write(PathOf(folder, (Part)part), parts[part]);
        new PreparedFacts { Source = section.Source, Notes = report.Notes }.Write(folder);
        return Open(folder);
    }

    /// <summary>Opens a folder that <see cref="Prepare"/> wrote.</summary>
    /// <exception cref="AtelierException">The folder does not hold prepared data, or is damaged.</exception>
    public static TaggedData Open(string folder)
    {
        PreparedFacts facts = PreparedFacts.Read(folder);
        IReadOnlyList<TaggedSentence> Sentences(Part part) => Read(PathOf(folder, part));
        return new TaggedData(facts, [Sentences(Part.Train), Sentences(Part.Validation), Sentences(Part.Test)]);
    }

    /// <summary>
    /// Returns these data with their training part replaced by the sentences that a model was trained on, if given.
    /// </summary>
    internal TaggedData Learning(TaggedData? learned) => learned is null ? this
        : new TaggedData(Facts, [learned.Train, Validation, Test]);

    /// <inheritdoc/>
    public void Dispose()
    {
        // The data are lists, which need no release.
    }

    private static string PathOf(string folder, Part part) =>
        Path.Combine(folder, part.ToString().ToLowerInvariant() + ".tagged");

    // One word and its tag per line, separated by a tab, with a blank line after each sentence: readable by people too.
    private static void Write(string path, IEnumerable<TaggedSentence> sentences) => AtomicFile.Write(path, stream =>
    {
        using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
        foreach (TaggedSentence sentence in sentences)
        {
            for (int i = 0; i < sentence.Words.Count; i++)
                writer.WriteLine($"{sentence.Words[i]}\t{sentence.Tags[i]}");
            writer.WriteLine();
        }
    });

    private static List<TaggedSentence> Read(string path)
    {
        if (!File.Exists(path))
            throw new AtelierException("is missing", path, "prepare the data again");
        var sentences = new List<TaggedSentence>();
        List<string> words = [], tags = [];
        foreach (string line in File.ReadLines(path))
        {
            if (line.Length == 0)
            {
                sentences.Add(new TaggedSentence(words, tags));
                (words, tags) = ([], []);
                continue;
            }
            int tab = line.LastIndexOf('\t');
            if (tab < 0)
                throw new AtelierException($"'{line}' is not a word and its tag", path, "prepare the data again");
            words.Add(line[..tab]);
            tags.Add(line[(tab + 1)..]);
        }
        return sentences;
    }
}
