using System.Globalization;
using Atelier.Data;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Evaluation;

/// <summary>
/// Trains a small network on the data's own training part, to compare samples by its features, and stores it in the
/// run's folder for the next evaluation.
/// </summary>
internal static class LearnedJudge
{
    private const int Passes = 10, FewestSteps = 20;
    private const string AccuracyKey = "accuracy", DataKey = "trainingPictures"; // as files of earlier versions have it

    /// <summary>Reads the stored network if it was trained on this data; otherwise trains and stores it.</summary>
    /// <param name="network">The network, with new weights; its figure "accuracy" is the accuracy.</param>
    /// <param name="data">What it is trained on.</param>
    /// <param name="kept">The path of the stored network; null stores nothing.</param>
    /// <param name="seed">The seed of the training.</param>
    /// <param name="device">The device.</param>
    /// <param name="progress">Receives messages during training.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>The accuracy on held-out examples.</returns>
    /// <exception cref="AtelierException">There are no training examples, or the stored network is damaged.</exception>
    public static async Task<double> OpenAsync<TBatch>(GradientModel<TBatch> network, JudgeData<TBatch> data,
        string? kept, long seed, Device device, IProgress<string>? progress, CancellationToken cancellation)
        where TBatch : ClassedBatch<TBatch>
    {
        if (kept is not null && File.Exists(kept))
        {
            if (TrainedOn(kept) == data.ContentHash)
                return Read(network, kept, device);
            progress?.Report(
                $"the training {data.Unit} have changed since the stored network was trained: training it again");
        }
        await TrainAsync(network, data, seed, device, progress, cancellation).ConfigureAwait(false);
        double accuracy = await Task.Run(() => Accuracy(network, data.Held, device), cancellation)
            .ConfigureAwait(false);
        if (kept is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(kept)!);
            using var scope = NewDisposeScope();
            TensorFiles.Write(kept, network.state_dict(), new Dictionary<string, string>
            {
                [AccuracyKey] = accuracy.ToString("R", CultureInfo.InvariantCulture),
                [DataKey] = data.ContentHash,
            });
        }
        return accuracy;
    }

    private static async Task TrainAsync<TBatch>(GradientModel<TBatch> network, JudgeData<TBatch> data, long seed,
        Device device, IProgress<string>? progress, CancellationToken cancellation)
        where TBatch : ClassedBatch<TBatch>
    {
        long steps = Math.Clamp(Passes * data.Count / data.Training.ItemsPerBatch, FewestSteps, data.MostSteps);
        var recipe = new Recipe
        {
            Name = "judge",
            Seed = seed,
            Model = new("judge", null),
            Training = new TrainingSection
            {
                BatchSize = (int)data.Training.ItemsPerBatch, Steps = steps, Precision = Precision.Fp32,
                Device = device.type.ToString().ToLowerInvariant(),
                Optimizer = new() { LearningRate = 2e-3, WeightDecay = 0.01 },
                Schedule = new() { WarmupSteps = Math.Min(50, steps / 4), FinalShare = 0 },
                EvaluateEvery = 0, SampleEvery = 0, CheckpointEvery = 0, ReportEvery = 50,
            },
        };
        using var folder = new WorkFolder();
        using Run run = Run.Create(Path.Combine(folder.Path, "run"), recipe);
        var trainer = new Trainer<TBatch>(recipe, network, data.Training, null,
            new TrainerHooks { WriteBundle = _ => { }, ItemUnit = data.Unit });
        await trainer.LearnAsync(run, new StepMessages(steps, data.Unit, progress), cancellation)
            .ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>The content hash of the examples that a stored network was trained on; null if unknown.</summary>
    private static string? TrainedOn(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        return file.Metadata.GetValueOrDefault(DataKey);
    }

    private static double Read(nn.Module network, string path, Device device)
    {
        IReadOnlyDictionary<string, Tensor> tensors = TensorFiles.Read(path);
        try
        {
            using var scope = NewDisposeScope();
            BundleTensors.CopyTo(network.state_dict().Select(t => (t.Key, (Tensor?)t.Value)), tensors, _ => false,
                path);
            network.to(device);
            using SafetensorsFile file = SafetensorsFile.Open(path);
            return double.TryParse(file.Metadata.GetValueOrDefault(AccuracyKey), CultureInfo.InvariantCulture,
                out double accuracy) ? accuracy : double.NaN;
        }
        finally
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
        }
    }

    private static double Accuracy<TBatch>(GradientModel<TBatch> network, ClassedBatches<TBatch> held, Device device)
        where TBatch : ClassedBatch<TBatch>
    {
        using var mode = new EvaluationMode(network);
        (double right, long count) = (0, 0);
        for (int i = 0; i < held.BatchesPerEpoch; i++)
        {
            using var scope = NewDisposeScope();
            TBatch batch = held.Get(i);
            long rows = batch.Labels.shape[0];
            right += rows * network.Evaluate(batch.Move(values => values.to(device)))["accuracy"];
            count += rows;
        }
        return right / count;
    }

    private sealed class StepMessages(long steps, string unit, IProgress<string>? progress)
        : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step > 0)
                progress?.Report(FormattableString.Invariant(
                    $"training a feature network to compare {unit}: step {value.Step} of {steps}"));
        }
    }
}

/// <summary>What a <see cref="LearnedJudge"/> is trained on.</summary>
/// <param name="Training">The training batches.</param>
/// <param name="Held">Batches to measure the accuracy on.</param>
/// <param name="Count">The number of training examples.</param>
/// <param name="ContentHash">Identifies the training examples.</param>
/// <param name="Unit">What the examples are, such as "images".</param>
/// <param name="MostSteps">The most training steps.</param>
internal sealed record JudgeData<TBatch>(ClassedBatches<TBatch> Training, ClassedBatches<TBatch> Held, long Count,
    string ContentHash, string Unit, long MostSteps = 1000);
