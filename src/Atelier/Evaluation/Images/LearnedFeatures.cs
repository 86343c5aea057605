using System.Globalization;
using Atelier.Data.Images;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>
/// The features of a classifier that is trained once on the data's own training images and kept in the run's folder.
/// </summary>
internal sealed class LearnedFeatures : FeatureNetwork
{
    private const int BatchSize = 64;

    private readonly ImageClassifier _classifier;
    private readonly double _accuracy;

    private LearnedFeatures(ImageClassifier classifier, double accuracy)
    {
        (_classifier, _accuracy) = (classifier, accuracy);
        classifier.eval();
    }

    /// <inheritdoc/>
    public override string Description => string.Create(CultureInfo.InvariantCulture,
        $"the {ImageClassifier.Width} values before the last layer of a convolutional network that was taught on the "
            + $"training images to tell {Taught}; on images it was not trained on, it is right in {_accuracy:P1}");

    private string Taught =>
        _classifier.HasClasses ? "their classes" : "their rotation, because they have no classes";

    /// <inheritdoc/>
    public override bool KnowsClasses => _classifier.HasClasses;

    /// <summary>Opens the saved classifier if it was trained on these images; otherwise trains and saves one.</summary>
    /// <param name="data">The images.</param>
    /// <param name="kept">The path of the saved classifier; null saves nothing.</param>
    /// <param name="seed">The seed of the weights and of the order of images.</param>
    /// <param name="device">The device.</param>
    /// <param name="progress">Receives messages during training.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There are no training images, or the saved classifier is damaged.</exception>
    public static async Task<LearnedFeatures> OpenAsync(ImageData data, string? kept, long seed, Device device,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        var classifier = new ImageClassifier(data.Schema, seed);
        ImagePart held = data.Test.Count > 0 ? data.Test : data.Validation;
        double accuracy = await LearnedJudge.OpenAsync(classifier, new JudgeData<ImageBatch>(
            new ImageBatches(data.Train, BatchSize, seed, shuffled: true),
            new ImageBatches(held, BatchSize, seed: 0, shuffled: false), data.Train.Count, data.Train.ContentHash,
            "images"), kept, seed, device, progress, cancellation).ConfigureAwait(false);
        return new(classifier, accuracy);
    }

    /// <inheritdoc/>
    public override void Dispose() => _classifier.Dispose();

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, Tensor Weight)> Weights =>
        _classifier.state_dict().Select(w => (w.Key, w.Value));

    /// <inheritdoc/>
    protected override (Tensor Features, Tensor? Logits) Forward(Tensor images)
    {
        (Tensor features, Tensor logits) = _classifier.Extract(images.to(_classifier.parameters().First().device));
        return (features, KnowsClasses ? logits : null);
    }
}
