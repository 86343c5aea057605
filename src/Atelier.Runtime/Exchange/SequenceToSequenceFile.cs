using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Exchange;

/// <summary>
/// Opens models that write a target text given a source, on the CPU in managed code only. Safe for concurrent use, as
/// are the generators that it returns.
/// </summary>
public static class SequenceToSequenceFile
{
    /// <summary>The file of the targets' tokenizer, for models with two vocabularies.</summary>
    public const string TargetTokenizerName = "target-tokenizer.json";

    private const string TokenizerName = "tokenizer.json", GenerationConfig = "generation_config.json";

    /// <summary>The values of model_type in config.json that <see cref="Open"/> supports.</summary>
    public static IReadOnlyList<string> ModelTypes => EncoderDecoderConfigFile.ModelTypes;

    /// <summary>
    /// Opens the folder of a run or of a bundle, or a folder saved by Hugging Face's tools with a tokenizer.json.
    /// </summary>
    /// <param name="folder">The folder, with config.json, weights and tokenizer.json.</param>
    /// <param name="type">The type to round the linear layers to; null keeps that of the file.</param>
    /// <param name="threads">Number of threads; 0 takes one for each processor.</param>
    /// <exception cref="AtelierException">A file is missing, damaged or unsupported, or the files do not fit together.
    /// </exception>
    public static SequenceToSequenceGenerator Open(string folder, WeightType? type = null, int threads = 0)
    {
        string inner = Path.Combine(folder, "bundle");
        if (!File.Exists(Path.Combine(folder, "config.json")) && Directory.Exists(inner))
            folder = inner;
        ConfigFile file = ConfigFile.Read(Path.Combine(folder, "config.json"));
        EncoderDecoderConfigFile.Read(file); // refuses other kinds of models before their files are read
        (Tokenizer source, Tokenizer target) = ReadTokenizers(folder);
        DecodingOptions defaults = ReadDefaults(folder, file);
        SequenceToSequenceTokens tokens = ReadTokens(file);
        (EncoderDecoderConfig config, EncoderDecoderWeights weights) =
            EncoderDecoderWeightsFile.Open(folder, target.VocabularySize);
        EncoderDecoder? model = null;
        try
        {
            model = new EncoderDecoder(config, type is WeightType t ? weights.ConvertTo(t) : weights, threads);
            return new SequenceToSequenceGenerator(model, source, target, defaults, tokens);
        }
        catch
        {
            model?.Dispose(); // its threads
            foreach (IDisposable owner in weights.Owners)
                owner.Dispose();
            throw;
        }
    }

    /// <summary>Reads the tokenizers of sources and of targets; the same object if they share a vocabulary.</summary>
    /// <param name="folder">The folder of a bundle.</param>
    /// <exception cref="AtelierException">A file is missing or damaged.</exception>
    public static (Tokenizer Source, Tokenizer Target) ReadTokenizers(string folder)
    {
        Tokenizer source = TokenizerFile.Load(Path.Combine(folder, TokenizerName));
        string own = Path.Combine(folder, TargetTokenizerName);
        return (source, File.Exists(own) ? TokenizerFile.Load(own) : source);
    }

    /// <summary>Reads the decoding defaults of a folder; older ones have them in config.json.</summary>
    /// <param name="folder">The folder of a bundle.</param>
    /// <param name="config">Its config.json.</param>
    /// <exception cref="AtelierException">A value is out of range or not supported.</exception>
    public static DecodingOptions ReadDefaults(string folder, ConfigFile config)
    {
        string path = Path.Combine(folder, GenerationConfig);
        if (File.Exists(path))
            return GenerationConfigFile.Read(path).Decoding;
        var usual = new DecodingOptions();
        return new DecodingOptions
        {
            Temperature = 0,
            BeamWidth = config.Integer("num_beams", usual.BeamWidth),
            LengthPenalty = config.Number("length_penalty", usual.LengthPenalty),
            MaxTokens = config.Integer("max_length", usual.MaxTokens),
        }.Check(config.Path);
    }

    /// <summary>Reads the special tokens and the text before every source.</summary>
    /// <param name="config">The config.json.</param>
    /// <exception cref="AtelierException">A token is missing or not a number.</exception>
    public static SequenceToSequenceTokens ReadTokens(ConfigFile config)
    {
        const string pad = "pad_token_id", end = "eos_token_id";
        bool isT5 = config.ModelType == EncoderDecoderConfigFile.T5;
        int last = config.Integer(end, isT5 ? 1 : null);
        int start = config.Integer("decoder_start_token_id", isT5 ? config.Integer(pad, 0) : last);
        return new SequenceToSequenceTokens(start, [last])
        {
            SourceEndIds = [config.Integer("source_eos_token_id", last)],
            SourcePrefix = config.String(EncoderDecoderConfigFile.Prefix, ""),
        };
    }
}
