using Atelier.Formats;
using Atelier.Recipes;
using static TorchSharp.torch;

namespace Atelier.Models.Gpt;

/// <summary>Models from other systems' files.</summary>
public static class GptImport
{
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
}
