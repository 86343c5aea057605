using System.Text;
using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Tokenizers.Pipelines;

/// <summary>
/// Reads a tokenizer.json as a pipeline of steps. Types of steps and keys that Hugging Face's tokenizers do not have,
/// and the few that are not supported, are refused by name.
/// </summary>
/// <param name="path">The path of the file.</param>
internal sealed class PipelineReader(string path)
{
    private const string Damaged = "download the file again";

    private static readonly KnownKeys Bpe = new(
        [
            "type", "vocab", "merges", "unk_token", "fuse_unk", "byte_fallback", "ignore_merges",
            "continuing_subword_prefix", "end_of_word_suffix",
        ], [], ("dropout", ["0"]));

    private static readonly KnownKeys WordPiece = new(
        ["type", "vocab", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word"], []);

    private static readonly KnownKeys WordLevel = new(["type", "vocab", "unk_token"], []);

    private static readonly KnownKeys Unigram = new(["type", "vocab", "unk_id", "byte_fallback"], []);

    /// <summary>Reads the whole file.</summary>
    /// <exception cref="AtelierException">The file is damaged or has unsupported parts.</exception>
    public PipelineTokenizer Read(JsonElement root)
    {
        JsonElement model = root.GetProperty("model");
        string type = model.TryGetProperty("type", out JsonElement value) ? value.GetString() ?? "" : "BPE";
        (string Name, double Score)[] pieces = [];
        Dictionary<string, int> vocabulary = [];
        if (type == "Unigram")
        {
            pieces = TokenizerReader.ReadPieces(model.GetProperty("vocab"), path);
            for (int id = 0; id < pieces.Length; id++)
                vocabulary[pieces[id].Name] = id;
        }
        else
        {
            foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject())
                vocabulary[token.Name] = token.Value.GetInt32();
        }
        if (vocabulary.Count == 0)
            throw new AtelierException("its vocabulary is empty", path, Damaged);
        var tokens = new Dictionary<string, int>(vocabulary);
        (List<AddedToken> specials, List<AddedToken> added) = AddedTokenReader.Read(root, tokens, path);
        HashSet<string> special = [.. specials.Select(token => token.Text)];
        WordModel words = type switch
        {
            "BPE" => ReadBpe(model, vocabulary, special),
            "WordPiece" => ReadWordPiece(model, vocabulary),
            "WordLevel" => ReadWordLevel(model, vocabulary),
            "Unigram" => ReadUnigram(model, pieces, special),
            _ => throw new AtelierException($"a tokenizer of type {type} is not supported", path,
                "supported are BPE, WordPiece, Unigram and WordLevel"),
        };
        TextSteps steps = new(TextNormalizer.Of(TokenizerSteps.Normalizers(root, path)),
            WordCutter.Of(TokenizerSteps.PreTokenizers(root, path)), added, special);
        return new PipelineTokenizer(TokenizerFile.NamesById(tokens.Select(token => (token.Key, token.Value)), path),
            words, new TokenDecoder(TokenizerSteps.Decoders(root, path)), steps, specials,
            Encoding.UTF8.GetBytes(root.GetRawText()))
        {
            Frame = new TextFrameReader(path, tokens).Read(root, specials),
        };
    }

    private BpeModel ReadBpe(JsonElement model, Dictionary<string, int> vocabulary, HashSet<string> specials)
    {
        Bpe.Check(model, path, "model.");
        return new BpeModel(vocabulary, TokenizerReader.ReadMerges(model, path), specials, new BpeModelRules
        {
            Unknown = Unknown(model, vocabulary),
            FusesUnknown = TokenizerReader.IsOn(model, "fuse_unk"),
            FallsBack = TokenizerReader.IsOn(model, "byte_fallback"),
            TakesWholeWords = TokenizerReader.IsOn(model, "ignore_merges"),
            Prefix = Text(model, "continuing_subword_prefix", ""),
            Suffix = Text(model, "end_of_word_suffix", ""),
        });
    }

    private WordPieceModel ReadWordPiece(JsonElement model, Dictionary<string, int> vocabulary)
    {
        WordPiece.Check(model, path, "model.");
        int longest = model.TryGetProperty("max_input_chars_per_word", out JsonElement most) ? most.GetInt32() : 100;
        return new WordPieceModel(vocabulary, Unknown(model, vocabulary, "[UNK]"),
            Text(model, "continuing_subword_prefix", "##"), longest);
    }

    private WordLevelModel ReadWordLevel(JsonElement model, Dictionary<string, int> vocabulary)
    {
        WordLevel.Check(model, path, "model.");
        return new WordLevelModel(vocabulary, Unknown(model, vocabulary, "<unk>"));
    }

    private UnigramModel ReadUnigram(JsonElement model, (string Name, double Score)[] pieces, HashSet<string> specials)
    {
        Unigram.Check(model, path, "model.");
        int? unknown = model.TryGetProperty("unk_id", out JsonElement id) && id.ValueKind == JsonValueKind.Number
            ? id.GetInt32()
            : null;
        if (unknown < 0 || unknown >= pieces.Length)
            throw new AtelierException($"'model.unk_id' is {unknown}, and the vocabulary has {pieces.Length} tokens",
                path, Damaged);
        return new UnigramModel(pieces, specials, unknown, TokenizerReader.IsOn(model, "byte_fallback"));
    }

    /// <summary>Returns the id of the unknown token; null if the vocabulary does not have it.</summary>
    private static int? Unknown(JsonElement model, Dictionary<string, int> vocabulary, string otherwise = "") =>
        vocabulary.TryGetValue(Text(model, "unk_token", otherwise), out int id) ? id : null;

    private static string Text(JsonElement model, string key, string otherwise) =>
        model.TryGetProperty(key, out JsonElement value) ? value.GetString() ?? otherwise : otherwise;
}
