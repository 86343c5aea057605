using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Networks;
using Atelier.Runs;

namespace Atelier.Tasks.Text;

/// <summary>The size of a finished model.</summary>
/// <param name="ModelType">Its kind as config.json names it.</param>
/// <param name="Parameters">The numbers that its weights' files hold; a head that is the embedding counts once.</param>
/// <param name="Shape">
/// The sizes that make it, by the recipe's names; empty for kinds whose config.json has none of these.
/// </param>
public sealed record ModelSummary(string ModelType, long Parameters, IReadOnlyList<(string Name, long Value)> Shape)
{
    /// <summary>Reads it from a bundle's files, without loading the weights.</summary>
    /// <param name="folder">A bundle's folder or a run's.</param>
    /// <exception cref="AtelierException">There is no model, or it is damaged.</exception>
    public static ModelSummary Of(string folder)
    {
        Bundle bundle = Bundle.Open(folder);
        ConfigFile config = ConfigFile.Read(bundle.ConfigPath);
        using ModelWeights? weights = IsText(config) ? ModelWeights.Open(bundle.Folder, config) : null;
        if (weights is null)
        {
            using SafetensorsFile file = SafetensorsFile.Open(bundle.WeightsPath);
            return new ModelSummary(bundle.ModelType, file.Entries.Sum(e => e.Shape.Aggregate(1L, (product, size) =>
                product * size)), []);
        }
        bool isTied = DecoderConfigFile.ModelTypes.Contains(config.ModelType) && DecoderConfigFile.TiesHead(config);
        long parameters = weights.Tensors.Where(t => !(isTied && t.Name == "lm_head.weight")).Sum(t => t.ElementCount);
        return new ModelSummary(bundle.ModelType, parameters, config.ModelType == RecurrentWeights.ModelType
            ? Recurrent(config) : Decoder(DecoderConfigFile.Read(config)));
    }

    private static bool IsText(ConfigFile config) => TextModelFile.ModelTypes.Contains(config.ModelType);

    private static (string, long)[] Decoder(DecoderConfig shape) =>
    [
        ("layerCount", shape.LayerCount), ("hiddenSize", shape.HiddenSize), ("headCount", shape.HeadCount),
        ("keyValueHeadCount", shape.KeyValueHeadCount),
        ("headSize", shape.HeadSize), ("feedForwardSize", shape.FeedForwardSize), ("contextLength",
        shape.ContextLength), ("vocabularySize", shape.VocabularySize),
    ];

    private static (string, long)[] Recurrent(ConfigFile config) =>
    [
        ("layerCount", config.Integer("layer_count")), ("hiddenSize", config.Integer("hidden_size")), ("embeddingSize",
        config.Integer("embedding_size")),
        ("vocabularySize", config.VocabularySize),
    ];
}
