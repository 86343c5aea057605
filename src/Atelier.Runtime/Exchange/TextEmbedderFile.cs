using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Exchange;

/// <summary>
/// Opens encoders that turn texts into vectors, on the CPU in managed code only. Safe for concurrent use, as are the
/// embedders that it returns.
/// </summary>
public static class TextEmbedderFile
{
    /// <summary>The values of model_type in config.json that <see cref="Open"/> supports.</summary>
    public static IReadOnlyList<string> ModelTypes => EncoderConfigFile.ModelTypes;

    /// <summary>
    /// Opens a folder saved by Hugging Face's tools or by sentence-transformers, whose files say how vectors are made.
    /// Without them, a vector is the mean of the hidden states, of length 1.
    /// </summary>
    /// <param name="folder">The folder, with config.json, weights, and tokenizer.json or vocab.txt.</param>
    /// <param name="type">The type to round the linear layers to; null keeps that of the file.</param>
    /// <param name="threads">Number of threads; 0 takes one for each processor.</param>
    /// <exception cref="AtelierException">A file is missing, damaged or unsupported, or the files do not fit together.
    /// </exception>
    public static TextEmbedder Open(string folder, WeightType? type = null, int threads = 0)
    {
        Tokenizer tokenizer = TokenizerFile.LoadFolder(folder);
        if (tokenizer.EncodeWithSpecials("").Ids.Count == 0)
            throw new AtelierException("the tokenizer does not say which special tokens an encoder reads", folder,
                "save the tokenizer as a tokenizer.json with its post-processor");
        (EncoderConfig config, EncoderWeights weights) = EncoderWeightsFile.Open(folder);
        try
        {
            if (tokenizer.VocabularySize != config.VocabularySize)
                throw new AtelierException($"the model has {config.VocabularySize} tokens, but the tokenizer has "
                    + $"{tokenizer.VocabularySize}", folder, "use the model with its own tokenizer");
            TextEmbeddingOptions options = SentenceTransformerFiles.Read(folder, config);
            var encoder = new Encoder(config, type is WeightType t ? weights.ConvertTo(t) : weights, threads);
            return new TextEmbedder(encoder, tokenizer, options);
        }
        catch
        {
            foreach (IDisposable owner in weights.Owners)
                owner.Dispose();
            throw;
        }
    }
}
