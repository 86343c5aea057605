using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Exchange;

/// <summary>
/// Opens text models in several file formats for inference on the CPU in managed code only. Safe for concurrent use, as
/// are the generators that it returns.
/// </summary>
public static class TextModelFile
{
    /// <summary>The values of model_type in config.json that <see cref="Open"/> supports.</summary>
    public static IReadOnlyList<string> ModelTypes { get; } =
        [.. DecoderConfigFile.ModelTypes, RecurrentWeights.ModelType];

    /// <summary>Opens a model with memory-mapped weights.</summary>
    /// <param name="path">The folder of a bundle or a run, a folder with a GPT-2 or Llama model saved by Hugging Face's
    /// tools, a GGUF file, or a model in llama2.c's first binary format.</param>
    /// <param name="tokenizerPath">The path of a tokenizer.json or of llama2.c's tokenizer.bin, if the model has no
    /// tokenizer of its own. For a llama2.c model, null takes the tokenizer in the same folder: tokenizer.bin, or
    /// tok512.bin for a vocabulary of 512 tokens.</param>
    /// <param name="threads">Number of threads; 0 takes one for each processor.</param>
    /// <param name="cacheType">The type in which keys and values are cached: F32, F16 or Q8_0.</param>
    /// <exception cref="AtelierException">There is no model, it is damaged, or it is of an unsupported
    /// kind.</exception>
    public static TextGenerator Open(string path, string? tokenizerPath = null, int threads = 0,
        WeightType cacheType = WeightType.F32)
    {
        if (Directory.Exists(path))
            return OpenFolder(path, tokenizerPath, threads, cacheType);
        return GgufFile.IsGguf(path)
            ? OpenGguf(path, tokenizerPath, threads, cacheType)
            : OpenLlama2C(path, tokenizerPath, threads, cacheType);
    }

    private static TextGenerator OpenFolder(string folder, string? tokenizerPath, int threads, WeightType cacheType)
    {
        string config = Path.Combine(folder, "config.json"), inner = Path.Combine(folder, "bundle");
        if (!File.Exists(config) && Directory.Exists(inner))
            return OpenFolder(inner, tokenizerPath, threads, cacheType);
        RefuseOtherKinds(ConfigFile.Read(config));
        TextBundleFiles files = TextBundleFiles.Read(folder, tokenizerPath);
        return Make(files.Config, ModelWeights.Open(folder, files.Config), files.Tokenizer, files.Defaults,
            files.Bounds, ChatTemplateFile.Read(folder), threads, cacheType);
    }

    private static TextGenerator OpenGguf(string path, string? tokenizerPath, int threads, WeightType cacheType)
    {
        if (tokenizerPath is not null)
            throw new AtelierException("a GGUF file contains its own tokenizer", tokenizerPath, "leave it out");
        GgufFile gguf = GgufFile.Open(path);
        try
        {
            ConfigFile config = Config(path, GgufConfig.ToHuggingFace(gguf));
            (Tokenizer tokenizer, TextBounds bounds) = GgufTokenizer.Read(gguf);
            return Make(config, ModelWeights.FromGguf(gguf), tokenizer, new DecodingOptions(), bounds,
                GgufTokenizer.ReadChatTemplate(gguf), threads, cacheType);
        }
        catch
        {
            gguf.Dispose();
            throw;
        }
    }

    private static TextGenerator OpenLlama2C(string path, string? tokenizerPath, int threads,
        WeightType cacheType)
    {
        OtherFiles.Refuse(path);
        Llama2CFile file = Llama2CFile.Open(path);
        try
        {
            Tokenizer tokenizer = TokenizerFile.Open(tokenizerPath ?? file.TokenizerBeside());
            int startId = (tokenizer as SentencePieceTokenizer)?.BeginId ?? tokenizer.EndOfTextId ?? 0;
            return Make(Config(path, file.ToHuggingFace()), ModelWeights.FromLlama2C(file), tokenizer,
                new DecodingOptions(), TextBounds.Of(tokenizer, startId), null, threads, cacheType);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static TextGenerator Make(ConfigFile file, ModelWeights weights, Tokenizer tokenizer,
        DecodingOptions decoding, TextBounds bounds, string? chatTemplate, int threads, WeightType cacheType)
    {
        try
        {
            PaddedVocabulary.Check(file, tokenizer, file.Path, "use the model with its own tokenizer");
            bounds.Check(tokenizer, file.Path);
            IBatchedLanguageModel model = Decoder(file, weights, tokenizer.VocabularySize, threads, cacheType);
            return new TextGenerator(model, tokenizer, decoding, bounds)
            {
                ChatTemplate = chatTemplate,
            };
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    private static IBatchedLanguageModel Decoder(ConfigFile file, ModelWeights weights, int vocabularySize,
        int threads, WeightType cacheType)
    {
        if (file.ModelType == RecurrentWeights.ModelType)
        {
            if (cacheType != WeightType.F32)
                throw new AtelierException("a recurrent network has no keys and values", Mention.Field("cache-type"),
                    "leave it out");
            return new RecurrentDecoder(RecurrentWeights.Take(file, weights), threads);
        }
        (DecoderConfig config, DecoderWeights taken) = DecoderWeightsFile.Take(file, weights, vocabularySize);
        return new Decoder(config, taken, threads, cacheType);
    }

    private static void RefuseOtherKinds(ConfigFile file)
    {
        if (EncoderConfigFile.ModelTypes.Contains(file.ModelType))
            throw new AtelierException($"a model of type '{file.ModelType}' does not continue texts", file.Path,
                "TextEmbedderFile.Open opens it, to turn texts into vectors, and MaskedTextFile.Open to fill in texts");
        if (EncoderDecoderConfigFile.ModelTypes.Contains(file.ModelType))
            throw new AtelierException($"a model of type '{file.ModelType}' does not continue texts", file.Path,
                "SequenceToSequenceFile.Open opens it, to write a target text given a source");
        if (!ModelTypes.Contains(file.ModelType))
        {
            throw new AtelierException($"models of type '{file.ModelType}' are not supported without "
                + $"libtorch", file.Path,
                $"supported are {string.Join(", ", ModelTypes)}; Workshop.Open of the package Atelier opens all that "
                    + $"Atelier makes");
        }
    }

    private static ConfigFile Config(string path, JsonObject config)
    {
        using JsonDocument document = JsonDocument.Parse(config.ToJsonString());
        return new ConfigFile(path, document.RootElement.Clone());
    }
}
