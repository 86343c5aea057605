using Atelier.Formats;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Atelier.Tokenizers;

/// <summary>The contents of a tokenizer.json.</summary>
/// <param name="Tokenizer">The tokenizer.</param>
/// <param name="Leading">The tokens that its template inserts before a text; null if it has no template.</param>
internal sealed record TokenizerContents(Tokenizer Tokenizer, IReadOnlyList<int>? Leading);

/// <summary>Reads tokenizer.json, the format of Hugging Face's tokenizers.</summary>
public static class TokenizerFile
{
    private const long LongestFile = 256 << 20;
    private const string Own = "tokenizer.json", Vocabulary = "vocab.txt", Pieces = "tokenizer.model";

    /// <summary>
    /// Reads the tokenizer of a model that continues text: a tokenizer.json, a .model of SentencePiece, a .tiktoken of
    /// OpenAI, or llama2.c's tokenizer.bin if the file has another extension.
    /// </summary>
    /// <exception cref="AtelierException">The file is missing, damaged or of an unsupported kind, or it truncates text
    /// or puts more than one token before it, or one after it; see <see cref="Load(string)"/> for these.</exception>
    public static Tokenizer Open(string path) => OpenWhole(path).Tokenizer;

    /// <inheritdoc cref="Open"/>
    internal static TokenizerContents OpenWhole(string path) => Path.GetExtension(path) switch
    {
        ".json" => Read(path),
        SentencePieceFile.Extension or TiktokenFile.Extension => new TokenizerContents(Load(path), null),
        _ => new TokenizerContents(SentencePieceTokenizer.FromLlama2C(path), null),
    };

    /// <summary>
    /// Reads the tokenizer of a folder in Hugging Face's layout: tokenizer.json, otherwise BERT's vocab.txt with the
    /// settings of tokenizer_config.json, otherwise SentencePiece's tokenizer.model.
    /// </summary>
    /// <exception cref="AtelierException">A file is missing, damaged or of an unsupported kind, or the files do not fit
    /// together.</exception>
    public static Tokenizer LoadFolder(string folder)
    {
        string path = PathIn(folder) ?? Path.Combine(folder, Own);
        string config = Path.Combine(folder, TokenizerConfigFile.Name);
        if (Path.GetFileName(path) == Vocabulary)
            return WordPieceTokenizer.FromVocabulary(path, File.Exists(config) ? config : null);
        Tokenizer tokenizer = Load(path);
        TokenizerConfigFile.Read(config, tokenizer);
        return tokenizer;
    }

    /// <summary>
    /// Returns the path of the tokenizer in a folder: tokenizer.json, otherwise BERT's vocab.txt, otherwise
    /// SentencePiece's tokenizer.model; null if it has none.
    /// </summary>
    public static string? PathIn(string folder) =>
        ((string[])[Own, Vocabulary, Pieces]).Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>
    /// Reads the tokenizer.json of a model that continues text, with the tokens that its template inserts before a
    /// text. Such a model's text is never truncated, and nothing is inserted after it.
    /// </summary>
    /// <inheritdoc cref="Load(string)"/>
    internal static TokenizerContents Read(string path)
    {
        Tokenizer tokenizer = Load(path);
        TextFrame frame = tokenizer.Frame;
        if (frame.Truncation is not null)
            throw new AtelierException("'truncation' is not supported for a model that continues text", path,
                "set truncation to null");
        if (!frame.HasTemplate)
            return new TokenizerContents(tokenizer, null);
        int place = frame.Single.ToList().FindIndex(part => part.Token is null);
        if (place > 1 || place < frame.Single.Count - 1)
        {
            string names = string.Join(", ", frame.Single.Select(part => part.Token).OfType<int>()
                .Select(id => $"'{tokenizer.Name(id)}'"));
            throw new AtelierException($"post_processor puts the tokens {names} before and after a text, which is not "
                + "supported for a model that continues text", path, "one token before a text is");
        }
        return new TokenizerContents(tokenizer, [.. frame.Single.Select(part => part.Token).OfType<int>()]);
    }

    /// <summary>
    /// Reads a tokenizer.json, a .model of SentencePiece or a .tiktoken of OpenAI.
    /// </summary>
    /// <exception cref="AtelierException">The file is missing, damaged or of an unsupported kind.</exception>
    public static Tokenizer Load(string path)
    {
        if (!File.Exists(path))
            throw new AtelierException("no such file", path);
        if (new FileInfo(path).Length > LongestFile)
            throw new AtelierException("too large for a tokenizer.json", path);
        if (Path.GetExtension(path) == SentencePieceFile.Extension)
            return SentencePieceFile.Read(path);
        if (Path.GetExtension(path) == TiktokenFile.Extension)
            return TiktokenFile.Read(path);
        try
        {
            using JsonDocument document =
                JsonDocument.Parse(InputFile.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 32 });
            return AtelierException.At(path, () => new TokenizerReader(path).Read(document.RootElement));
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException
            or ArgumentException)
        {
            throw new AtelierException($"not a tokenizer.json: {e.Message.TrimEnd('.')}", path,
                "download the file again", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"cannot be read: {e.Message.TrimEnd('.')}", path, inner: e);
        }
    }

    /// <summary>
    /// Reads a tokenizer.json, or BERT's vocab.txt, and adds tokens that its tokenizer lacks.
    /// </summary>
    /// <param name="path">The path of the file, which is not changed. Tokens can be added to a tokenizer.json
    /// alone.</param>
    /// <param name="added">The texts of the new tokens, which get the next ids.</param>
    /// <param name="special">Whether they are special tokens, which stand for no text. Others are text that is always
    /// one token.</param>
    /// <exception cref="AtelierException">The file is missing or damaged, its kind of tokenizer takes no tokens, or it
    /// has one of them already.</exception>
    public static Tokenizer Load(string path, IReadOnlyList<string> added, bool special)
    {
        bool isVocabulary = Path.GetFileName(path) == Vocabulary;
        if (Path.GetExtension(path) != ".json" && added.Count > 0)
            throw new AtelierException($"no tokens can be added to a {Path.GetFileName(path)}", path,
                $"make a tokenizer.json of it first: {Mention.Command("import")}");
        Tokenizer tokenizer = isVocabulary ? LoadFolder(Path.GetDirectoryName(Path.GetFullPath(path))!) : Load(path);
        if (added.Count == 0)
            return tokenizer;
        var known = Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.Name).ToHashSet();
        JsonObject root = JsonNode.Parse(InputFile.ReadAllBytes(path))!.AsObject();
        JsonArray tokens = root["added_tokens"]?.AsArray() ?? [];
        foreach ((int i, string text) in added.Index())
        {
            if (!known.Add(text))
                throw new AtelierException($"the tokenizer has the token '{text}' already", path,
                    "leave it out of the tokens to add");
            tokens.Add((JsonNode)new JsonObject
            {
                ["id"] = tokenizer.VocabularySize + i, ["content"] = text, ["single_word"] = false,
                ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = special,
            });
        }
        root["added_tokens"] = tokens.DeepClone();
        using JsonDocument document = JsonDocument.Parse(root.ToJsonString());
        return AtelierException.At(path, () => new TokenizerReader(path).Read(document.RootElement));
    }

    /// <summary>Returns the names in the order of their ids.</summary>
    /// <exception cref="AtelierException">An id is missing or occurs twice.</exception>
    internal static IReadOnlyList<string> NamesById(IEnumerable<(string Name, int Id)> tokens, string path)
    {
        (string Name, int Id)[] ordered = [.. tokens.OrderBy(t => t.Id)];
        for (int id = 0; id < ordered.Length; id++)
        {
            if (ordered[id].Id != id)
                throw new AtelierException($"its ids do not run from 0 to {ordered.Length - 1}: {id} is missing", path);
        }
        return [.. ordered.Select(t => t.Name)];
    }

    internal static (string Left, string Right) MergePair(string line, string path)
    {
        int space = line.Length == 0 ? -1 : line.IndexOf(' ', 1);
        return space > 0 && space < line.Length - 1
            ? (line[..space], line[(space + 1)..])
            : throw new AtelierException($"'{line}' is not a merge of two tokens separated by a space", path);
    }
}
