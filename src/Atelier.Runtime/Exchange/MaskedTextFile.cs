using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Exchange;

/// <summary>
/// Opens masked language models of BERT's and RoBERTa's shape, which fill in texts, on the CPU in managed code only.
/// Safe for concurrent use, as are the generators that it returns.
/// </summary>
public static class MaskedTextFile
{
    /// <summary>The values of model_type in config.json that <see cref="Open"/> supports.</summary>
    public static IReadOnlyList<string> ModelTypes => EncoderConfigFile.ModelTypes;

    /// <summary>
    /// Whether a config.json is of an encoder that <see cref="Open"/> supports: of one of <see cref="ModelTypes"/>, and
    /// without a head that predicts labels.
    /// </summary>
    /// <param name="config">The config.json.</param>
    /// <exception cref="AtelierException">The config.json has no model_type.</exception>
    public static bool Supports(ConfigFile config) =>
        ModelTypes.Contains(config.ModelType) && !(config.Strings("architectures") ?? [])
            .Any(name => name.EndsWith("Classification", StringComparison.Ordinal));

    /// <summary>Opens the folder of a run or of a bundle, or a folder saved by Hugging Face's tools.</summary>
    /// <param name="folder">The folder, with config.json, weights, and tokenizer.json or vocab.txt.</param>
    /// <param name="type">The type to round the linear layers to; null keeps that of the file.</param>
    /// <param name="threads">Number of threads; 0 takes one for each processor.</param>
    /// <exception cref="AtelierException">A file is missing, damaged or unsupported, or the files do not fit together.
    /// </exception>
    public static MaskedTextGenerator Open(string folder, WeightType? type = null, int threads = 0)
    {
        string inner = Path.Combine(folder, "bundle");
        if (!File.Exists(Path.Combine(folder, "config.json")) && Directory.Exists(inner))
            folder = inner;
        ConfigFile file = ConfigFile.Read(Path.Combine(folder, "config.json"));
        if (!Supports(file))
            throw new AtelierException("the model does not fill in texts", file.Path,
                $"the supported types are {string.Join(" and ", ModelTypes)}, without a head for labels");
        Tokenizer tokenizer = TokenizerFile.LoadFolder(folder);
        // published vocabularies may be padded with rows that no token uses
        if (tokenizer.VocabularySize > file.VocabularySize)
            throw new AtelierException($"the model has {Quantity.Of(file.VocabularySize, "token")}, but the tokenizer "
                + $"has {tokenizer.VocabularySize}", folder, "use config.json and tokenizer.json of the same model");
        MaskedTokens tokens = ReadTokens(file, tokenizer);
        DecodingOptions decoding = GenerationConfigFile.Read(Path.Combine(folder, "generation_config.json")).Decoding;
        (EncoderConfig config, EncoderWeights weights) = EncoderWeightsFile.Open(folder);
        Encoder? encoder = null;
        try
        {
            encoder = new Encoder(config, type is WeightType t ? weights.ConvertTo(t) : weights, threads);
            return new MaskedTextGenerator(encoder, tokenizer, tokens, decoding)
            {
                Embedder = new SurroundedTextEmbedder(encoder, tokenizer, tokens),
            };
        }
        catch
        {
            encoder?.Dispose(); // its threads
            foreach (IDisposable owner in weights.Owners)
                owner.Dispose();
            throw;
        }
    }

    /// <summary>Reads the special tokens: those of the tokenizer, or else those of config.json.</summary>
    /// <param name="config">The config.json.</param>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    /// <exception cref="AtelierException">The vocabulary of the model lacks one of the tokens.</exception>
    public static MaskedTokens ReadTokens(ConfigFile config, Tokenizer tokenizer)
    {
        var named = new MaskedTokens(config.IntegerOrNull("mask_token_id"))
        {
            BeginId = config.IntegerOrNull("bos_token_id"),
            EndId = config.IntegerOrNull("eos_token_id"),
        };
        int pad = config.Integer("pad_token_id", config.ModelType == EncoderConfigFile.Roberta ? 1 : 0);
        return (MaskedTokens.Of(tokenizer, named) with { PadId = pad }).Check(config.VocabularySize, config.Path);
    }

    /// <summary>
    /// Turns texts into vectors: the mean of the hidden states (Reimers and Gurevych 2019, section 3), of length 1. A
    /// text stands between the special tokens of the model, which its tokenizer may not insert.
    /// </summary>
    private sealed class SurroundedTextEmbedder(Encoder encoder, Tokenizer tokenizer, MaskedTokens tokens)
        : ITextEmbedder
    {
        public int EmbeddingSize => encoder.Config.HiddenSize;

        public int CountTokens(string text) => tokens.Encode(tokenizer, text, encoder.ContextLength).Length;

        /// <inheritdoc/>
        /// <remarks>The vector of a text without tokens is zero.</remarks>
        public IReadOnlyList<float[]> Embed(IReadOnlyList<string> texts, CancellationToken cancellation = default)
        {
            int[][] sequences = [.. texts.Select(text => tokens.Encode(tokenizer, text, encoder.ContextLength))];
            int[] some = [.. Enumerable.Range(0, sequences.Length).Where(i => sequences[i].Length > 0)];
            IReadOnlyList<float[]> means = encoder.Embed([.. some.Select(i => new EncoderInput(sequences[i]))],
                cancellation: cancellation);
            float[][] vectors = [.. texts.Select(_ => new float[EmbeddingSize])];
            foreach ((int place, int i) in some.Index())
                vectors[i] = means[place];
            return vectors;
        }
    }
}
