using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Networks;
using Atelier.Runs;

namespace Atelier.Tasks.Text;

/// <summary>The size of a finished model.</summary>
/// <param name="ModelType">The model_type in config.json.</param>
/// <param name="Parameters">The number of parameters in the weight files; tied embeddings count once.</param>
/// <param name="Shape">
/// The sizes of the network, by their names in recipes; empty for models other than text.
/// </param>
public sealed record ModelSummary(string ModelType, long Parameters, IReadOnlyList<(string Name, long Value)> Shape)
{
    /// <summary>Reads the summary from the files of a bundle, without loading the weights.</summary>
    /// <param name="folder">The folder of a bundle or of a run.</param>
    /// <exception cref="AtelierException">There is no model in the folder, or it is damaged.</exception>
    public static ModelSummary Of(string folder)
    {
        Bundle bundle = Bundle.Open(folder);
        ConfigFile config = ConfigFile.Read(bundle.ConfigPath);
        using ModelWeights? weights = IsText(config) ? ModelWeights.Open(bundle.Folder, config) : null;
        if (weights is null)
        {
            using SafetensorsFile file = SafetensorsFile.Open(bundle.WeightsPath);
            long count = file.Entries.Sum(entry => entry.Shape.Aggregate(1L, (product, size) => product * size));
            return new ModelSummary(bundle.ModelType, count, []);
        }
        bool isTied = DecoderConfigFile.ModelTypes.Contains(config.ModelType) && DecoderConfigFile.TiesHead(config);
        long parameters = weights.Tensors.Where(t => !(isTied && t.Name == "lm_head.weight")).Sum(t => t.ElementCount);
        bool isRecurrent = config.ModelType == RecurrentWeights.ModelType;
        return new ModelSummary(bundle.ModelType, parameters,
            isRecurrent ? Recurrent(config) : Decoder(DecoderConfigFile.Read(config)));
    }

    private static bool IsText(ConfigFile config) => TextModelFile.ModelTypes.Contains(config.ModelType);

    private static (string, long)[] Decoder(DecoderConfig shape) =>
    [
        ("layerCount", shape.LayerCount), ("hiddenSize", shape.HiddenSize), ("headCount", shape.HeadCount),
        ("keyValueHeadCount", shape.KeyValueHeadCount), ("headSize", shape.HeadSize),
        ("feedForwardSize", shape.FeedForwardSize), ("contextLength", shape.ContextLength),
        ("vocabularySize", shape.VocabularySize),
    ];

    private static (string, long)[] Recurrent(ConfigFile config) =>
    [
        ("layerCount", config.Integer("layer_count")), ("hiddenSize", config.Integer("hidden_size")),
        ("embeddingSize", config.Integer("embedding_size")), ("vocabularySize", config.VocabularySize),
    ];
}
