using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Tokenizers;

namespace Atelier.Exchange;

/// <summary>The files of a text model's folder other than the weights, read and checked for consistency.</summary>
/// <param name="Config">The model's configuration, config.json.</param>
/// <param name="Tokenizer">The tokenizer, tokenizer.json.</param>
/// <param name="Defaults">The sampling defaults, generation_config.json.</param>
/// <param name="Bounds">The tokens with which a text begins and ends.</param>
public sealed record TextBundleFiles(ConfigFile Config, Tokenizer Tokenizer, DecodingOptions Defaults,
    TextBounds Bounds)
{
    private const string GenerationConfig = "generation_config.json";

    /// <summary>Reads the files of a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tokenizerPath">The path of a tokenizer to use instead of the folder's own; null for none.</param>
    /// <exception cref="AtelierException">A file is missing, damaged or unsupported, or the files do not fit
    /// together.</exception>
    public static TextBundleFiles Read(string folder, string? tokenizerPath = null)
    {
        ConfigFile config = ConfigFile.Read(Path.Combine(folder, "config.json"));
        (Tokenizer tokenizer, IReadOnlyList<int>? leading) = ReadContents(folder, tokenizerPath);
        PaddedVocabulary.Check(config, tokenizer, folder, "use config.json and tokenizer.json of the same model");
        GenerationConfigFile generation = GenerationConfigFile.Read(Path.Combine(folder, GenerationConfig));
        // Both files may name the start and end tokens, and older folders have them in config.json only. The default is
        // the tokenizer's own token.
        int startId = generation.StartId ?? config.IntegerOrNull("bos_token_id")
            ?? leading?.Cast<int?>().FirstOrDefault() ?? tokenizer.EndOfTextId ?? 0;
        IReadOnlyList<int>? endIds = generation.EndIds, older = config.Integers("eos_token_id");
        // Checked even if the other file takes precedence.
        new TextBounds(config.IntegerOrNull("bos_token_id") ?? startId, older ?? []).Check(tokenizer, config.Path);
        string source = generation.StartId is null && endIds is null ? "config.json" : GenerationConfig;
        bool? begins = tokenizerPath is null
            ? TokenizerConfigFile.Read(Path.Combine(folder, TokenizerConfigFile.Name), tokenizer)
            : null;
        var bounds = new TextBounds(startId, endIds ?? older ?? TextBounds.EndsOf(tokenizer),
            StartsPrompts(folder, tokenizer, startId, leading, begins));
        return new TextBundleFiles(config, tokenizer, generation.Decoding,
            bounds.Check(tokenizer, Path.Combine(folder, source)));
    }

    /// <summary>Checks that a model that continues text can have a tokenizer, before it is trained.</summary>
    /// <param name="tokenizerPath">The tokenizer.json.</param>
    /// <param name="startId">The token that training texts begin after.</param>
    /// <exception cref="AtelierException">The file is damaged or truncates text, or it puts other tokens before or
    /// after a text.</exception>
    public static void CheckTokenizer(string tokenizerPath, int startId)
    {
        (Tokenizer tokenizer, IReadOnlyList<int>? leading) = TokenizerFile.Read(tokenizerPath);
        if (leading is [int first] && first != startId)
            throw new AtelierException($"post_processor puts the token '{tokenizer.Name(first)}' before a text, but "
                + $"the texts to train on begin after '{tokenizer.Name(startId)}'", tokenizerPath,
                "set post_processor to null, or use another tokenizer");
    }

    /// <summary>
    /// Returns whether the start token precedes a prompt, by the tokenizer's template or its settings; true if neither
    /// decides.
    /// </summary>
    private static bool StartsPrompts(string folder, Tokenizer tokenizer, int startId, IReadOnlyList<int>? leading,
        bool? begins)
    {
        const string hint = "use files of the same model";
        if (leading is [int first] && first != startId)
            throw new AtelierException(
                $"tokenizer.json puts the token '{tokenizer.Name(first)}' before a text, but bos_token_id is {startId}",
                folder, hint);
        if (leading is not null && begins is not null && begins != leading.Count > 0)
        {
            throw new AtelierException(
                $"tokenizer.json puts {leading.Count} tokens before a text, but add_bos_token is "
                    + $"{(begins.Value ? "true" : "false")} in {TokenizerConfigFile.Name}",
                folder, hint);
        }
        return begins ?? leading is not { Count: 0 };
    }

    /// <summary>
    /// Reads the tokenizer of a folder: tokenizer.json, or GPT-2's two files in folders of older tools.
    /// </summary>
    /// <inheritdoc cref="Read"/>
    public static Tokenizer ReadTokenizer(string folder, string? tokenizerPath) =>
        ReadContents(folder, tokenizerPath).Tokenizer;

    private static TokenizerContents ReadContents(string folder, string? tokenizerPath)
    {
        if (tokenizerPath is not null)
            return TokenizerFile.OpenWhole(tokenizerPath);
        string own = Path.Combine(folder, "tokenizer.json"), vocabulary = Path.Combine(folder, "vocab.json"),
            merges = Path.Combine(folder, "merges.txt");
        if (File.Exists(own) || !File.Exists(vocabulary) || !File.Exists(merges))
            return TokenizerFile.Read(own);
        string added = Path.Combine(folder, "added_tokens.json");
        return File.Exists(added)
            ? throw new AtelierException("tokens added to a vocab.json are not supported", added,
                "save the tokenizer as a tokenizer.json")
            : new TokenizerContents(BpeTokenizer.FromGpt2(vocabulary, merges), null);
    }
}
