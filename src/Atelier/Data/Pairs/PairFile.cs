using Atelier.Data.Text;

namespace Atelier.Data.Pairs;

/// <summary>
/// The pairs of one part of a corpus: their texts and their tokens, in memory-mapped files. This class is thread-safe,
/// except for disposal.
/// </summary>
public sealed class PairFile : IDisposable
{
    private const int CodeUnits = 1 << 16; // texts are stored as UTF-16, like tokens of a vocabulary of this size

    private readonly TokenFile _source, _target, _texts; // document 2i of the texts is a source, 2i + 1 its target

    private PairFile(TokenFile source, TokenFile target, TokenFile texts) =>
        (_source, _target, _texts) = (source, target, texts);

    /// <summary>The number of pairs.</summary>
    public int Count => (int)_source.DocumentCount;

    /// <summary>The path of the file that holds the tokens of the sources.</summary>
    public string Path => _source.Path;

    /// <summary>The number of tokens of all sources, without special tokens.</summary>
    public long SourceTokens => _source.Count;

    /// <summary>The number of tokens of all targets, without special tokens.</summary>
    public long TargetTokens => _target.Count;

    /// <summary>The texts of a pair, by its index from 0.</summary>
    public TextPair this[int index]
    {
        get
        {
            string Text(long document)
            {
                ReadOnlySpan<int> units = Read(_texts, document).Span;
                return string.Create(units.Length, units, static (text, units) =>
                {
                    for (int i = 0; i < units.Length; i++)
                        text[i] = (char)units[i];
                });
            }
            return new(Text(2L * index), Text(2L * index + 1));
        }
    }

    /// <summary>Returns the tokens of a source, without special tokens.</summary>
    /// <param name="index">The index of the pair, from 0.</param>
    public ReadOnlyMemory<int> Source(int index) => Read(_source, index);

    /// <summary>Returns the tokens of a target, without special tokens.</summary>
    /// <param name="index">The index of the pair, from 0.</param>
    public ReadOnlyMemory<int> Target(int index) => Read(_target, index);

    /// <summary>Returns the number of tokens of a source, without special tokens.</summary>
    /// <param name="index">The index of the pair, from 0.</param>
    public int SourceLength(int index) => (int)_source.Document(index).Length;

    /// <summary>Returns the number of tokens of a target, without special tokens.</summary>
    /// <param name="index">The index of the pair, from 0.</param>
    public int TargetLength(int index) => (int)_target.Document(index).Length;

    /// <summary>Opens the files of a part, and checks them against each other and the tokenizers.</summary>
    /// <param name="folder">The folder of the prepared data.</param>
    /// <param name="part">The part.</param>
    /// <param name="sourceVocabulary">The size of the vocabulary of sources.</param>
    /// <param name="targetVocabulary">The size of the vocabulary of targets.</param>
    /// <exception cref="AtelierException">A file is missing, damaged, or does not match the others.</exception>
    internal static PairFile Open(string folder, Part part, int sourceVocabulary, int targetVocabulary)
    {
        var files = new List<TokenFile>();
        try
        {
            foreach ((string ending, int vocabulary, int documents) in (ReadOnlySpan<(string, int, int)>)
                [("source.tokens", sourceVocabulary, 1), ("target.tokens", targetVocabulary, 1),
                    ("texts", CodeUnits, 2)])
            {
                TokenFile file = TokenFile.Open(PathOf(folder, part, ending));
                files.Add(file);
                if (file.VocabularySize != vocabulary)
                    throw new AtelierException($"has a vocabulary of {file.VocabularySize} tokens, but {vocabulary} "
                        + $"are expected", file.Path, "prepare the data again");
                if (file.DocumentCount != files[0].DocumentCount * documents || file.DocumentCount > int.MaxValue)
                    throw new AtelierException($"holds {file.DocumentCount} texts for {files[0].DocumentCount} pairs",
                        file.Path, "prepare the data again");
            }
            return new(files[0], files[1], files[2]);
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>Writes the files of a part.</summary>
    /// <param name="folder">The folder of the prepared data.</param>
    /// <param name="part">The part.</param>
    /// <param name="pairs">The pairs, each with at least one token on both sides.</param>
    /// <param name="sourceVocabulary">The size of the vocabulary of sources.</param>
    /// <param name="targetVocabulary">The size of the vocabulary of targets.</param>
    /// <exception cref="AtelierException">The disk is full, or the folder cannot be written.</exception>
    internal static void Write(string folder, Part part, IReadOnlyList<EncodedPair> pairs, int sourceVocabulary,
        int targetVocabulary)
    {
        void WriteFile(string ending, int vocabulary, Action<TokenFileWriter, EncodedPair> add) =>
            TokenFileWriter.Write(PathOf(folder, part, ending), vocabulary, endOfTextId: null, writer =>
            {
                foreach (EncodedPair pair in pairs)
                    add(writer, pair);
            });
        static void Add(TokenFileWriter writer, ReadOnlySpan<int> ids, string text)
        {
            writer.Add(ids, TextCount.Scalars(text), TextCount.Bytes(text));
            writer.EndDocument();
        }
        static int[] Units(string text) => [.. text.Select(unit => (int)unit)];
        WriteFile("source.tokens", sourceVocabulary, (writer, pair) => Add(writer, pair.Source, pair.Texts.Source));
        WriteFile("target.tokens", targetVocabulary, (writer, pair) => Add(writer, pair.Target, pair.Texts.Target));
        WriteFile("texts", CodeUnits, (writer, pair) =>
        {
            Add(writer, Units(pair.Texts.Source), pair.Texts.Source);
            Add(writer, Units(pair.Texts.Target), pair.Texts.Target);
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _source.Dispose();
        _target.Dispose();
        _texts.Dispose();
    }

    private static string PathOf(string folder, Part part, string ending) =>
        System.IO.Path.Combine(folder, $"{part.ToString().ToLowerInvariant()}.{ending}");

    private static ReadOnlyMemory<int> Read(TokenFile file, long document)
    {
        DocumentEntry entry = file.Document(document);
        var ids = new int[entry.Length];
        file.Read(entry.Start, ids);
        return ids;
    }
}

/// <summary>A pair with the tokens of its two texts, without special tokens.</summary>
internal sealed record EncodedPair(TextPair Texts, int[] Source, int[] Target);
