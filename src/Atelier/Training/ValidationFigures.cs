using System.Text.Json;
using System.Text.Json.Serialization;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Tensors.Ranks;
using Atelier.Training.Execution;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>Evaluates a model on the validation data, on the same batches each time.</summary>
internal static class ValidationFigures
{
    private const int UsualBatches = 40, UsualRows = 1280; // the larger of the two is evaluated

    // A loss that is not finite is reported by the caller.
    private static readonly JsonSerializerOptions Json =
        new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>Returns the number of batches to evaluate.</summary>
    /// <param name="section">The recipe's training section.</param>
    /// <param name="available">The number of batches in the validation part.</param>
    public static long Count(TrainingSection section, long available) =>
        Math.Min(section.EvaluationBatches ?? Math.Max(UsualBatches, UsualRows / section.BatchSize), available);

    /// <summary>Returns the means of the model's metrics over batches that are evenly spread over the data.</summary>
    /// <param name="validation">The validation part.</param>
    /// <param name="replicas">The copies of the model, in evaluation mode.</param>
    /// <param name="count">The number of batches.</param>
    /// <param name="ranks">The ranks, among which the batches are divided; the means do not depend on their
    /// number.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    public static IReadOnlyDictionary<string, double> Measure<TBatch>(IBatchSource<TBatch> validation,
        Replicas<TBatch> replicas, long count, ICommunicator ranks, CancellationToken cancellation)
    {
        var all = new IReadOnlyDictionary<string, double>?[count];
        long available = validation.BatchesPerEpoch, stride = (long)replicas.Team.Size * ranks.Size;
        for (long number = (long)replicas.Team.Size * ranks.Rank; number < count; number += stride)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var batches = new TBatch[Math.Min(replicas.Team.Size, count - number)];
            for (int i = 0; i < batches.Length; i++)
                batches[i] = validation.Get(((2 * (number + i)) + 1) * available / (2 * count));
            replicas.Evaluate(batches).CopyTo(all, number);
            foreach (TBatch batch in batches)
                (batch as IDisposable)?.Dispose();
        }
        var means = new Dictionary<string, double>();
        foreach ((string name, double value) in Together(all, ranks).SelectMany(figures => figures))
            means[name] = means.GetValueOrDefault(name) + (value / count);
        return means;
    }

    /// <summary>Returns the metrics of every batch, each of which one rank has measured.</summary>
    private static IEnumerable<IReadOnlyDictionary<string, double>> Together(
        IReadOnlyDictionary<string, double>?[] own, ICommunicator ranks)
    {
        if (ranks.Size == 1)
            return own!;
        var all = new IReadOnlyDictionary<string, double>[own.Length];
        foreach (byte[] json in ranks.Gather(JsonSerializer.SerializeToUtf8Bytes(own, Json)))
        {
            var measured = JsonSerializer.Deserialize<Dictionary<string, double>?[]>(json, Json)!;
            for (int batch = 0; batch < all.Length; batch++)
                all[batch] = measured[batch] ?? all[batch];
        }
        return all;
    }
}
