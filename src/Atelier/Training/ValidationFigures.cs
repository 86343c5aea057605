using Atelier.Data;
using Atelier.Recipes;
using Atelier.Training.Execution;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>Evaluates a model on the validation data, on the same batches each time.</summary>
internal static class ValidationFigures
{
    private const int UsualBatches = 40, UsualRows = 1280; // the larger of the two is evaluated

    /// <summary>Returns the number of batches to evaluate.</summary>
    /// <param name="section">The recipe's training section.</param>
    /// <param name="available">The number of batches in the validation part.</param>
    public static long Count(TrainingSection section, long available) =>
        Math.Min(section.EvaluationBatches ?? Math.Max(UsualBatches, UsualRows / section.BatchSize), available);

    /// <summary>Returns the means of the model's metrics over batches that are evenly spread over the data.</summary>
    /// <param name="validation">The validation part.</param>
    /// <param name="replicas">The copies of the model, in evaluation mode.</param>
    /// <param name="count">The number of batches.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    public static IReadOnlyDictionary<string, double> Measure<TBatch>(IBatchSource<TBatch> validation,
        Replicas<TBatch> replicas, long count, CancellationToken cancellation)
    {
        var means = new Dictionary<string, double>();
        long available = validation.BatchesPerEpoch;
        for (long number = 0; number < count; number += replicas.Team.Size)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var batches = new TBatch[Math.Min(replicas.Team.Size, count - number)];
            for (int i = 0; i < batches.Length; i++)
                batches[i] = validation.Get(((2 * (number + i)) + 1) * available / (2 * count));
            foreach ((string name, double value) in replicas.Evaluate(batches).SelectMany(figures => figures))
                means[name] = means.GetValueOrDefault(name) + (value / count);
            foreach (TBatch batch in batches)
                (batch as IDisposable)?.Dispose();
        }
        return means;
    }
}
