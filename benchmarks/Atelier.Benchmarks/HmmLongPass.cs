using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Atelier.Models.Hmm;
using Atelier.Models.Hmm.Inference;

namespace Atelier.Benchmarks;

/// <summary>
/// Time and memory of one very long sequence: with all vectors kept, and with about √T of them. Each is measured in a
/// process of its own.
/// </summary>
internal static class HmmLongPass
{
    public const string Name = "hmm-long";
    private const string Data = "data", Em = "em", Path = "viterbi", Plain = "plain", Checkpointed = "checkpointed";

    /// <summary>Prints a line for each way, and one of JSON.</summary>
    public static void Run(int length)
    {
        var lines = new List<object>();
        foreach (int states in (int[])[8, 32])
        {
            double data = Comparison.MeasureOurs(Name, Arguments(length, states, Data, Plain)).PeakMiB;
            foreach ((string work, string way) in (ReadOnlySpan<(string, string)>)[(Em, Plain), (Em, Checkpointed),
                (Path, Plain), (Path, Checkpointed)])
            {
                Measurement m = Comparison.MeasureOurs(Name, Arguments(length, states, work, way));
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{work}, {states} states, {length:N0} symbols, {way}: {length / m.Value:0.00} s, {m.PeakMiB:N0} "
                        + $"MiB (the sequence and the program {data:N0}), loss {m.Loss:F6}"));
                lines.Add(new { work, states, length, way, seconds = length / m.Value, peakMiB = m.PeakMiB,
                    dataMiB = data, loss = m.Loss });
            }
        }
        Console.WriteLine(JsonSerializer.Serialize(new { name = Name, lines }));
    }

    /// <summary>One way, in this process.</summary>
    public static Measurement Measure(int length, int states, string work, string way)
    {
        (HmmModel model, HmmSequence text) = HmmComparisons.Begin(states, length);
        long budget = way == Plain ? long.MaxValue : 0;
        if (work == Data)
            return new Measurement(1, Comparison.PeakMiB());
        // compiled before it is timed
        double log = work == Em ? Expect(model, text, budget) : Viterbi.Run(model, text, budget).LogProbability;
        var watch = Stopwatch.StartNew();
        log = work == Em ? Expect(model, text, budget) : Viterbi.Run(model, text, budget).LogProbability;
        return new Measurement(length / watch.Elapsed.TotalSeconds, Comparison.PeakMiB(), -log / length);
    }

    private static double Expect(HmmModel model, HmmSequence text, long budget)
    {
        var sums = new HmmStatistics(model);
        return ForwardBackward.TryExpect(model, text, sums, budget: budget)
            ? sums.LogLikelihood : throw new AtelierException("the sequence leaves the range of fp64");
    }

    private static string[] Arguments(int length, int states, string work, string way) =>
        [length.ToString(CultureInfo.InvariantCulture), states.ToString(CultureInfo.InvariantCulture), work, way];
}
