using System.Globalization;
using Atelier.Formats;
using Atelier.Tokenizers.Pipelines;

namespace Atelier.Tokenizers;

/// <summary>
/// Reads and writes tokenizers in the metadata of GGUF files: byte-level BPE ("gpt2") and SentencePiece's BPE
/// ("llama"), which can also represent a character tokenizer. A tokenizer that llama.cpp would interpret differently is
/// refused.
/// </summary>
public static class GgufTokenizer
{
    private const string Key = "tokenizer.ggml.";
    private const string ChatTemplate = "tokenizer.chat_template";

    // The tokens that end a generated text: end of text, end of turn and end of message.
    private static readonly string[] Ends = ["eos_token_id", "eot_token_id", "eom_token_id"];

    private static readonly string[] NotStripping = ["<unk>", "<s>", "<|endoftext|>"];

    /// <summary>Reads the tokenizer of a file.</summary>
    /// <param name="file">The file.</param>
    /// <returns>The tokenizer, and the tokens with which a text begins and ends.</returns>
    /// <exception cref="AtelierException">The vocabulary is damaged or of an unsupported kind.</exception>
    public static (Tokenizer Tokenizer, TextBounds Bounds) Read(GgufFile file) => AtelierException.At(file.Path, () =>
    {
        string model = file.Text(Key + "model");
        bool begins = model is "llama" or "bert";
        Tokenizer tokenizer = model switch
        {
            "gpt2" or "gemma4" or "whitespace" => ReadMergePairs(file, model, out begins),
            "llama" => ReadSentencePiece(file),
            "bert" => ReadBert(file),
            _ => throw new AtelierException($"a vocabulary of the kind '{model}' is not supported", file.Path,
                "supported are 'gpt2', 'llama', 'bert' and 'gemma4'"),
        };
        int start = file.Contains(Key + "bos_token_id") ? TokenId(file, "bos_token_id", tokenizer.VocabularySize)
            : (model == "bert" ? tokenizer.Special.Begin : tokenizer.EndOfTextId) ?? 0;
        IEnumerable<string> endKeys = Ends.Where(key => file.Contains(Key + key));
        int[] ends = [.. endKeys.Select(key => TokenId(file, key, tokenizer.VocabularySize)).Distinct()];
        // If the file does not specify it, llama.cpp's default applies.
        begins = file.Boolean(Key + "add_bos_token", begins);
        return (tokenizer, new TextBounds(start, ends.Length == 0 ? TextBounds.EndsOf(tokenizer) : ends, begins));
    });

    /// <summary>Returns the chat template of the file, or null if it has none.</summary>
    /// <exception cref="AtelierException">The value is damaged.</exception>
    public static string? ReadChatTemplate(GgufFile file) =>
        file.Contains(ChatTemplate) ? file.Text(ChatTemplate) : null;

    /// <summary>Adds a chat template to the metadata of a file, unless it is null.</summary>
    public static void WriteChatTemplate(GgufMetadata metadata, string? template)
    {
        if (template is not null)
            metadata.Add(ChatTemplate, template);
    }

    /// <summary>Adds a tokenizer to the metadata of a file.</summary>
    /// <param name="metadata">The metadata.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="bounds">The tokens with which a text begins and ends, with at most three end tokens.</param>
    /// <exception cref="AtelierException">GGUF cannot represent this tokenizer.</exception>
    public static void Write(GgufMetadata metadata, Tokenizer tokenizer, TextBounds bounds)
    {
        if (bounds.EndIds.Count > Ends.Length)
            throw new AtelierException(
                $"{bounds.EndIds.Count} tokens end a text, and GGUF has places for {Ends.Length}",
                hint: "export to huggingface");
        switch (tokenizer)
        {
            case BpeTokenizer { Rules.Normalizer: { } normalizer }:
                throw new AtelierException(
                    $"GGUF cannot store the tokenizer's normalizer {string.Join(", ", normalizer.Names)}",
                    hint: "export to huggingface");
            case BpeTokenizer bpe:
                RefuseStrips(bpe.Rules.Added);
                RefuseOverlaps(bpe.Rules.Added, "tokenizer");
                WriteVocabulary(metadata, "gpt2", PreName(bpe.Rules), Names(bpe),
                    bpe.Rules.Specials, bpe.Rules.Added);
                metadata.Add(Key + "merges", [.. bpe.Merges.Select(m => $"{m.Left} {m.Right}")]);
                break;
            case ByteTokenizer bytes:
                WriteVocabulary(metadata, "gpt2", "gpt-2", Names(bytes), [TokenTable.EndOfText]);
                metadata.Add(Key + "merges", Array.Empty<string>());
                break;
            case SentencePieceTokenizer
            {
                Rules: { SplitsWords: true } or { Prefix: SpacePrefix.WhereAbsent or SpacePrefix.FirstWhereAbsent },
            }:
                throw new AtelierException("GGUF cannot store the tokenizer's treatment of spaces (Metaspace)",
                    hint: "export to huggingface");
            case SentencePieceTokenizer pieces:
                RefuseStrips(pieces.Rules.Added);
                RefuseOverlaps(pieces.Rules.Added, "tokenizer");
                WriteVocabulary(metadata, "llama", "default", Names(pieces), pieces.Specials, pieces.Rules.Added);
                metadata.Add(Key + "scores", Scores(pieces));
                metadata.Add(Key + "add_space_prefix", pieces.BeginsWithSpace);
                break;
            case CharacterTokenizer characters:
                WriteVocabulary(metadata, "llama", "default", CharacterNames(characters), characters.Specials);
                metadata.Add(Key + "scores", new float[characters.VocabularySize]);
                metadata.Add(Key + "add_space_prefix", false);
                break;
            case PipelineTokenizer pipeline:
                throw new AtelierException("GGUF cannot store the steps of the tokenizer: "
                    + string.Join(", ", pipeline.StepNames), hint: "export to huggingface");
            default:
                throw new AtelierException($"GGUF does not support tokenizers of the kind {tokenizer.Kind}");
        }
        metadata.Add(Key + "bos_token_id", bounds.StartId);
        foreach ((string key, int id) in Ends.Zip(bounds.EndIds))
            metadata.Add(Key + key, id);
        metadata.Add(Key + "add_bos_token", bounds.StartsPrompts);
        metadata.Add(Key + "add_eos_token", false);
    }

    /// <summary>Returns whether GGUF can represent a tokenizer and its bounds.</summary>
    internal static bool CanSay(Tokenizer tokenizer, TextBounds bounds)
    {
        try
        {
            Write(new GgufMetadata(GgufNames.Own), tokenizer, bounds);
            return true;
        }
        catch (AtelierException)
        {
            return false; // a caller who needs the reason calls Write
        }
    }

    private static void WriteVocabulary(GgufMetadata metadata, string model, string split, string[] names,
        IReadOnlyCollection<string> specials, IReadOnlyList<AddedToken>? added = null)
    {
        HashSet<string> userDefined = [.. (added ?? []).Select(token => token.Text)];
        metadata.Add(Key + "model", model);
        metadata.Add(Key + "pre", split);
        metadata.Add(Key + "tokens", names);
        metadata.Add(Key + "token_type", [.. names.Select(name => (int)Kind(name))]);

        TokenKind Kind(string name) =>
            name == "<unk>" && specials.Contains(name) ? TokenKind.Unknown
            : specials.Contains(name) ? TokenKind.Control
            : userDefined.Contains(name) ? TokenKind.UserDefined
            : model == "llama" && TokenTable.FallbackByte(name) is not null ? TokenKind.Byte
            : TokenKind.Normal;
    }

    /// <summary>
    /// Returns scores for which llama.cpp applies the merges in their order: minus the rank of the merge that produces
    /// a token.
    /// </summary>
    private static float[] Scores(SentencePieceTokenizer tokenizer)
    {
        string[] names = Names(tokenizer);
        var ranks = new Dictionary<string, int>();
        foreach ((string left, string right) in tokenizer.Merges)
            ranks.TryAdd(left + right, ranks.Count);
        float[] scores = [.. names.Select(name => ranks.TryGetValue(name, out int rank) ? -(float)rank : 0)];
        // llama.cpp considers every split of a token into two tokens, so a vocabulary with fewer merges would give
        // other ids.
        HashSet<(string, string)> implied =
            [.. SentencePieceTokenizer.MergesByScore(names, scores, tokenizer.Specials)];
        if (!implied.SetEquals(tokenizer.Merges))
        {
            throw new AtelierException("GGUF stores scores instead of merges, and this tokenizer's merges cannot be "
                + "expressed as scores",
                hint: "export to huggingface, or train with tokenizer.kind: bpe");
        }
        return scores;
    }

    private static string[] CharacterNames(CharacterTokenizer tokenizer)
    {
        string[] names = Names(tokenizer);
        // llama.cpp replaces spaces by "▁" before it matches tokens.
        if (names.Contains("▁"))
            throw new AtelierException("the vocabulary has the character '▁', which GGUF keeps for spaces",
                hint: "export to huggingface");
        return [.. names.Select(name => name == " " ? "▁" : name)];
    }

    private static string PreName(BpeRules rules) =>
        GgufPreTokenizer.NameOf(rules.Split, rules.TakesWholeWords)
            // llama.cpp has no name for whole words with these rules; they change the ids of words alone whose merges
            // lead elsewhere.
            ?? GgufPreTokenizer.All.First(one => one.Split == rules.Split).Name;

    private static Tokenizer ReadMergePairs(GgufFile file, string model, out bool begins)
    {
        const string key = Key + "pre";
        const string rules = "supported are the names that llama.cpp knows: see docs/formats.md";
        if (!file.Contains(key) && model == "gpt2")
            throw new AtelierException($"there is no value '{key}': it does not say how text is split into words",
                file.Path, $"convert the model again with a newer tool; {rules}");
        string split = model == "gpt2" ? file.Text(key) : model;
        GgufPreTokenizer known = GgufPreTokenizer.Find(split)
            ?? throw new AtelierException($"'{key}' is \"{split}\", and this splitting rule is not supported",
                file.Path, rules);
        begins = known.BeginsTexts;
        string[] names = Names(file);
        TokenKind[] kinds = Kinds(file, names);
        if (known.IsByteLevel && Array.IndexOf(kinds, TokenKind.Byte) is >= 0 and int at)
            throw new AtelierException(
                $"the token '{names[at]}' is of the kind byte, which byte-level BPE does not use", file.Path,
                "download the file again");
        List<AddedToken> added = Added(names, kinds, []);
        RefuseOverlaps(added, file.Path);
        if (!file.Contains(Key + "merges"))
            throw new AtelierException($"there is no value '{Key}merges'", file.Path,
                "convert the model again with a newer tool");
        (string Left, string Right)[] merges =
            [.. file.Texts(Key + "merges").Select(line => TokenizerFile.MergePair(line, file.Path))];
        IReadOnlyCollection<string> specials = kinds.Length == 0 ? [TokenTable.EndOfText] : Specials(names, kinds);
        bool hasBytes = !ByteTokenizer.Names.Take(256).Except(names).Any();
        if (known.Split is not { } words || !hasBytes)
            return MadePipelines.MergePairs(file.Path, names, specials.Where(names.Contains), added, merges, known);
        BpeTokenizer tokenizer = new(names, merges, new BpeRules
        {
            Split = words,
            TakesWholeWords = known.TakesWholeWords,
            Specials = specials,
            Added = added,
            EndOfText = EndOfText(file, names),
        });
        return tokenizer.Merges.Count == 0 && names.SequenceEqual(ByteTokenizer.Names)
            ? new ByteTokenizer()
            : tokenizer;
    }

    private static Tokenizer ReadBert(GgufFile file)
    {
        string[] names = Names(file);
        return MadePipelines.Bert(file, names, Specials(names, Kinds(file, names)));
    }

    /// <summary>Returns the tokens that the user defined, which are found in text literally.</summary>
    private static List<AddedToken> Added(string[] names, TokenKind[] kinds, IReadOnlyCollection<string> stripping) =>
        [.. names.Select((name, id) => new AddedToken(name, id, IsNormalized: false,
                StripsRight: stripping.Contains(name)))
            .Where(token => kinds.Length > 0 && kinds[token.Id] == TokenKind.UserDefined)];

    // As in llama.cpp, tokens without a text get one.
    private static string[] Names(GgufFile file) => [.. file.Texts(Key + "tokens")
        .Select((name, id) => name.Length > 0 ? name : FormattableString.Invariant($"[EMPTY_{id}]"))];

    private static Tokenizer ReadSentencePiece(GgufFile file)
    {
        string[] names = Names(file);
        float[] scores = file.Contains(Key + "scores") ? file.Numbers(Key + "scores") : new float[names.Length];
        if (scores.Length != names.Length)
            throw new AtelierException($"{names.Length} tokens have {scores.Length} scores", file.Path);
        bool prefix = file.Boolean(Key + "add_space_prefix", true);
        TokenKind[] kinds = Kinds(file, names);
        // llama.cpp lets all special tokens of this model but three take the white space after them.
        bool isPhi3 = file.Contains("general.name")
            && file.Text("general.name").Replace("-", "", StringComparison.Ordinal)
                .Contains("phi3", StringComparison.OrdinalIgnoreCase);
        List<AddedToken> added = Added(names, kinds, isPhi3 ? [.. names.Except(NotStripping)] : []);
        RefuseOverlaps(added, file.Path);
        HashSet<string> specials = kinds.Length == 0 ? [.. SentencePieceRules.UsualSpecials] : Specials(names, kinds);
        List<(string Left, string Right)> merges = SentencePieceTokenizer.MergesByScore(names, scores, specials);
        // Without merges each character is a separate token.
        if (merges.Count == 0 && !prefix && added.Count == 0)
            return new CharacterTokenizer([.. names.Select(name => name == "▁" ? " " : name)], specials);
        return new SentencePieceTokenizer(names, merges, new SentencePieceRules
        {
            Prefix = prefix ? SpacePrefix.Always : SpacePrefix.None,
            Specials = specials,
            Added = added,
        });
    }

    /// <summary>Returns the kinds of the tokens; empty if the file has none.</summary>
    private static TokenKind[] Kinds(GgufFile file, string[] names)
    {
        const string key = Key + "token_type";
        if (!file.Contains(key))
            return [];
        TokenKind[] kinds = [.. file.Numbers(key).Select(number => (TokenKind)number)];
        if (kinds.Length != names.Length)
            throw new AtelierException($"{names.Length} tokens have {kinds.Length} kinds", file.Path);
        int other = Array.FindIndex(kinds, kind => !Enum.IsDefined(kind));
        return other < 0 ? kinds
            : throw new AtelierException(
                $"the token '{names[other]}' is of the kind {(int)kinds[other]}, which is not supported", file.Path,
                "download the file again");
    }

    private static HashSet<string> Specials(string[] names, TokenKind[] kinds) =>
        [.. names.Where((_, id) => kinds[id] is TokenKind.Control or TokenKind.Unknown or TokenKind.Unused)];

    private static void RefuseStrips(IReadOnlyList<AddedToken> added)
    {
        if (added.FirstOrDefault(token => token.StripsLeft || token.StripsRight || token.IsWord) is { } token)
            throw new AtelierException($"GGUF cannot store that the added token '{token.Text}' takes white space "
                + "(lstrip, rstrip) or stands alone (single_word)", hint: "export to huggingface");
    }

    /// <summary>
    /// Refuses added tokens that may overlap: llama.cpp matches the longest first, tokenizer.json the leftmost, so the
    /// results would differ.
    /// </summary>
    private static void RefuseOverlaps(IReadOnlyList<AddedToken> added, string where)
    {
        if (AddedTokens.Overlapping(added) is var (first, second))
            throw new AtelierException(
                $"the token '{first}' ends as '{second}' begins, which is not supported for user-defined tokens",
                where, "use a model without such tokens");
    }

    private static string? EndOfText(GgufFile file, string[] names) =>
        file.Contains(Key + "eos_token_id") ? names[TokenId(file, "eos_token_id", names.Length)] : null;

    private static int TokenId(GgufFile file, string key, int vocabularySize)
    {
        long id = file.Integer(Key + key);
        return id >= 0 && id < vocabularySize
            ? (int)id
            : throw new AtelierException(string.Create(CultureInfo.InvariantCulture,
                $"'{Key}{key}' is {id}, but there are {vocabularySize} tokens"), file.Path,
                "download the file again");
    }

    private static string[] Names(Tokenizer tokenizer) =>
        [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.Name)];
}
