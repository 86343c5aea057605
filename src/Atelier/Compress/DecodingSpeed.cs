using System.Diagnostics;
using Atelier.Abstractions;
using Atelier.Generation;

namespace Atelier.Compress;

/// <summary>Compares the speeds at which models generate one text.</summary>
public static class DecodingSpeed
{
    private const int Rounds = 5;
    private const int LongestRound = 64; // tokens
    private static readonly TimeSpan TimePerModel = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Returns the number of tokens per second of each model when one sequence is generated token by token: the median
    /// of rounds of at most 64 tokens, after one warm-up round. The models take turns, so that other programs slow all
    /// of them down alike.
    /// </summary>
    /// <param name="models">The models; each next token is the most probable one.</param>
    public static IReadOnlyList<double> Measure(params IReadOnlyList<TextGenerator> models) =>
        InTurns([.. models.Select<TextGenerator, Func<double>>(model => () => Round(model.Model, model.StartId))]);

    /// <summary>Returns the median of what each measurement of a speed returns, after one warm-up round.</summary>
    internal static IReadOnlyList<double> InTurns(IReadOnlyList<Func<double>> measurements)
    {
        List<double>[] speeds = [.. measurements.Select(_ => new List<double>())];
        var all = Stopwatch.StartNew();
        for (int round = 0; round <= Rounds && (round < 2 || all.Elapsed < TimePerModel * speeds.Length); round++)
        {
            for (int i = 0; i < speeds.Length; i++)
            {
                double speed = measurements[i]();
                if (round > 0)
                    speeds[i].Add(speed);
            }
        }
        return [.. speeds.Select(each => each.Order().ElementAt(each.Count / 2))];
    }

    private static double Round(ILanguageModel model, int startId)
    {
        float[] logits = new float[model.VocabularySize];
        int tokens = Math.Min(LongestRound, model.ContextLength);
        using IDecodingState state = model.CreateState(1);
        int next = startId;
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < tokens; i++)
        {
            state.Append([next], logits);
            next = logits.AsSpan().IndexOf(logits.Max());
        }
        return tokens / watch.Elapsed.TotalSeconds;
    }
}
