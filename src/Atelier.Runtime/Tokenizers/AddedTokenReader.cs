using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>Reads the added tokens of a tokenizer.json.</summary>
internal static class AddedTokenReader
{
    private const string Damaged = "download the file again";

    private static readonly KnownKeys Keys = new(
        ["id", "content", "special", "normalized", "lstrip", "rstrip", "single_word"], []);

    /// <summary>Adds the added tokens to the vocabulary and separates the special ones from the others.</summary>
    /// <param name="root">The root of the file.</param>
    /// <param name="tokens">The ids of the vocabulary, to which the tokens are added.</param>
    /// <param name="path">The path of the file.</param>
    /// <exception cref="AtelierException">A token is damaged.</exception>
    public static (List<AddedToken> Specials, List<AddedToken> Added) Read(JsonElement root,
        Dictionary<string, int> tokens, string path)
    {
        List<AddedToken> specials = [], added = [];
        if (!root.TryGetProperty("added_tokens", out JsonElement list) || list.ValueKind == JsonValueKind.Null)
            return (specials, added);
        int place = 0;
        foreach (JsonElement token in list.EnumerateArray())
        {
            Keys.Check(token, path, $"added_tokens[{place++}].");
            string name = token.GetProperty("content").GetString() ?? "";
            int id = token.GetProperty("id").GetInt32();
            if (name.Length == 0)
                throw new AtelierException($"the added token {id} has no text", path, Damaged);
            if (tokens.TryGetValue(name, out int known) && known != id)
                throw new AtelierException($"the added token '{name}' has the id {id}, but {known} in the vocabulary",
                    path, Damaged);
            tokens[name] = id;
            (IsOn("special") ? specials : added).Add(new AddedToken(name, id, IsOn("normalized"), IsOn("lstrip"),
                IsOn("rstrip"), IsOn("single_word")));

            bool IsOn(string key) => TokenizerReader.IsOn(token, key);
        }
        return (specials, added);
    }
}
