using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Text;
using Atelier.Explain;
using Atelier.Generation;
using Atelier.Runs;

namespace Atelier;

public sealed partial class Workshop
{
    /// <summary>
    /// Explains what a model does with a text, on the CPU. Attributions by gradients are computed with the model opened
    /// as its family trains it.
    /// </summary>
    /// <param name="path">A path as for <see cref="Open"/>.</param>
    /// <param name="request">The text, and what to compute.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is no model, it explains no texts or not this one, or it computes no
    /// gradients.</exception>
    public TextExplanation ExplainText(string path, TextExplanationRequest request,
        CancellationToken cancellation = default)
    {
        // only models in managed code show their attention
        using ITrainedModel model = Open(path, new OpenOptions { Device = "cpu" }, cancellation);
        ITextExplainable explainable = model.As<ITextExplainable>()
            ?? throw new AtelierException("this kind of model does not explain texts", path,
                $"leave out {Mention.Field("text")}");
        if (request.Gradients is not null || request.Methods.All(method => method == AttributionMethod.Occlusion))
            return explainable.ExplainText(request, cancellation);
        using ITrainedModel network = Open(path, new OpenOptions { Device = "cpu", ForTraining = true }, cancellation);
        IEmbeddingGradients gradients = network.As<IEmbeddingGradients>()
            ?? throw new AtelierException("this kind of model computes no gradients", path,
                "use occlusion, or a neural network");
        return explainable.ExplainText(request with { Gradients = gradients }, cancellation);
    }

    /// <summary>
    /// Ranks the attention heads of a text model, on the CPU, by what it loses on passages when a head is ablated.
    /// Without a text, the passages lie evenly in the held-out data of the run: the validation part, or the test part
    /// if there is none, or else the training part.
    /// </summary>
    /// <param name="path">A path as for <see cref="Open"/>.</param>
    /// <param name="text">A text to divide into passages; null takes the data of the run.</param>
    /// <param name="seed">The seed of the random sequences and of the intervals.</param>
    /// <param name="progress">Receives a message after each layer.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is no model, it has no heads that can be ablated, or there are too few
    /// tokens.</exception>
    public HeadRanking RankHeads(string path, string? text = null, long seed = 1, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        using ITrainedModel model = Open(path, new OpenOptions { Device = "cpu" }, cancellation);
        if (model.As<IAttentionHeads>() is null || model is not TextGenerator generator)
            throw new AtelierException("this kind of model has no attention heads that can be ablated", path,
                $"leave out {Mention.Field("heads")}, or use a decoder such as the family 'gpt'");
        if (text is not null)
            return Rank(HeadPassages.Of(generator.Bounds.Begin(generator.Tokenizer.Encode(text)), generator.Model));
        if (!Run.Exists(path))
            throw new AtelierException("a bundle has no held-out text to rank its heads on", path,
                $"give a text with {Mention.Field("text")}");
        using IDataSource data = OpenData(path);
        return data is TextData texts ? Rank(HeadPassages.Of(texts, generator.Model))
            : throw new AtelierException("the data of this run are no text", path,
                $"give a text with {Mention.Field("text")}");

        HeadRanking Rank(IReadOnlyList<ReadOnlyMemory<int>> passages) =>
            HeadRanking.Of(generator.Model, passages, generator.StartId, seed, progress, cancellation);
    }

    /// <summary>Finds the passages of a run's training data that are nearest to a text.</summary>
    /// <param name="runFolder">The folder of a run of text.</param>
    /// <param name="text">The text.</param>
    /// <param name="count">The number of passages, at least 1.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is no run, its data are missing or no text, or the text is
    /// empty.</exception>
    public IReadOnlyList<NearPassage> FindNearestPassages(string runFolder, string text, int count = 5,
        CancellationToken cancellation = default)
    {
        using IDataSource data = OpenData(runFolder);
        return data is TextData texts ? new NearestPassages(texts).Find(text, count, cancellation)
            : throw new AtelierException("the data of this run are no text", runFolder,
                $"leave out {Mention.Field("nearest")}");
    }
}
