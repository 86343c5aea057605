using System.Diagnostics;
using Atelier.Abstractions;

namespace Atelier.Compress;

/// <summary>Measures the speed at which a model generates one text.</summary>
public static class DecodingSpeed
{
    private const int Rounds = 5;
    private const int LongestRound = 64; // tokens
    private static readonly TimeSpan TotalTime = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Returns the number of tokens per second when one sequence is generated token by token: the median of rounds of
    /// at most 64 tokens, after one warm-up round.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="startId">The first token; each next token is the most probable one.</param>
    public static double Measure(ILanguageModel model, int startId)
    {
        float[] logits = new float[model.VocabularySize];
        int tokens = Math.Min(LongestRound, model.ContextLength);
        var speeds = new List<double>();
        var all = Stopwatch.StartNew();
        for (int round = 0; round <= Rounds && (round < 2 || all.Elapsed < TotalTime); round++)
        {
            using IDecodingState state = model.CreateState(1);
            int next = startId;
            var watch = Stopwatch.StartNew();
            for (int i = 0; i < tokens; i++)
            {
                state.Append([next], logits);
                next = logits.AsSpan().IndexOf(logits.Max());
            }
            if (round > 0)
                speeds.Add(tokens / watch.Elapsed.TotalSeconds);
        }
        speeds.Sort();
        return speeds[speeds.Count / 2];
    }
}
