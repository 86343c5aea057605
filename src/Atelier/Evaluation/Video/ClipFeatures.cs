using System.Globalization;
using Atelier.Data.Images;
using Atelier.Data.Video;
using Atelier.Runs;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Video;

/// <summary>
/// The features of a <see cref="ClipClassifier"/> that is trained once on the training clips and stored in the run's
/// folder.
/// </summary>
internal sealed class ClipFeatures : IDisposable
{
    private const int BatchSize = 32, MostSteps = 400, Together = 64;
    private readonly ClipClassifier _classifier;
    private readonly double _accuracy;

    private ClipFeatures(ClipClassifier classifier, double accuracy)
    {
        (_classifier, _accuracy) = (classifier, accuracy);
        classifier.eval();
    }

    /// <summary>A description, one sentence without a full stop.</summary>
    public string Description => string.Create(CultureInfo.InvariantCulture,
        $"the {ClipClassifier.Width} values before the last layer of a network that was trained on the training clips "
            + $"to tell {(_classifier.HasClasses ? "their classes and " : "")}how their frames were rearranged; on "
            + $"held-out clips, it tells the arrangement in {_accuracy:P1}");

    /// <summary>Reads the stored network if it was trained on these clips; otherwise trains and stores it.</summary>
    /// <param name="training">The training clips.</param>
    /// <param name="held">Held-out clips.</param>
    /// <param name="kept">The path of the stored network; null stores nothing.</param>
    /// <param name="seed">The seed of the training.</param>
    /// <param name="device">The device.</param>
    /// <param name="progress">Receives messages during training.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There are no clips, or the stored network is damaged.</exception>
    public static async Task<ClipFeatures> OpenAsync(VideoPart training, VideoPart held, string? kept, long seed,
        Device device, IProgress<string>? progress, CancellationToken cancellation)
    {
        var classifier = new ClipClassifier(training.Schema, seed);
        try
        {
            double accuracy = await LearnedJudge.OpenAsync(classifier, new JudgeData<VideoBatch>(
                new VideoBatches(training, BatchSize, seed, shuffled: true),
                new VideoBatches(held, BatchSize, seed: 0, shuffled: false), training.Count, training.ContentHash,
                "clips", MostSteps), kept, seed, device, progress, cancellation).ConfigureAwait(false);
            return new(classifier, accuracy);
        }
        catch
        {
            classifier.Dispose();
            throw;
        }
    }

    /// <summary>Computes the features of clips.</summary>
    /// <param name="clips">[clips, frames, channels, height, width], 0 to 255.</param>
    /// <param name="schema">The size, channels and length of the clips.</param>
    /// <returns>[clips, width], fp64, on the CPU.</returns>
    public Tensor Of(byte[] clips, VideoSchema schema)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        Device device = _classifier.parameters().First().device;
        var all = new List<Tensor>();
        foreach (byte[] some in clips.Chunk(Together * schema.Size))
        {
            using var batch = NewDisposeScope();
            var values = new float[some.Length];
            ImageBatches.Scale(some, values);
            all.Add(_classifier.Features(VideoBatches.Shaped(values, schema).to(device)).to(ScalarType.Float64).cpu()
                .MoveToOuterDisposeScope());
        }
        return cat(all, 0).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => _classifier.Dispose();
}
