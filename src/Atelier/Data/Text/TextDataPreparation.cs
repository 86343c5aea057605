using System.Runtime.ExceptionServices;
using Atelier.Data.Text.Cleaning;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Tokenizers;

namespace Atelier.Data.Text;

/// <summary>
/// Prepares token files from a source: reads, cleans, stores and splits the documents, trains the tokenizer and encodes
/// them.
/// </summary>
internal sealed class TextDataPreparation(
    DataSection section, long seed, string folder, bool? ends, IProgress<string>? progress,
        CancellationToken cancellation)
{
    private const int CharactersAtOnce = 4 << 20;
    private const int DocumentsPerReport = 100_000;

    private readonly ReadingReport _report = new(progress, cancellation);

    /// <summary>Writes all files of the folder. facts.json comes last and shows that the others are complete.</summary>
    public void Run()
    {
        var cleaning = new TextCleaning(section.Clean);
        CheckShares(section.Split);
        TextSourceChoice source = TextSourceChoice.Find(section, seed, _report, progress, cancellation);
        using var spool = new DocumentSpool(Path.Combine(folder, "documents.partial"));
        File.Delete(Path.Combine(folder, TextData.FactsFile));
        SetDown(source.Documents, cleaning, spool);
        if (spool.Count == 0)
            throw new AtelierException("no text is left to train on", section.Source,
                section.Clean.Count > 0 ? "remove steps from data.clean" : "provide a source with text");

        // A single document has no end that was ever seen; a model that knows ends is judged on documents that have
        // them.
        bool single = !(ends ?? spool.Count > 1);
        var split = new DocumentSplit(spool.Contents, spool.Sizes, section.Split, seed);
        if (split.Describe("documents", "characters") is { } how)
            _report.Note(how);
        IEnumerable<DocumentPiece> Pieces(Part part) => split.Stretches(part)
            .SelectMany(stretch => Cut(spool.Read(stretch.Document), stretch.From, stretch.To)).StoppedBy(cancellation);

        Tokenizer tokenizer = MakeTokenizer(Pieces(Part.Train).Select(piece => piece.Text));
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

    private static void CheckShares(SplitSection split)
    {
        if (split.Train + split.Validation + split.Test > 1 + 1e-9)
            throw new AtelierException(
                $"the shares of training, validation and test data sum to "
                    + $"{split.Train + split.Validation + split.Test:0.###}",
                "data.split", "make them sum to at most 1");
    }

    private void SetDown(IEnumerable<DocumentPiece> documents, TextCleaning cleaning, DocumentSpool spool)
    {
        int reported = 0;
        foreach (DocumentPiece piece in documents)
        {
            cancellation.ThrowIfCancellationRequested();
            spool.Add(cleaning.Clean(piece) ?? "", piece.Ends);
            if (spool.Count < reported + DocumentsPerReport)
                continue;
            reported = spool.Count;
            progress?.Report(
                FormattableString.Invariant(
                $"reading: {Quantity.Of(spool.Count, "document")}, {Quantity.Of(spool.Characters, "character")}"));
        }
        progress?.Report(
            FormattableString.Invariant(
            $"read {Quantity.Of(spool.Count, "document")}, {Quantity.Of(spool.Characters, "character")}"));
    }

    /// <summary>A stretch of a document, in characters; it ends where it was cut.</summary>
    private static IEnumerable<DocumentPiece> Cut(IEnumerable<DocumentPiece> pieces, long from, long to)
    {
        long at = 0;
        foreach (DocumentPiece piece in pieces)
        {
            long length = TextCount.Scalars(piece.Text);
            int first = Place(piece.Text, Math.Clamp(from - at, 0, length)),
                last = Place(piece.Text, Math.Clamp(to - at, 0, length));
            if (first < last)
                yield return new(piece.Text[first..last], at <= from, at + length >= to);
            at += length;
            if (at >= to)
                yield break;
        }
    }

    /// <summary>The UTF-16 place of the character of that number.</summary>
    private static int Place(string text, long character)
    {
        int place = 0;
        for (; character > 0; character--)
            place += char.IsHighSurrogate(text[place]) && place + 1 < text.Length
                && char.IsLowSurrogate(text[place + 1]) ? 2 : 1;
        return place;
    }

    private Tokenizer MakeTokenizer(IEnumerable<string> training)
    {
        TokenizerSection options = section.Tokenizer;
        if (options.File is not null)
            return TokenizerFile.Load(options.File);
        progress?.Report(
            FormattableString.Invariant($"training the {options.Kind.ToString().ToLowerInvariant()} tokenizer"));
        return options.Kind switch
        {
            TokenizerKind.Byte => new ByteTokenizer(),
            TokenizerKind.Bpe => BpeTokenizer.Train(training, options.VocabularySize, cancellation: cancellation),
            _ => CharacterTokenizer.Train(training, options.ByteFallback),
        };
    }

    private void WriteTokens(Part part, IEnumerable<DocumentPiece> pieces, Tokenizer tokenizer, int? endOfTextId)
    {
        string name = part.ToString().ToLowerInvariant();
        long tokens = 0, documents = 0;
        TokenFileWriter.Write(TextData.PathOf(folder, part), tokenizer.VocabularySize, endOfTextId, writer =>
        {
            foreach (List<DocumentPiece> some in Batches(pieces))
            {
                cancellation.ThrowIfCancellationRequested();
                if (tokens > 0)
                    progress?.Report($"{name}: {Quantity.Of(tokens, "token")} so far");
                int[][] ids = EncodeAll(some, tokenizer);
                for (int i = 0; i < ids.Length; i++)
                {
                    writer.Add(ids[i], TextCount.Scalars(some[i].Text), TextCount.Bytes(some[i].Text));
                    if (some[i].Ends)
                        writer.EndDocument();
                    tokens += ids[i].Length;
                    documents += some[i].Ends ? 1 : 0;
                }
            }
        });
        if (tokens > 0)
        {
            progress?.Report($"{name}: {Quantity.Of(tokens, "token")}");
            return;
        }
        double share = part switch { Part.Train => section.Split.Train, Part.Validation => section.Split.Validation,
            _ => section.Split.Test };
        if (share > 0)
            _report.Note($"There is too little text for a {name} part.");
    }

    private static IEnumerable<List<DocumentPiece>> Batches(IEnumerable<DocumentPiece> pieces)
    {
        var some = new List<DocumentPiece>();
        int characters = 0;
        foreach (DocumentPiece piece in pieces)
        {
            some.Add(piece);
            characters += piece.Text.Length + 16;
            if (characters < CharactersAtOnce)
                continue;
            yield return some;
            some = [];
            characters = 0;
        }
        if (some.Count > 0)
            yield return some;
    }

    private int[][] EncodeAll(List<DocumentPiece> pieces, Tokenizer tokenizer)
    {
        var ids = new int[pieces.Count][];
        try
        {
            Parallel.For(0, ids.Length, new ParallelOptions { CancellationToken = cancellation },
                i => ids[i] = tokenizer.Encode(pieces[i].Text));
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
        return ids;
    }

    /// <summary>The token of a line end, after which a text begins where no end of text was ever seen.</summary>
    private static int LineEnd(Tokenizer tokenizer)
    {
        try
        {
            return tokenizer.Encode("\n")[^1];
        }
        catch (AtelierException)
        {
            // The text has no line end and the vocabulary no bytes to spell one: any beginning is as good as another.
            return tokenizer.EndOfTextId ?? 0;
        }
    }
}
