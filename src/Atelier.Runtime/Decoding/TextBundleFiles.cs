using Atelier.Formats;
using Atelier.Tokenizers;

namespace Atelier.Decoding;

/// <summary>What a text model's folder holds beside the weights, read and checked against one another.</summary>
/// <param name="Config">The shape: config.json.</param>
/// <param name="Tokenizer">What turns text into the model's ids: tokenizer.json.</param>
/// <param name="Defaults">How it makes samples where a request does not say: generation_config.json.</param>
/// <param name="StartId">The token that a text begins after.</param>
public sealed record TextBundleFiles(ConfigFile Config, Tokenizer Tokenizer, DecodingOptions Defaults, int StartId)
{
    /// <summary>Reads them.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tokenizerPath">A tokenizer in place of the folder's own, or null.</param>
    /// <exception cref="AtelierException">A file is missing or damaged, or they do not fit together.</exception>
    public static TextBundleFiles Read(string folder, string? tokenizerPath = null)
    {
        ConfigFile config = ConfigFile.Read(Path.Combine(folder, "config.json"));
        string own = Path.Combine(folder, "tokenizer.json"), vocabulary = Path.Combine(folder, "vocab.json"), merges = Path.Combine(folder, "merges.txt");
        // Folders of older tools have GPT-2's two files instead of a tokenizer.json.
        Tokenizer tokenizer = tokenizerPath is not null ? TokenizerFile.Open(tokenizerPath)
            : !File.Exists(own) && File.Exists(vocabulary) && File.Exists(merges) ? BpeTokenizer.FromGpt2(vocabulary, merges)
            : TokenizerFile.Load(own);
        if (tokenizer.VocabularySize != config.VocabularySize)
        {
            throw new AtelierException($"the model knows {config.VocabularySize} tokens, but the tokenizer has {tokenizer.VocabularySize}",
                folder, "bring config.json and tokenizer.json of the same model together");
        }
        string generationPath = Path.Combine(folder, "generation_config.json");
        GenerationConfigFile generation = GenerationConfigFile.Read(generationPath);
        const string key = "bos_token_id"; // older folders have it in config.json
        int startId = generation.StartId ?? config.Integer(key, tokenizer.EndOfTextId ?? 0);
        if (startId < 0 || startId >= tokenizer.VocabularySize)
        {
            throw new AtelierException($"{key} {startId} is not among the {tokenizer.VocabularySize} tokens", generationPath,
                "name a token that the tokenizer has");
        }
        return new TextBundleFiles(config, tokenizer, generation.Decoding, startId);
    }
}
