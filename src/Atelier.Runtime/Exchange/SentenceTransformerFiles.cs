using System.Text.Json;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Networks;

namespace Atelier.Exchange;

/// <summary>
/// Reads the files with which the sentence-transformers library says how a model makes vectors: modules.json,
/// 1_Pooling/config.json and sentence_bert_config.json. What they ask for and is not supported is refused by name.
/// </summary>
internal static class SentenceTransformerFiles
{
    private const string Modules = "modules.json", Package = "sentence_transformers.models.";

    private static readonly (string Key, EmbeddingPooling Pooling)[] Modes =
    [
        ("pooling_mode_mean_tokens", EmbeddingPooling.Mean), ("pooling_mode_cls_token", EmbeddingPooling.First),
        ("pooling_mode_lasttoken", EmbeddingPooling.Last),
    ];

    // Another mode than the three is a switch that is on, which KnownKeys refuses.
    private static readonly KnownKeys PoolingKeys =
        new(["word_embedding_dimension", .. Modes.Select(mode => mode.Key)], ["include_prompt"]);

    private static readonly KnownKeys EncoderKeys = new(["max_seq_length"], ["do_lower_case"]);

    /// <summary>Reads the options of a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="config">The encoder's configuration.</param>
    /// <exception cref="AtelierException">A file is damaged, or asks for something that is not supported.</exception>
    public static TextEmbeddingOptions Read(string folder, EncoderConfig config)
    {
        string modules = Path.Combine(folder, Modules), pooling = Path.Combine(folder, "1_Pooling", "config.json"),
            encoder = Path.Combine(folder, "sentence_bert_config.json");
        var options = new TextEmbeddingOptions();
        if (File.Exists(modules))
            options = options with { Normalise = IsNormalised(modules) };
        if (File.Exists(pooling))
            options = options with { Pooling = ReadPooling(ConfigFile.Read(pooling), config) };
        if (!File.Exists(encoder))
            return options;
        ConfigFile file = ConfigFile.Read(encoder);
        file.RefuseUnread(EncoderKeys);
        int? most = file.IntegerOrNull("max_seq_length");
        return most is not < 1
            ? options with { MaxTokens = Math.Min(most ?? config.ContextLength, config.ContextLength) }
            : throw new AtelierException($"max_seq_length is {most}", encoder, "download the model again");
    }

    private static EmbeddingPooling ReadPooling(ConfigFile file, EncoderConfig config)
    {
        file.RefuseUnread(PoolingKeys);
        int size = file.Integer("word_embedding_dimension", config.HiddenSize);
        if (size != config.HiddenSize)
            throw new AtelierException($"word_embedding_dimension is {size}, but the states have {config.HiddenSize} "
                + "elements", file.Path, "download the model again");
        EmbeddingPooling[] chosen =
            [.. Modes.Where(mode => file.Boolean(mode.Key, false)).Select(mode => mode.Pooling)];
        return chosen is [EmbeddingPooling only]
            ? only
            : throw new AtelierException($"{chosen.Length} pooling modes are chosen", file.Path,
                $"choose one of {string.Join(", ", Modes.Select(mode => mode.Key))}");
    }

    /// <summary>Returns whether the last module scales vectors to length 1.</summary>
    private static bool IsNormalised(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(InputFile.ReadAllBytes(path));
            string[] types = [.. document.RootElement.EnumerateArray().Select(m => m.GetProperty("type").GetString()!)];
            string[][] known = [["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]];
            string[] names = [.. types.Select(type => type.Replace(Package, "", StringComparison.Ordinal))];
            return known.Any(names.SequenceEqual)
                ? names.Length == 3
                : throw new AtelierException($"the modules {string.Join(", ", names)} are not supported", path,
                    "supported are Transformer, Pooling and, at the end, Normalize");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new AtelierException("is not a list of modules", path, "download the model again", e);
        }
    }
}
