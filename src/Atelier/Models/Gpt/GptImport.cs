using Atelier.Decoding;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tokenizers;
using static TorchSharp.torch;

namespace Atelier.Models.Gpt;

/// <summary>Models from other systems' files.</summary>
public static class GptImport
{
    /// <summary>Writes a bundle of a model in llama2.c's first binary format.</summary>
    /// <param name="modelPath">The .bin file of the weights.</param>
    /// <param name="tokenizerPath">The .bin file of its tokenizer.</param>
    /// <param name="folder">Where to.</param>
    /// <exception cref="AtelierException">A file is damaged, they do not belong together, or the place cannot be written.</exception>
    public static void Llama2C(string modelPath, string tokenizerPath, string folder)
    {
        using GptModel model = FromLlama2C(modelPath);
        SentencePieceTokenizer tokenizer = SentencePieceTokenizer.FromLlama2C(tokenizerPath);
        if (tokenizer.VocabularySize != model.VocabularySize)
        {
            throw new AtelierException($"the model knows {model.VocabularySize} tokens, but the tokenizer has {tokenizer.VocabularySize}",
                tokenizerPath, "name the tokenizer that came with the model");
        }
        string card = Card(Path.GetFileName(modelPath));
        new GptFamily().Write(folder, model, tokenizer, new DecodingOptions(), tokenizer.BeginId ?? tokenizer.EndOfTextId ?? 0, card);
    }

    /// <summary>Writes a bundle of a model in a folder as Hugging Face's tools save it, in one file or in shards.</summary>
    /// <param name="source">The folder with config.json, the weights and tokenizer.json.</param>
    /// <param name="folder">Where to.</param>
    /// <exception cref="AtelierException">A file is missing or damaged, the shape is another, or the place cannot be written.</exception>
    public static void HuggingFace(string source, string folder)
    {
        var family = new GptFamily();
        Bundle bundle = Bundle.Open(source);
        if (!family.ModelTypes.Contains(bundle.ModelType))
        {
            throw new AtelierException($"model_type '{bundle.ModelType}' is not a shape that gpt has", bundle.ConfigPath,
                $"these are: {string.Join(", ", family.ModelTypes)}");
        }
        using var generator = (TextGenerator)family.Load(bundle, "cpu");
        string card = File.Exists(bundle.CardPath) ? File.ReadAllText(bundle.CardPath) : Card(Path.GetFileName(bundle.Folder));
        family.Write(folder, (GptModel)generator.Model, generator.Tokenizer, generator.Defaults, generator.StartId, card);
    }

    /// <summary>Reads a model in llama2.c's first binary format.</summary>
    /// <param name="path">The .bin file.</param>
    /// <exception cref="AtelierException">The file is missing, cut short, or of another kind.</exception>
    public static GptModel FromLlama2C(string path)
    {
        Llama2CFile file = Llama2CFile.Open(path);
        Llama2CSizes sizes = file.Sizes;
        var config = new GptConfig
        {
            Layout = GptLayout.Llama,
            LayerCount = sizes.LayerCount,
            HeadCount = sizes.HeadCount,
            KeyValueHeadCount = sizes.KeyValueHeadCount,
            HiddenSize = sizes.HiddenSize,
            FeedForwardSize = sizes.FeedForwardSize,
            ContextLength = sizes.ContextLength,
            TieHead = sizes.TieHead,
        };
        var model = new GptModel(config, sizes.VocabularySize, Precision.Fp32, seed: 0);
        try
        {
            using var scope = NewDisposeScope();
            GptWeights.Import(model, file.Tensors.ToDictionary(t => t.Name, t => tensor(file.Read(t.Name)).view([.. t.Shape])), path);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static string Card(string name) => $"""
        ---
        pipeline_tag: text-generation
        ---
        # {name}

        Imported; where it came from says what it was trained on and under which licence.

        """;
}
