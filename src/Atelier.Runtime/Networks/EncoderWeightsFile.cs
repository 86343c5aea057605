using Atelier.Formats;

namespace Atelier.Networks;

/// <summary>Loads an encoder's weights from a model's memory-mapped files, under Hugging Face's names.</summary>
public static class EncoderWeightsFile
{
    // Heads that nothing here asks: whether two sentences follow one another, and the labels of words or texts.
    private static readonly string[] OtherHeads =
    [
        "cls.seq_relationship.weight", "cls.seq_relationship.bias", "classifier.weight", "classifier.bias",
        "classifier.dense.weight", "classifier.dense.bias", "classifier.out_proj.weight", "classifier.out_proj.bias",
    ];

    // Copies of the tied embedding and of the head's bias.
    private static readonly string[] Copies =
    [
        "cls.predictions.decoder.weight", "cls.predictions.decoder.bias", "lm_head.decoder.weight",
        "lm_head.decoder.bias",
    ];

    /// <summary>Loads the weights of a folder saved by Hugging Face's tools.</summary>
    /// <param name="folder">The folder, with config.json.</param>
    /// <returns>The configuration, and the weights, which own the mapped files.</returns>
    /// <exception cref="AtelierException">A file is missing or damaged, or the files do not fit together.</exception>
    public static (EncoderConfig Config, EncoderWeights Weights) Open(string folder)
    {
        ConfigFile file = ConfigFile.Read(Path.Combine(folder, "config.json"));
        EncoderConfig config = EncoderConfigFile.Read(file);
        ModelWeights weights = ModelWeights.Open(folder, file);
        try
        {
            EncoderWeights taken = Take(config, EncoderConfigFile.TiesHead(file), file.ModelType, weights);
            taken.Check(config, weights.Path);
            weights.RefuseUntaken(taken.MaskedHead is null ? OtherHeads : [.. OtherHeads, .. Copies]);
            return (config, taken);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    private static EncoderWeights Take(EncoderConfig config, bool tiesHead, string modelType, ModelWeights weights)
    {
        var reader = new WeightReader(weights);
        // Models with a head have this prefix; those of the bare class do not.
        string prefix = $"{modelType}.", embeddings = "embeddings.word_embeddings.weight";
        if (weights.Find(prefix + embeddings) is null)
            prefix = "";
        string pooler = prefix + "pooler.dense", head = modelType == EncoderConfigFile.Bert ? "cls.predictions."
            : "lm_head.", transform = modelType == EncoderConfigFile.Bert ? head + "transform." : head;
        var embedding = reader.Matrix(prefix + embeddings);
        return new EncoderWeights
        {
            Embedding = embedding,
            Positions = reader.Matrix(prefix + "embeddings.position_embeddings.weight"),
            Types = reader.Matrix(prefix + "embeddings.token_type_embeddings.weight"),
            EmbeddingNorm = Norm(prefix + "embeddings.LayerNorm"),
            Blocks = [.. Enumerable.Range(0, config.LayerCount).Select(Block)],
            Pooler = weights.Find(pooler + ".weight") is null ? null : reader.Linear(pooler),
            MaskedHead = weights.Find(transform + "dense.weight") is null ? null : new MaskedHeadWeights(
                reader.Linear(transform + "dense"),
                Norm(transform + (modelType == EncoderConfigFile.Bert ? "LayerNorm" : "layer_norm")),
                new LinearWeights(tiesHead ? embedding : reader.Matrix(head + "decoder.weight"),
                    reader.Vector(head + "bias"))),
            Owners = [weights],
        };

        BlockWeights Block(int layer)
        {
            string block = $"{prefix}encoder.layer.{layer}.";
            return new BlockWeights
            {
                Query = reader.Linear(block + "attention.self.query"),
                Key = reader.Linear(block + "attention.self.key"),
                Value = reader.Linear(block + "attention.self.value"),
                Output = reader.Linear(block + "attention.output.dense"),
                AttentionNorm = Norm(block + "attention.output.LayerNorm"),
                FeedForward = new(null, reader.Linear(block + "intermediate.dense"),
                    reader.Linear(block + "output.dense")),
                FeedForwardNorm = Norm(block + "output.LayerNorm"),
            };
        }

        // Files made from Google's first checkpoints name the parameters gamma and beta.
        NormWeights Norm(string name) => weights.Find(name + ".gamma") is null
            ? new(reader.Vector(name + ".weight"), reader.Vector(name + ".bias"))
            : new(reader.Vector(name + ".gamma"), reader.Vector(name + ".beta"));
    }
}
