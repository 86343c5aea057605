using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Tokenizers;

namespace Atelier.Tasks.Text;

/// <summary>
/// Imports and exports models in the formats of other systems. Weights are copied from file to file, row by row.
/// </summary>
internal static class BundleExchange
{
    /// <summary>
    /// Converts a Hugging Face folder, a GGUF file or a llama2.c file to a bundle, and opens the bundle to verify it.
    /// </summary>
    public static string Import(string source, string? tokenizerPath, string folder, Func<string, ITrainedModel> open,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        if (Directory.Exists(source))
            FromFolder(source, tokenizerPath, folder, open, progress, cancellation);
        else if (GgufFile.IsGguf(source))
            FromGguf(source, tokenizerPath, folder, open, progress, cancellation);
        else
            FromLlama2C(source, tokenizerPath, folder, open, progress, cancellation);
        return Path.GetFullPath(folder);
    }

    /// <summary>Exports a model as one GGUF file.</summary>
    public static string ToGguf(Bundle bundle, string path, WeightType? type, CancellationToken cancellation)
    {
        TextBundleFiles files = TextBundleFiles.Read(bundle.Folder);
        using ModelWeights weights = ModelWeights.Open(bundle.Folder, files.Config);
        ModelWriter.WriteGguf(path, weights, files.Config, files.Tokenizer, files.Bounds, type,
            ChatTemplateFile.Read(bundle.Folder), cancellation);
        return Path.GetFullPath(path);
    }

    /// <summary>Returns whether a model can be exported as GGUF.</summary>
    public static bool SupportsGguf(Bundle bundle)
    {
        if (!DecoderConfigFile.ModelTypes.Contains(bundle.ModelType))
            return false; // and may have no tokenizer
        TextBundleFiles files = TextBundleFiles.Read(bundle.Folder);
        return ModelWriter.SupportsGguf(files.Config, files.Tokenizer, files.Bounds);
    }

    /// <summary>Exports a model as a folder that Hugging Face tools can read.</summary>
    public static string ToHuggingFace(Bundle bundle, string folder, WeightType? type, CancellationToken cancellation)
    {
        if (type?.IsBlocked() == true)
            throw new AtelierException($"Hugging Face files do not support {type}", Mention.Field("type"),
                $"allowed: f32, f16 and bf16; {Mention.Field("format")} gguf also supports q8, q4 and others");
        bool isCopy = type is null && !bundle.IsGguf;
        BundleWriter.Replace(folder, partial =>
        {
            foreach (string file in Directory.EnumerateFiles(bundle.Folder).StoppedBy(cancellation))
            {
                if (BundleWriter.IsBundleFile(file) && (isCopy || !BundleWriter.IsWeights(file)))
                    File.Copy(file, Path.Combine(partial, Path.GetFileName(file)));
            }
            if (isCopy)
                return;
            using ModelWeights weights = ModelWeights.Open(bundle.Folder, ConfigFile.Read(bundle.ConfigPath));
            ModelWriter.WriteSafetensors(Path.Combine(partial, SafetensorsFolder.FileName), weights, type,
                cancellation: cancellation);
        });
        return Path.GetFullPath(folder);
    }

    private static void FromFolder(string source, string? tokenizerPath, string folder,
        Func<string, ITrainedModel> open, IProgress<string>? progress, CancellationToken cancellation)
    {
        bool isPyTorch = PyTorchFolder.Has(source);
        if (isPyTorch)
            ConfigFile.Read(Path.Combine(source, "config.json"));
        else
            source = Bundle.Open(source).Folder; // refuses what is no model before anything is written
        bool bringsOwn = File.Exists(Path.Combine(source, "tokenizer.json"));
        if (tokenizerPath is not null && bringsOwn)
            throw new AtelierException("a folder contains its own tokenizer.json", Mention.Field("tokenizer"),
                "leave it out");
        // Folders of older tools have the files of BERT's or of GPT-2's tokenizer instead; only text models have a
        // tokenizer.
        bool Has(string name) => tokenizerPath is null && !bringsOwn && File.Exists(Path.Combine(source, name));
        Tokenizer? converted = Has("vocab.txt") ? TokenizerFile.LoadFolder(source)
            : tokenizerPath is not null || Has("vocab.json") ? TextBundleFiles.ReadTokenizer(source, tokenizerPath)
            : Has("tokenizer.model") ? TokenizerFile.LoadFolder(source)
            : null;
        BundleWriter.Replace(folder, partial =>
        {
            progress?.Report("copying files");
            foreach (string file in Directory.EnumerateFiles(source).Where(BundleWriter.IsBundleFile)
                .StoppedBy(cancellation))
            {
                InputFile.RequireRegular(file);
                File.Copy(file, Path.Combine(partial, Path.GetFileName(file)));
            }
            if (isPyTorch)
            {
                progress?.Report("converting PyTorch's weights");
                PyTorchFolder.Convert(source, Path.Combine(partial, SafetensorsFolder.FileName), cancellation);
            }
            converted?.Save(Path.Combine(partial, "tokenizer.json"));
            cancellation.ThrowIfCancellationRequested();
            Check(partial, source, open, progress);
            ConfigFile config = ConfigFile.Read(Path.Combine(partial, "config.json"));
            if (DecoderConfigFile.ModelTypes.Contains(config.ModelType))
            {
                using ModelWeights weights = ModelWeights.Open(partial, config);
                weights.CheckNumbers(cancellation);
            }
        });
    }

    private static void FromGguf(string source, string? tokenizerPath, string folder,
        Func<string, ITrainedModel> open, IProgress<string>? progress, CancellationToken cancellation)
    {
        if (tokenizerPath is not null)
            throw new AtelierException("a GGUF file contains its own tokenizer", Mention.Field("tokenizer"),
                "leave it out");
        GgufFile file = GgufFile.Open(source);
        using ModelWeights weights = ModelWeights.FromGguf(file);
        JsonObject config = GgufConfig.ToHuggingFace(file);
        (Tokenizer tokenizer, TextBounds bounds) = GgufTokenizer.Read(file);
        Write(folder, source, config, tokenizer, bounds, open, progress, partial =>
        {
            weights.CheckNumbers(cancellation);
            if (GgufTokenizer.ReadChatTemplate(file) is { } template)
                AtomicFile.WriteText(Path.Combine(partial, ChatTemplateFile.FileName), template);
            // Hugging Face files cannot hold quantised blocks, nor rotary factors without the settings from which they
            // were computed. Such a file is kept unchanged.
            if (weights.Tensors.Any(t => t.Type.IsBlocked())
                || (weights.RopeFactors is not null && !file.Contains(GgufConfig.ScalingFactor)))
                File.Copy(source, Path.Combine(partial, ModelWeights.GgufName));
            else
                ModelWriter.WriteSafetensors(Path.Combine(partial, SafetensorsFolder.FileName), weights, null,
                    cancellation: cancellation);
        });
    }

    private static void FromLlama2C(string source, string? tokenizerPath, string folder,
        Func<string, ITrainedModel> open, IProgress<string>? progress, CancellationToken cancellation)
    {
        OtherFiles.Refuse(source);
        Llama2CFile file = Llama2CFile.Open(source);
        using ModelWeights weights = ModelWeights.FromLlama2C(file);
        tokenizerPath ??= file.TokenizerBeside();
        Tokenizer tokenizer = TokenizerFile.Open(tokenizerPath);
        if (tokenizer.VocabularySize != file.Sizes.VocabularySize)
        {
            throw new AtelierException(
                $"the tokenizer has {tokenizer.VocabularySize} tokens, the model {file.Sizes.VocabularySize}",
                tokenizerPath, "use the tokenizer that the model was trained with");
        }
        int start = (tokenizer as SentencePieceTokenizer)?.BeginId ?? tokenizer.EndOfTextId ?? 0;
        var bounds = TextBounds.Of(tokenizer, start);
        Write(folder, source, file.ToHuggingFace(), tokenizer, bounds, open, progress, partial =>
            ModelWriter.WriteSafetensors(Path.Combine(partial, SafetensorsFolder.FileName), weights, null,
                cancellation: cancellation));
    }

    private static void Write(string folder, string source, JsonObject config, Tokenizer tokenizer, TextBounds bounds,
        Func<string, ITrainedModel> open, IProgress<string>? progress, Action<string> writeWeights) =>
        BundleWriter.Replace(folder, partial =>
        {
            AtomicFile.WriteText(Path.Combine(partial, "config.json"), ConfigRecords.Write(config));
            progress?.Report("writing weights");
            writeWeights(partial);
            tokenizer.Save(Path.Combine(partial, "tokenizer.json"));
            var generation = new GenerationConfigFile(new DecodingOptions(), bounds.StartId, bounds.EndIds);
            generation.Write(Path.Combine(partial, Bundle.GenerationConfigName));
            string chatConfig = Path.Combine(partial, ChatTemplateFile.ConfigName);
            if (!bounds.StartsPrompts)
                AtomicFile.WriteText(chatConfig, """{ "add_bos_token": false }""");
            AtomicFile.WriteText(Path.Combine(partial, "README.md"), Card(Path.GetFileName(source)));
            Check(partial, source, open, progress);
        });

    /// <summary>
    /// Opens the new bundle to verify it. Error messages name the user's source instead of the temporary folder.
    /// </summary>
    private static void Check(string folder, string source, Func<string, ITrainedModel> open,
        IProgress<string>? progress)
    {
        progress?.Report("opening the bundle to check it");
        try
        {
            open(folder).Dispose();
        }
        catch (AtelierException e) when (e.Where is { } where)
        {
            throw e.At(where.Replace(folder, source, StringComparison.Ordinal));
        }
    }

    private static string Card(string name) => $"""
        ---
        pipeline_tag: text-generation
        ---
        # {Path.GetFileNameWithoutExtension(name)}

        Made of {name}; where it came from says what it was trained on and under which licence.

        """;
}
