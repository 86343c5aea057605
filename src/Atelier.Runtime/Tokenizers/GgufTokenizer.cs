using System.Globalization;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>
/// Tokenizers in a GGUF file's metadata: byte-level BPE ("gpt2"), and SentencePiece's BPE ("llama"), in which characters
/// without merges can be said too. What llama.cpp would read otherwise is refused.
/// </summary>
public static class GgufTokenizer
{
    private const string Key = "tokenizer.ggml.";
    private const string ChatTemplate = Key + "chat_template";

    // llama.cpp's names of rules for splitting, those first that are written.
    private static readonly (string Name, WordSplit Split)[] Splits =
    [
        ("gpt-2", WordSplit.Gpt2), ("llama-bpe", WordSplit.Llama3), ("qwen2", WordSplit.Qwen2),
        ("llama3", WordSplit.Llama3), ("llama-v3", WordSplit.Llama3), ("phi-2", WordSplit.Gpt2),
    ];

    /// <summary>llama.cpp's kinds of tokens, by their numbers.</summary>
    private enum TokenKind
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
        Byte = 6,
    }

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="file">The file.</param>
    /// <returns>The tokenizer, and the token that a text begins after.</returns>
    /// <exception cref="AtelierException">The vocabulary is damaged or of a kind that is not read.</exception>
    public static (Tokenizer Tokenizer, int StartId) Read(GgufFile file) => AtelierException.At(file.Path, () =>
    {
        string model = file.Text(Key + "model");
        Tokenizer tokenizer = model switch
        {
            "gpt2" => ReadByteLevel(file),
            "llama" => ReadSentencePiece(file),
            _ => throw new AtelierException($"a vocabulary of the kind '{model}' is not read", file.Path, "'gpt2' and 'llama' are"),
        };
        long start = file.Integer(Key + "bos_token_id", tokenizer.EndOfTextId ?? 0);
        if (start < 0 || start >= tokenizer.VocabularySize)
            throw new AtelierException($"its text begins after the token {start}, but there are {tokenizer.VocabularySize}", file.Path);
        return (tokenizer, (int)start);
    });

    /// <summary>The template by which the model's makers write conversations, or null where there is none.</summary>
    /// <exception cref="AtelierException">It is damaged.</exception>
    public static string? ReadChatTemplate(GgufFile file) => file.Contains(ChatTemplate) ? file.Text(ChatTemplate) : null;

    /// <summary>Adds such a template to a file's values, where there is one.</summary>
    public static void WriteChatTemplate(GgufMetadata metadata, string? template)
    {
        if (template is not null)
            metadata.Add(ChatTemplate, template);
    }

    /// <summary>Adds a tokenizer to a file's values.</summary>
    /// <param name="metadata">The values.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="startId">The token that a text begins after.</param>
    /// <exception cref="AtelierException">GGUF has no way to say this tokenizer.</exception>
    public static void Write(GgufMetadata metadata, Tokenizer tokenizer, int startId)
    {
        switch (tokenizer)
        {
            case BpeTokenizer bpe:
                WriteVocabulary(metadata, "gpt2", Splits.First(s => s.Split == bpe.Rules.Split).Name, Names(bpe), bpe.Rules.Specials);
                metadata.Add(Key + "merges", [.. bpe.Merges.Select(m => $"{m.Left} {m.Right}")]);
                break;
            case ByteTokenizer bytes:
                WriteVocabulary(metadata, "gpt2", "gpt-2", Names(bytes), [TokenTable.EndOfText]);
                metadata.Add(Key + "merges", Array.Empty<string>());
                break;
            case SentencePieceTokenizer pieces:
                WriteVocabulary(metadata, "llama", "default", Names(pieces), pieces.Specials);
                metadata.Add(Key + "scores", Scores(pieces));
                metadata.Add(Key + "add_space_prefix", pieces.BeginsWithSpace);
                break;
            case CharacterTokenizer characters:
                WriteVocabulary(metadata, "llama", "default", CharacterNames(characters), [TokenTable.EndOfText]);
                metadata.Add(Key + "scores", new float[characters.VocabularySize]);
                metadata.Add(Key + "add_space_prefix", false);
                break;
            default:
                throw new AtelierException($"GGUF has no tokenizers of the kind {tokenizer.Kind}");
        }
        metadata.Add(Key + "bos_token_id", startId);
        if (tokenizer.EndOfTextId is int end)
            metadata.Add(Key + "eos_token_id", end);
        metadata.Add(Key + "add_bos_token", true); // every text begins after the start token
        metadata.Add(Key + "add_eos_token", false);
    }

    /// <summary>Whether GGUF has a way to say this tokenizer.</summary>
    internal static bool CanSay(Tokenizer tokenizer)
    {
        try
        {
            Write(new GgufMetadata(GgufNames.Own), tokenizer, 0);
            return true;
        }
        catch (AtelierException)
        {
            return false; // the reason is told where somebody asks for a file
        }
    }

    private static void WriteVocabulary(GgufMetadata metadata, string model, string split, string[] names, IReadOnlyCollection<string> specials)
    {
        metadata.Add(Key + "model", model);
        metadata.Add(Key + "pre", split);
        metadata.Add(Key + "tokens", names);
        metadata.Add(Key + "token_type", [.. names.Select(name => (int)(
            name == "<unk>" && specials.Contains(name) ? TokenKind.Unknown
            : specials.Contains(name) ? TokenKind.Control
            : model == "llama" && TokenTable.FallbackByte(name) is not null ? TokenKind.Byte
            : TokenKind.Normal))]);
    }

    /// <summary>Scores by which llama.cpp joins in the order of the merges: minus the rank of the merge that makes a token.</summary>
    private static float[] Scores(SentencePieceTokenizer tokenizer)
    {
        string[] names = Names(tokenizer);
        var ranks = new Dictionary<string, int>();
        foreach ((string left, string right) in tokenizer.Merges)
            ranks.TryAdd(left + right, ranks.Count);
        float[] scores = [.. names.Select(name => ranks.TryGetValue(name, out int rank) ? -(float)rank : 0)];
        // llama.cpp tries every cut of a token into two: a vocabulary whose merges are fewer would be read otherwise.
        HashSet<(string, string)> implied = [.. SentencePieceTokenizer.MergesByScore(names, scores, tokenizer.Specials)];
        if (!implied.SetEquals(tokenizer.Merges))
        {
            throw new AtelierException("GGUF keeps scores instead of merges, and no scores say this tokenizer's merges",
                hint: "export to huggingface, or train with tokenizer.kind: bpe");
        }
        return scores;
    }

    private static string[] CharacterNames(CharacterTokenizer tokenizer)
    {
        string[] names = Names(tokenizer);
        // llama.cpp writes a space as "▁" before it looks for tokens.
        if (names.Contains("▁"))
            throw new AtelierException("the vocabulary has the character '▁', which GGUF keeps for spaces", hint: "export to huggingface");
        return [.. names.Select(name => name == " " ? "▁" : name)];
    }

    private static BpeTokenizer ReadByteLevelMerges(GgufFile file, string[] names, BpeRules rules) =>
        new(names, [.. file.Texts(Key + "merges").Select(line => TokenizerFile.MergePair(line, file.Path))], rules);

    private static Tokenizer ReadByteLevel(GgufFile file)
    {
        string split = file.Text(Key + "pre", "gpt-2");
        (string Name, WordSplit Split)[] known = [.. Splits.Where(s => s.Name == split)];
        if (known.Length == 0)
        {
            throw new AtelierException($"text split by the rules '{split}' is not read", file.Path,
                $"those of {string.Join(", ", Splits.Select(s => s.Name))} are");
        }
        string[] names = file.Texts(Key + "tokens");
        BpeTokenizer tokenizer = ReadByteLevelMerges(file, names, new BpeRules
        {
            Split = known[0].Split,
            TakesWholeWords = known[0].Split == WordSplit.Llama3, // llama.cpp's ignore_merges
            Specials = Specials(file, names),
            EndOfText = EndOfText(file, names),
        });
        return tokenizer.Merges.Count == 0 && names.SequenceEqual(ByteTokenizer.Names) ? new ByteTokenizer() : tokenizer;
    }

    private static Tokenizer ReadSentencePiece(GgufFile file)
    {
        string[] names = file.Texts(Key + "tokens");
        float[] scores = file.Contains(Key + "scores") ? file.Numbers(Key + "scores") : new float[names.Length];
        if (scores.Length != names.Length)
            throw new AtelierException($"{names.Length} tokens have {scores.Length} scores", file.Path);
        bool prefix = file.Boolean(Key + "add_space_prefix", true);
        HashSet<string> specials = Specials(file, names);
        List<(string Left, string Right)> merges = SentencePieceTokenizer.MergesByScore(names, scores, specials);
        // Without merges each character is a token of its own.
        return merges.Count == 0 && !prefix
            ? new CharacterTokenizer([.. names.Select(name => name == "▁" ? " " : name)])
            : new SentencePieceTokenizer(names, merges, prefix, specials);
    }

    private static HashSet<string> Specials(GgufFile file, string[] names)
    {
        if (!file.Contains(Key + "token_type"))
            return [TokenTable.EndOfText];
        float[] kinds = file.Numbers(Key + "token_type");
        if (kinds.Length != names.Length)
            throw new AtelierException($"{names.Length} tokens have {kinds.Length} kinds", file.Path);
        return [.. names.Where((_, id) => (TokenKind)kinds[id] is TokenKind.Control or TokenKind.Unknown)];
    }

    private static string? EndOfText(GgufFile file, string[] names)
    {
        long id = file.Integer(Key + "eos_token_id", -1);
        if (id < -1 || id >= names.Length)
            throw new AtelierException(string.Create(CultureInfo.InvariantCulture, $"its text ends with the token {id}, but there are {names.Length}"), file.Path);
        return id < 0 ? null : names[id];
    }

    private static string[] Names(Tokenizer tokenizer) =>
        [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.Name)];
}
