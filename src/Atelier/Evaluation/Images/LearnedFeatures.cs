using System.Globalization;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>
/// The features of a classifier that is trained once on the data's own training images and kept in the run's folder.
/// </summary>
internal sealed class LearnedFeatures : FeatureNetwork
{
    private const int BatchSize = 64;
    private const int Passes = 10;
    private const int FewestSteps = 20, MostSteps = 1000;
    private const string AccuracyKey = "accuracy", DataKey = "trainingPictures";

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
        if (kept is not null && File.Exists(kept))
        {
            if (TaughtOn(kept) == data.Train.ContentHash)
                return Read(classifier, kept, device);
            progress?.Report(
                "the training images have changed since the stored network was trained: training it again");
        }
        ImagePart held = data.Test.Count > 0 ? data.Test : data.Validation;
        long steps = Math.Clamp((long)Passes * data.Train.Count / BatchSize, FewestSteps, MostSteps);
        var recipe = new Recipe
        {
            Name = "classifier",
            Seed = seed,
            Model = new("classifier", null),
            Training = new TrainingSection
            {
                BatchSize = BatchSize, Steps = steps, Precision = Precision.Fp32,
                    Device = device.type.ToString().ToLowerInvariant(),
                Optimizer = new() { LearningRate = 2e-3, WeightDecay = 0.01 },
                    Schedule = new() { WarmupSteps = Math.Min(50, steps / 4), FinalShare = 0 },
                EvaluateEvery = 0, SampleEvery = 0, CheckpointEvery = 0, ReportEvery = 50,
            },
        };
        using (var folder = new WorkFolder())
        {
            using Run run = Run.Create(Path.Combine(folder.Path, "run"), recipe);
            var trainer = new Trainer<ImageBatch>(recipe, classifier,
                new ImageBatches(data.Train, BatchSize, seed, shuffled: true), null,
                new TrainerHooks { WriteBundle = _ => { }, ItemUnit = "pictures" });
            await trainer.LearnAsync(run, new StepMessages(steps, progress), cancellation).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
        }
        double accuracy = await Task.Run(() => Accuracy(classifier, held, device), cancellation).ConfigureAwait(false);
        if (kept is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(kept)!);
            using var scope = NewDisposeScope();
            TensorFiles.Write(kept, classifier.state_dict(), new Dictionary<string, string>
            {
                [AccuracyKey] = accuracy.ToString("R", CultureInfo.InvariantCulture),
                    [DataKey] = data.Train.ContentHash,
            });
        }
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

    /// <summary>The content hash of the images that a saved network was trained on; null if unknown.</summary>
    private static string? TaughtOn(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        return file.Metadata.GetValueOrDefault(DataKey);
    }

    private static LearnedFeatures Read(ImageClassifier classifier, string path, Device device)
    {
        IReadOnlyDictionary<string, Tensor> tensors = TensorFiles.Read(path);
        try
        {
            using var scope = NewDisposeScope();
            BundleTensors.CopyTo(classifier.state_dict().Select(t => (t.Key, (Tensor?)t.Value)), tensors, _ => false,
                path);
            classifier.to(device);
            using SafetensorsFile file = SafetensorsFile.Open(path);
            return new(classifier,
                double.TryParse(file.Metadata.GetValueOrDefault(AccuracyKey), CultureInfo.InvariantCulture,
                out double accuracy) ? accuracy : double.NaN);
        }
        finally
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
        }
    }

    private static double Accuracy(ImageClassifier classifier, ImagePart held, Device device)
    {
        var batches = new ImageBatches(held, BatchSize, seed: 0, shuffled: false);
        using var mode = new EvaluationMode(classifier);
        double right = 0;
        for (int i = 0; i < batches.BatchesPerEpoch; i++)
        {
            using var scope = NewDisposeScope();
            ImageBatch batch = batches.Get(i);
            right += batch.Labels.shape[0]
                * classifier.Evaluate(new ImageBatch(batch.Images.to(device), batch.Labels.to(device)))["accuracy"];
        }
        return right / held.Count;
    }

    private sealed class StepMessages(long steps, IProgress<string>? progress) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step > 0)
                progress?.Report(
                    FormattableString.Invariant(
                    $"training a feature network to compare images: step {value.Step} of {steps}"));
        }
    }
}
