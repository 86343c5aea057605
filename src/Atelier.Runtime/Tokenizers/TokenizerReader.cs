using System.Text.Json;
using Atelier.Formats;
using Atelier.Tokenizers.Pipelines;

namespace Atelier.Tokenizers;

/// <summary>
/// Reads the parts of a tokenizer.json. Tokenizers whose keys, steps and order of steps a class of a single kind
/// reproduces exactly are of this class; others are a pipeline of steps.
/// </summary>
internal sealed class TokenizerReader(string path)
{
    private static readonly KnownKeys Whole = new(
        [
            "model", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "truncation",
            "padding",
        ], ["version"]);

    // The unknown token can be ignored because vocabularies that cannot express some byte are refused.
    private static readonly KnownKeys Model = new(["type", "vocab", "merges", "ignore_merges", "byte_fallback"],
        ["unk_token", "fuse_unk"],
        ("dropout", ["0"]), ("continuing_subword_prefix", ["\"\""]), ("end_of_word_suffix", ["\"\""]));

    private static readonly KnownKeys WordPieceModel = new(
        ["type", "vocab", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word"], []);

    private static readonly KnownKeys UnigramModel = new(["type", "vocab", "unk_id", "byte_fallback"], []);

    /// <summary>Reads the whole file.</summary>
    /// <exception cref="AtelierException">The file is damaged or has unsupported parts.</exception>
    public Tokenizer Read(JsonElement root)
    {
        Whole.Check(root, path);
        try
        {
            return ReadKind(root);
        }
        catch (AtelierException)
        {
            // No single kind reproduces it. What the pipeline refuses too, it refuses with its own error.
            return new PipelineReader(path).Read(root);
        }
    }

    private Tokenizer ReadKind(JsonElement root)
    {
        JsonElement model = root.GetProperty("model");
        string type = model.TryGetProperty("type", out JsonElement typeName) ? typeName.GetString() ?? "" : "BPE";
        (type switch
        {
            "BPE" => Model,
            "WordPiece" => WordPieceModel,
            "Unigram" => UnigramModel,
            _ => throw new AtelierException($"a tokenizer of type {type} is not supported", path,
                "supported are BPE, WordPiece and Unigram"),
        }).Check(model, path, "model.");
        (string Name, double Score)[] pieces = type == "Unigram" ? ReadPieces(model.GetProperty("vocab"), path) : [];
        Dictionary<string, int> tokens = [];
        for (int id = 0; id < pieces.Length; id++)
            tokens[pieces[id].Name] = id;
        if (type != "Unigram")
        {
            foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject())
                tokens[token.Name] = token.Value.GetInt32();
        }
        (List<AddedToken> specials, List<AddedToken> added) = AddedTokenReader.Read(root, tokens, path);
        TextFrame frame = new TextFrameReader(path, tokens).Read(root, specials);
        IReadOnlyList<string> names = TokenizerFile.NamesById(tokens.Select(t => (t.Key, t.Value)), path);
        HashSet<string> special = [.. specials.Select(token => token.Text)];
        if (type == "BPE")
            return MergePairs(root, model, names, special, added, frame);
        TextSteps steps = new(TextNormalizer.Of(TokenizerSteps.Normalizers(root, path)),
            WordCutter.Of(TokenizerSteps.PreTokenizers(root, path)), added, special);
        return type == "Unigram" ? Unigram(root, model, names, pieces, steps, frame)
            : WordPiece(root, model, names, steps, frame);
    }

    private Tokenizer MergePairs(JsonElement root, JsonElement model, IReadOnlyList<string> names,
        HashSet<string> specials, List<AddedToken> added, TextFrame frame)
    {
        (string Left, string Right)[] merges = ReadMerges(model, path);
        TokenizerSteps steps = TokenizerSteps.Read(root, path);
        return steps.Layout switch
        {
            TokenizerLayout.ByteLevel => ByteLevel(model, steps, names, merges, specials, added, frame),
            TokenizerLayout.SentencePiece => SentencePiece(model, steps, names, merges, specials, added, frame),
            _ => Characters(model, names, merges, specials, added, frame),
        };
    }

    private WordPieceTokenizer WordPiece(JsonElement root, JsonElement model, IReadOnlyList<string> names,
        TextSteps steps, TextFrame frame)
    {
        string prefix = model.TryGetProperty("continuing_subword_prefix", out JsonElement mark)
            ? mark.GetString() ?? "" : "##";
        int longest = model.TryGetProperty("max_input_chars_per_word", out JsonElement most) ? most.GetInt32() : 100;
        string unknown = model.TryGetProperty("unk_token", out JsonElement token) ? token.GetString() ?? "" : "[UNK]";
        RequireSpecial(unknown, steps);
        if (prefix.Length == 0 || longest < 1 || !names.Contains(unknown))
            throw new AtelierException($"'model' has the prefix \"{prefix}\", at most {longest} characters a word "
                + $"and the unknown token '{unknown}'", path,
                "a prefix, at least 1 character and a token of the vocabulary are expected");
        return new WordPieceTokenizer(names, steps, new WordPieceRules(unknown, prefix, longest,
            TokenizerSteps.ReadWordPieceDecoder(root, path, prefix))) { Frame = frame };
    }

    private UnigramTokenizer Unigram(JsonElement root, JsonElement model, IReadOnlyList<string> names,
        (string Name, double Score)[] pieces, TextSteps steps, TextFrame frame)
    {
        bool hasUnknown = model.TryGetProperty("unk_id", out JsonElement unknown)
            && unknown.ValueKind == JsonValueKind.Number;
        bool fallsBack = IsOn(model, "byte_fallback");
        bool hasBytes = Enumerable.Range(0, 256).All(value => names.Contains(TokenTable.FallbackName(value)));
        if (fallsBack ? !hasBytes : !hasUnknown || unknown.GetInt32() < 0 || unknown.GetInt32() >= pieces.Length)
            throw new AtelierException(
                $"the vocabulary lacks {(fallsBack ? "a byte, although byte_fallback is true" : "the unknown token")}",
                path, "download the file again");
        if (hasUnknown)
            RequireSpecial(pieces[unknown.GetInt32()].Name, steps);
        return new UnigramTokenizer(names, [.. pieces.Select(piece => piece.Score)], steps, new UnigramRules(
            hasUnknown ? unknown.GetInt32() : null, fallsBack, TokenizerSteps.ReadUnigramDecoder(root, path)))
        {
            Frame = frame,
        };
    }

    // Text that is unknown has no text of its own; an unknown token that is not special is decoded to its name.
    private void RequireSpecial(string unknown, TextSteps steps)
    {
        if (!steps.Specials.Contains(unknown))
            throw new AtelierException($"the unknown token '{unknown}' is not special", path);
    }

    /// <summary>Reads the vocabulary of a unigram model.</summary>
    /// <exception cref="AtelierException">A token is damaged.</exception>
    public static (string Name, double Score)[] ReadPieces(JsonElement vocabulary, string path)
    {
        var names = new HashSet<string>();
        var pieces = new (string Name, double Score)[vocabulary.GetArrayLength()];
        for (int id = 0; id < pieces.Length; id++)
        {
            JsonElement piece = vocabulary[id];
            pieces[id] = (piece[0].GetString() ?? "", piece[1].GetDouble());
            if (pieces[id].Name.Length == 0 || !double.IsFinite(pieces[id].Score) || !names.Add(pieces[id].Name))
                throw new AtelierException($"token {id} '{pieces[id].Name}' with the score {piece[1].GetRawText()} has "
                    + "no text, no finite score, or appears twice", path, "download the file again");
        }
        return pieces;
    }

    private Tokenizer ByteLevel(JsonElement model, TokenizerSteps steps, IReadOnlyList<string> names,
        (string, string)[] merges, HashSet<string> specials, List<AddedToken> added, TextFrame frame)
    {
        var rules = new BpeRules
        {
            Split = steps.Split,
            TakesWholeWords = IsOn(model, "ignore_merges"),
            Normalizer = steps.Normalizer,
            Added = added,
            Specials = specials.Count == 0 ? [TokenTable.EndOfText] : specials,
        };
        if (!steps.CutsWords && (merges.Length > 0 || rules.TakesWholeWords))
            throw new AtelierException("byte-level BPE without splitting into words is not supported", path,
                "supported are the rules of GPT-2, Llama 3 and Qwen 2");
        bool isByteTokenizer = merges.Length == 0 && added.Count == 0 && rules.Normalizer is null
            && names.SequenceEqual(ByteTokenizer.Names);
        return isByteTokenizer ? new ByteTokenizer { Frame = frame }
            : new BpeTokenizer(names, merges, rules) { Frame = frame };
    }

    private SentencePieceTokenizer SentencePiece(JsonElement model, TokenizerSteps steps, IReadOnlyList<string> names,
        (string, string)[] merges, HashSet<string> specials, List<AddedToken> added, TextFrame frame)
    {
        Require(model, "byte_fallback", true);
        Require(model, "ignore_merges", false);
        // A normalizer changes the text that such a token matches, for example to '▁<tool>' if it inserts a space
        // before every text.
        bool IsChanged(AddedToken token) =>
            token.IsNormalized && (steps.Prefix == SpacePrefix.Always || token.Text.AsSpan().ContainsAny(" ▁"));
        if (steps.HasNormalizer && added.Find(IsChanged) is { } token)
            throw new AtelierException(
                $"the added token '{token.Text}' is looked for in normalized text, which is not supported for this "
                    + "kind of tokenizer", path, "use a model whose added tokens have normalized: false");
        return new SentencePieceTokenizer(names, merges, new SentencePieceRules
        {
            Prefix = steps.Prefix,
            SplitsWords = steps.SplitsWords,
            Added = added,
            Specials = specials,
        })
        {
            Frame = frame,
        };
    }

    private CharacterTokenizer Characters(JsonElement model, IReadOnlyList<string> names, (string, string)[] merges,
        HashSet<string> specials, List<AddedToken> added, TextFrame frame)
    {
        if (merges.Length > 0)
            throw new AtelierException("BPE without a normalizer or pre-tokenizer is not supported",
                path, "supported are byte-level BPE and Llama's BPE");
        if (added.Count > 0)
            throw new AtelierException(
                $"the added token '{added[0].Text}', which is not special, is not supported for a character "
                    + $"tokenizer", path,
                "use a model without it");
        var tokenizer = new CharacterTokenizer(names, specials) { Frame = frame };
        Require(model, "byte_fallback", tokenizer.ByteFallback);
        return tokenizer;
    }

    private void Require(JsonElement model, string key, bool value)
    {
        if (IsOn(model, key) != value)
            throw new AtelierException(
                $"'model.{key}' is {(value ? "false" : "true")}, which is not supported for this kind of "
                    + "tokenizer", path,
                $"supported is {(value ? "true" : "false")}: use another model");
    }

    /// <summary>Reads the merges of a model of byte pair encoding.</summary>
    /// <exception cref="AtelierException">A merge is damaged.</exception>
    public static (string Left, string Right)[] ReadMerges(JsonElement model, string path) =>
        [.. model.GetProperty("merges").EnumerateArray().Select(merge => ReadMerge(merge, path))];

    /// <summary>Reads a merge: two strings, or one string with a space between the tokens.</summary>
    private static (string Left, string Right) ReadMerge(JsonElement merge, string path) => merge.ValueKind switch
    {
        JsonValueKind.String => TokenizerFile.MergePair(merge.GetString()!, path),
        JsonValueKind.Array when merge.GetArrayLength() == 2
            && merge.EnumerateArray().All(side => side.ValueKind == JsonValueKind.String) =>
            (merge[0].GetString()!, merge[1].GetString()!),
        _ => throw new AtelierException($"'{merge.GetRawText()}' is not a merge of two tokens", path),
    };

    /// <summary>Returns whether a switch is on; a missing one is off.</summary>
    public static bool IsOn(JsonElement element, string key) => element.TryGetProperty(key, out JsonElement value)
        && value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False or JsonValueKind.Null => false,
        _ => throw new FormatException($"'{key}' is {value.GetRawText()}, not true or false"),
    };
}
