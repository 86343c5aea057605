using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>
/// Reads the parts of a tokenizer.json. Keys, steps and orders of steps that Atelier would not reproduce exactly are
/// refused by name.
/// </summary>
internal sealed class TokenizerReader(string path)
{
    private static readonly KnownKeys Whole = new(
        ["model", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder"], ["version"]);

    // The unknown token can be ignored because vocabularies that cannot express some byte are refused.
    private static readonly KnownKeys Model = new(["type", "vocab", "merges", "ignore_merges", "byte_fallback"],
        ["unk_token", "fuse_unk"],
        ("dropout", ["0"]), ("continuing_subword_prefix", ["\"\""]), ("end_of_word_suffix", ["\"\""]));

    private static readonly KnownKeys Token = new(["id", "content", "special", "normalized"], [],
        ("single_word", ["false"]), ("lstrip", ["false"]), ("rstrip", ["false"]));

    /// <summary>Reads the whole file.</summary>
    /// <exception cref="AtelierException">The file is damaged or has unsupported parts.</exception>
    public TokenizerContents Read(JsonElement root)
    {
        Whole.Check(root, path);
        JsonElement model = root.GetProperty("model");
        string type = model.TryGetProperty("type", out JsonElement typeName) ? typeName.GetString() ?? "" : "BPE";
        if (type != "BPE")
            throw new AtelierException($"a tokenizer of type {type} is not supported", path,
                "supported are byte-level BPE, characters and Llama's BPE");
        Model.Check(model, path, "model.");
        Dictionary<string, int> tokens = [];
        foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject())
            tokens[token.Name] = token.Value.GetInt32();
        (HashSet<string> specials, List<AddedToken> added) = ReadAdded(root, tokens);
        IReadOnlyList<string> names = TokenizerFile.NamesById(tokens.Select(t => (t.Key, t.Value)), path);
        (string Left, string Right)[] merges = [.. model.GetProperty("merges").EnumerateArray().Select(ReadMerge)];
        TokenizerSteps steps = TokenizerSteps.Read(root, path);
        Tokenizer tokenizer = steps.Layout switch
        {
            TokenizerLayout.ByteLevel => ByteLevel(model, steps, names, merges, specials, added),
            TokenizerLayout.SentencePiece => SentencePiece(model, steps, names, merges, specials, added),
            _ => Characters(model, names, merges, specials, added),
        };
        return new TokenizerContents(tokenizer, steps.Leading?.Select(LeadingId).ToList());

        int LeadingId((string Name, int? Id) token) =>
            tokens.TryGetValue(token.Name, out int id) && (token.Id ?? id) == id
                ? id
                : throw new AtelierException($"post_processor puts '{token.Name}'"
                    + $"{(token.Id is null ? "" : $" with the id {token.Id}")} before a text, which is not a token",
                    path, "download the file again");
    }

    /// <summary>Adds the added tokens to the vocabulary and separates the special ones from the others.</summary>
    private (HashSet<string> Specials, List<AddedToken> Added) ReadAdded(
        JsonElement root, Dictionary<string, int> tokens)
    {
        HashSet<string> specials = [];
        List<AddedToken> added = [];
        if (!root.TryGetProperty("added_tokens", out JsonElement list) || list.ValueKind == JsonValueKind.Null)
            return (specials, added);
        int place = 0;
        foreach (JsonElement token in list.EnumerateArray())
        {
            Token.Check(token, path, $"added_tokens[{place++}].");
            string name = token.GetProperty("content").GetString() ?? "";
            int id = token.GetProperty("id").GetInt32();
            if (name.Length == 0)
                throw new AtelierException($"the added token {id} has no text", path,
                    "download the file again");
            if (tokens.TryGetValue(name, out int known) && known != id)
                throw new AtelierException($"the added token '{name}' has the id {id}, but {known} in the vocabulary",
                    path, "download the file again");
            tokens[name] = id;
            if (IsOn(token, "special"))
                specials.Add(name);
            else
                added.Add(new AddedToken(name, id, IsOn(token, "normalized")));
        }
        return (specials, added);
    }

    private Tokenizer ByteLevel(JsonElement model, TokenizerSteps steps, IReadOnlyList<string> names,
        (string, string)[] merges, HashSet<string> specials, List<AddedToken> added)
    {
        var rules = new BpeRules
        {
            Split = steps.Split,
            TakesWholeWords = IsOn(model, "ignore_merges"),
            Normalizer = steps.Normalizer.Count == 0 ? null : new TextNormalizer(steps.Normalizer),
            Added = added,
            Specials = specials.Count == 0 ? [TokenTable.EndOfText] : specials,
        };
        if (!steps.CutsWords && (merges.Length > 0 || rules.TakesWholeWords))
            throw new AtelierException("byte-level BPE without splitting into words is not supported", path,
                "supported are the rules of GPT-2, Llama 3 and Qwen 2");
        bool isByteTokenizer = merges.Length == 0 && added.Count == 0 && rules.Normalizer is null
            && names.SequenceEqual(ByteTokenizer.Names);
        return isByteTokenizer ? new ByteTokenizer() : new BpeTokenizer(names, merges, rules);
    }

    private SentencePieceTokenizer SentencePiece(JsonElement model, TokenizerSteps steps, IReadOnlyList<string> names,
        (string, string)[] merges, HashSet<string> specials, List<AddedToken> added)
    {
        Require(model, "byte_fallback", true);
        Require(model, "ignore_merges", false);
        // A normalizer changes the text that such a token matches, for example to '▁<tool>' if it inserts a space
        // before every text.
        bool IsChanged(AddedToken token) =>
            token.IsNormalized && (steps.Prefix == SpacePrefix.Always || token.Text.AsSpan().ContainsAny(" ▁"));
        if (steps.Normalizer.Count > 0 && added.Find(IsChanged) is { } token)
            throw new AtelierException(
                $"the added token '{token.Text}' is looked for in normalized text, which is not supported for this "
                    + "kind of tokenizer", path, "use a model whose added tokens have normalized: false");
        return new SentencePieceTokenizer(names, merges, new SentencePieceRules
        {
            Prefix = steps.Prefix,
            SplitsWords = steps.SplitsWords,
            Added = added,
            Specials = specials,
        });
    }

    private CharacterTokenizer Characters(JsonElement model, IReadOnlyList<string> names, (string, string)[] merges,
        HashSet<string> specials, List<AddedToken> added)
    {
        if (merges.Length > 0)
            throw new AtelierException("BPE without a normalizer or pre-tokenizer is not supported",
                path, "supported are byte-level BPE and Llama's BPE");
        if (added.Count > 0)
            throw new AtelierException(
                $"the added token '{added[0].Text}', which is not special, is not supported for a character "
                    + $"tokenizer", path,
                "use a model without it");
        var tokenizer = new CharacterTokenizer(names, specials);
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

    /// <summary>Reads a merge: two strings, or one string with a space between the tokens.</summary>
    private (string Left, string Right) ReadMerge(JsonElement merge) => merge.ValueKind switch
    {
        JsonValueKind.String => TokenizerFile.MergePair(merge.GetString()!, path),
        JsonValueKind.Array when merge.GetArrayLength() == 2
            && merge.EnumerateArray().All(side => side.ValueKind == JsonValueKind.String) =>
            (merge[0].GetString()!, merge[1].GetString()!),
        _ => throw new AtelierException($"'{merge.GetRawText()}' is not a merge of two tokens", path),
    };

    private static bool IsOn(JsonElement element, string key) => element.TryGetProperty(key, out JsonElement value)
        && value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False or JsonValueKind.Null => false,
        _ => throw new FormatException($"'{key}' is {value.GetRawText()}, not true or false"),
    };
}
