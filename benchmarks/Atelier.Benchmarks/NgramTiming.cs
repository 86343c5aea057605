using System.Diagnostics;
using System.Globalization;
using Atelier.Abstractions;
using Atelier.Models.Ngram;

namespace Atelier.Benchmarks;

/// <summary>How fast n-grams over a large vocabulary score one document, and give all logits.</summary>
internal static class NgramTiming
{
    private const int Vocabulary = 30_000, Order = 5, Counted = 1_000_000, Scored = 200_000, Steps = 200;

    /// <summary>Times both and writes a JSON line a round.</summary>
    public static void Run(int rounds)
    {
        int[] tokens = Text(Counted + Scored);
        using var model =
            new NgramModel(NgramTrie.Count([tokens.AsMemory(0, Counted)], Order), new() { Order = Order }, Vocabulary);
        for (int round = 0; round < rounds; round++)
        {
            var watch = Stopwatch.StartNew();
            double nats = -model.Score([tokens.AsMemory(Counted)])[0].Sum(score => score.LogProbability);
            double scored = watch.Elapsed.TotalSeconds;
            using IDecodingState state = model.CreateState(1);
            float[] logits = new float[Vocabulary];
            watch.Restart();
            for (int step = 0; step < Steps; step++)
                state.Append(tokens.AsSpan(Counted + step, 1), logits);
            double drawn = watch.Elapsed.TotalSeconds;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{{\"vocabulary\": {Vocabulary}, \"order\": {Order}, \"scoredPerSecond\": {Scored / scored:0}, "
                    + $"\"logitsPerSecond\": {Steps / drawn:0.0}, \"natsPerToken\": {nats / (Scored - 1):R}}}"));
        }
    }

    /// <summary>Words by Zipf's law, each of which is followed by few others, as in a language.</summary>
    private static int[] Text(int length)
    {
        var random = new SplitMix64(1);
        int[] tokens = new int[length];
        int last = 0;
        for (int i = 0; i < length; i++)
        {
            int rank = (int)Math.Exp(random.NextDouble() * Math.Log(Vocabulary));
            last = random.NextDouble() < 0.5 ? (int)(SplitMix64.At((ulong)last, (ulong)(rank % 50)) % Vocabulary)
                : rank % Vocabulary;
            tokens[i] = last;
        }
        return tokens;
    }
}
