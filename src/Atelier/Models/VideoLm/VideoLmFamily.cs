using Atelier.Data.Video;
using Atelier.Recipes;
using Atelier.Tasks.Images;
using Atelier.Tasks.Video;
using Atelier.Tensors;

namespace Atelier.Models.VideoLm;

/// <summary>Language models of videos.</summary>
public sealed class VideoLmFamily : VideoFamily<VideoLmConfig, VideoLanguageModel>, IClassConditional
{
    /// <inheritdoc/>
    public override string Name => "video-lm";

    /// <inheritdoc/>
    public override string Description =>
        "language models of videos: a causal Transformer over the codes of frames, with the autoencoder of the frames";

    /// <inheritdoc/>
    public string ClassSetting => "model.conditional=true";

    /// <inheritdoc/>
    protected override bool ChoosesCodes => true;

    /// <inheritdoc/>
    protected override IEnumerable<IgnoredKeys> Ignored(VideoLmConfig config)
    {
        if (!config.Conditional)
            yield return new("a model without classes", "model.classDropout", "generation.guidance");
    }

    /// <inheritdoc/>
    protected override VideoLanguageModel Create(VideoLmConfig config, VideoSchema schema, Precision precision,
        long seed) => new(config, schema, precision, seed);

    /// <inheritdoc/>
    protected override VideoLanguageModel CreateReplica(VideoLanguageModel model, Precision precision, long seed)
    {
        VideoLanguageModel replica = base.CreateReplica(model, precision, seed);
        model.Join(replica);
        return replica;
    }

    /// <inheritdoc/>
    protected override Int128 LeastWeights(VideoLmConfig config, VideoSchema schema)
    {
        config.Check(schema);
        // the products of the blocks, the codes and their embeddings
        return ((Int128)12 * config.HiddenSize * config.HiddenSize * config.LayerCount)
            + ((Int128)config.Codes * ((2 * config.HiddenSize) + config.LatentSize));
    }

    /// <inheritdoc/>
    protected override VideoLmConfig ConfigOf(VideoLanguageModel model) => model.Config;
}
