using System.Runtime.ExceptionServices;
using Atelier.Data.Text.Cleaning;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Tokenizers;

namespace Atelier.Data.Text;

/// <summary>
/// Prepares token files from a source: reads, cleans and splits the documents, trains the tokenizer and encodes the
/// documents.
/// </summary>
/// <param name="section">The data section of the recipe.</param>
/// <param name="seed">The seed of the split and of a world's documents.</param>
/// <param name="folder">The folder to write.</param>
/// <param name="ends">Whether documents end with an end-of-text token; null for all sources but a single document.
/// </param>
/// <param name="progress">Receives a one-line message at each stage.</param>
/// <param name="cancellation">Cancels the operation.</param>
internal sealed class TextDataPreparation(
    DataSection section, long seed, string folder, bool? ends, IProgress<string>? progress,
    CancellationToken cancellation)
{
    private const int CharactersAtOnce = 4 << 20;
    private const int DocumentsPerReport = 100_000;

    /// <summary>The tokens to add to the tokenizer of a file.</summary>
    public IReadOnlyList<string> AddedTokens { get; init; } = [];

    private readonly ReadingReport _report = new(progress, cancellation);

    /// <summary>Writes all files of the folder. facts.json is last: if it exists, the others are complete.</summary>
    public void Run()
    {
        var cleaning = new TextCleaning(section.Clean);
        CheckShares(section.Split);
        CheckParts();
        TextSourceChoice source = TextSourceChoice.Find(section, seed, _report, progress, cancellation);
        using var spool = new DocumentSpool(Path.Combine(folder, "documents.partial"));
        File.Delete(Path.Combine(folder, TextData.FactsFile));
        Store(source.Documents, cleaning, spool);
        if (spool.Count == 0)
            throw new AtelierException("no text is left to train on", section.Source,
                section.Clean.Count > 0 ? "remove steps from data.clean" : "provide a source with text");

        // A single document gets no end-of-text token, because a model would hardly see it. Data for the evaluation of
        // a model that has one get it in any case.
        bool single = !(ends ?? spool.Count > 1);
        var split = new DocumentSplit(spool.Contents, spool.Sizes, IsSplit ? SplitSection.None : section.Split, seed);
        if (split.Describe("documents", "characters") is { } how)
            _report.Note(how);
        using DocumentSpool? validation = StorePart(section.Validation, cleaning, Part.Validation),
            test = StorePart(section.Test, cleaning, Part.Test);
        IEnumerable<DocumentPiece> Pieces(Part part)
        {
            DocumentSpool? own = part switch { Part.Validation => validation, Part.Test => test, _ => null };
            return (own is null
                ? split.Stretches(part).SelectMany(stretch =>
                    Cut(spool.Read(stretch.Document), stretch.From, stretch.To))
                : Enumerable.Range(0, own.Count).SelectMany(own.Read)).StoppedBy(cancellation);
        }

        Tokenizer tokenizer = MakeTokenizer(section.Tokenizer, AddedTokens,
            Pieces(Part.Train).Select(piece => piece.Text),
            progress, cancellation);
        if (!single && tokenizer.EndOfTextId is null)
            throw new AtelierException("the tokenizer has no end-of-text token to separate documents",
                section.Tokenizer.File,
                "use another tokenizer, or a single file as one document (data.document=file)");
        foreach (Part part in (ReadOnlySpan<Part>)[Part.Train, Part.Validation, Part.Test])
            WriteTokens(part, Pieces(part), tokenizer, single ? null : tokenizer.EndOfTextId);
        tokenizer.Save(Path.Combine(folder, TextData.TokenizerFileName));
        new TextDataFacts
        {
            Source = section.Source,
            Encodings = _report.Encodings,
            Cleaning = cleaning.Results,
            Notes = _report.Notes,
            StartId = single ? LineEnd(tokenizer) : tokenizer.EndOfTextId!.Value,
            ExactEntropy = source.ExactEntropy,
        }.Write(Path.Combine(folder, TextData.FactsFile));
    }

    private bool IsSplit => section.Validation is not null || section.Test is not null;

    private void CheckParts()
    {
        if (IsSplit && section.Split != new SplitSection())
            throw new AtelierException("the data are already split by data.validation and data.test", "data.split",
                "leave it out");
    }

    /// <summary>Cleans and stores the documents of a part that has a file of its own; null if it has none.</summary>
    private DocumentSpool? StorePart(string? path, TextCleaning cleaning, Part part)
    {
        if (path is null)
            return null;
        TextSourceChoice source = TextSourceChoice.Find(section with { Source = path }, seed, _report, progress,
            cancellation);
        var spool = new DocumentSpool(Path.Combine(folder, $"{part.ToString().ToLowerInvariant()}.partial"));
        Store(source.Documents, cleaning, spool);
        if (spool.Count == 0)
        {
            spool.Dispose();
            throw new AtelierException($"no text is left for the {part.ToString().ToLowerInvariant()} part", path,
                "provide a source with text");
        }
        _report.Note($"The {part.ToString().ToLowerInvariant()} part is {Path.GetFileName(path)}.");
        return spool;
    }

    /// <summary>Checks that the shares of a split sum to at most 1.</summary>
    /// <exception cref="AtelierException">They sum to more.</exception>
    internal static void CheckShares(SplitSection split)
    {
        if (split.Train + split.Validation + split.Test > 1 + 1e-9)
            throw new AtelierException(
                $"the shares of training, validation and test data sum to "
                    + $"{split.Train + split.Validation + split.Test:0.###}",
                "data.split", "make them sum to at most 1");
    }

    /// <summary>Cleans the documents and stores them in the spool.</summary>
    private void Store(IEnumerable<DocumentPiece> documents, TextCleaning cleaning, DocumentSpool spool)
    {
        int reported = 0;
        foreach (DocumentPiece piece in documents)
        {
            cancellation.ThrowIfCancellationRequested();
            spool.Add(cleaning.Clean(piece) ?? "", piece.Ends);
            if (spool.Count < reported + DocumentsPerReport)
                continue;
            reported = spool.Count;
            progress?.Report($"reading: {Size()}");
        }
        progress?.Report($"read {Size()}");

        string Size() => $"{Quantity.Of(spool.Count, "document")}, {Quantity.Of(spool.Characters, "character")}";
    }

    /// <summary>
    /// Returns the characters of a document from one position to another, as pieces of a document of their own.
    /// </summary>
    private static IEnumerable<DocumentPiece> Cut(IEnumerable<DocumentPiece> pieces, long from, long to)
    {
        long at = 0;
        foreach (DocumentPiece piece in pieces)
        {
            long length = TextCount.Scalars(piece.Text);
            int first = Utf16Index(piece.Text, Math.Clamp(from - at, 0, length));
            int last = Utf16Index(piece.Text, Math.Clamp(to - at, 0, length));
            if (first < last)
                yield return new(piece.Text[first..last], at <= from, at + length >= to);
            at += length;
            if (at >= to)
                yield break;
        }
    }

    /// <summary>Returns the UTF-16 index of the character (Unicode scalar value) with the given number.</summary>
    private static int Utf16Index(string text, long character)
    {
        int index = 0;
        for (; character > 0; character--)
        {
            bool isPair = char.IsHighSurrogate(text[index]) && index + 1 < text.Length
                && char.IsLowSurrogate(text[index + 1]);
            index += isPair ? 2 : 1;
        }
        return index;
    }

    /// <summary>Loads the tokenizer that a recipe names, or trains one.</summary>
    /// <exception cref="AtelierException">The tokenizer's file is missing or damaged.</exception>
    internal static Tokenizer MakeTokenizer(TokenizerSection options, IReadOnlyList<string> added,
        IEnumerable<string> training, IProgress<string>? progress, CancellationToken cancellation)
    {
        if (options.File is not null)
            return TokenizerFile.Load(options.File, added, special: false);
        progress?.Report($"training the {options.Kind.ToString().ToLowerInvariant()} tokenizer");
        return options.Kind switch
        {
            TokenizerKind.Byte => new ByteTokenizer(),
            TokenizerKind.Bpe => BpeTokenizer.Train(training, options.VocabularySize, cancellation: cancellation),
            TokenizerKind.WordPiece => WordPieceTokenizer.Train(training, options.VocabularySize, options.LowerCase,
                cancellation),
            TokenizerKind.Unigram => UnigramTokenizer.Train(training, options.VocabularySize,
                cancellation: cancellation),
            TokenizerKind.Word => WordLevelTokenizer.Train(training, options.VocabularySize, cancellation),
            _ => CharacterTokenizer.Train(training, options.ByteFallback),
        };
    }

    private void WriteTokens(Part part, IEnumerable<DocumentPiece> pieces, Tokenizer tokenizer, int? endOfTextId)
    {
        string name = part.ToString().ToLowerInvariant();
        long tokens = 0;
        TokenFileWriter.Write(TextData.PathOf(folder, part), tokenizer.VocabularySize, endOfTextId, writer =>
        {
            foreach (List<DocumentPiece> batch in Batches(pieces))
            {
                cancellation.ThrowIfCancellationRequested();
                if (tokens > 0)
                    progress?.Report($"{name}: {Quantity.Of(tokens, "token")} so far");
                int[][] ids = EncodeAll([.. batch.Select(piece => piece.Text)], tokenizer, cancellation);
                for (int i = 0; i < ids.Length; i++)
                {
                    writer.Add(ids[i], TextCount.Scalars(batch[i].Text), TextCount.Bytes(batch[i].Text));
                    if (batch[i].Ends)
                        writer.EndDocument();
                    tokens += ids[i].Length;
                }
            }
        });
        if (tokens > 0)
        {
            progress?.Report($"{name}: {Quantity.Of(tokens, "token")}");
            return;
        }
        double share = part switch
        {
            _ when IsSplit => 0,
            Part.Train => section.Split.Train,
            Part.Validation => section.Split.Validation,
            _ => section.Split.Test,
        };
        if (share > 0)
            _report.Note($"There is too little text for a {name} part.");
    }

    private static IEnumerable<List<DocumentPiece>> Batches(IEnumerable<DocumentPiece> pieces)
    {
        var batch = new List<DocumentPiece>();
        int characters = 0;
        foreach (DocumentPiece piece in pieces)
        {
            batch.Add(piece);
            characters += piece.Text.Length + 16;
            if (characters < CharactersAtOnce)
                continue;
            yield return batch;
            batch = [];
            characters = 0;
        }
        if (batch.Count > 0)
            yield return batch;
    }

    /// <summary>Encodes texts on all cores.</summary>
    /// <exception cref="AtelierException">A text has a character that the vocabulary cannot encode.</exception>
    internal static int[][] EncodeAll(IReadOnlyList<string> texts, Tokenizer tokenizer, CancellationToken cancellation)
    {
        var ids = new int[texts.Count][];
        try
        {
            Parallel.For(0, ids.Length, new ParallelOptions { CancellationToken = cancellation },
                i => ids[i] = tokenizer.Encode(texts[i]));
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
        return ids;
    }

    /// <summary>
    /// Returns the token of a line end, with which generation starts if the data have no end-of-text token.
    /// </summary>
    private static int LineEnd(Tokenizer tokenizer)
    {
        // Where the vocabulary cannot represent a line end, any start token is as good as another.
        int otherwise = tokenizer.EndOfTextId ?? 0;
        try
        {
            return tokenizer.Encode("\n") is [.., int end] ? end : otherwise;
        }
        catch (AtelierException)
        {
            return otherwise;
        }
    }
}
