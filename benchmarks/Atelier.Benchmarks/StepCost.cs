using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Networks;

namespace Atelier.Benchmarks;

/// <summary>
/// What a model's step costs when it reads several tokens of one sequence at once, as it does to verify proposals.
/// </summary>
internal static class StepCost
{
    private const int Before = 64; // tokens read before those that are timed, where the context has room
    private static readonly int[] Counts = [1, 2, 3, 4, 5, 6, 8, 9, 16];

    /// <summary>
    /// Prints the milliseconds of a step by the tokens that it reads, and what each further token adds.
    /// </summary>
    public static void Run(string path, int rounds, int threads)
    {
        using IBatchedLanguageModel model = File.Exists(path) && GgufFile.IsGguf(path) ? OpenGguf(path, threads)
            : (IBatchedLanguageModel)TextModelFile.Open(path, threads: threads).Model;
        double[] costs = Measure(model, Counts, rounds);
        foreach ((int count, double cost) in Counts.Zip(costs))
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{count,3} tokens  {cost,8:0.000} ms  {cost / costs[0]:0.00} × one"));
        Console.WriteLine(JsonSerializer.Serialize(new { name = "step-cost", tokens = Counts, milliseconds = costs }));
    }

    /// <summary>Median milliseconds of steps that read so many tokens, the counts by turns.</summary>
    public static double[] Measure(IBatchedLanguageModel model, int[] counts, int rounds)
    {
        int before = Math.Min(Before, model.ContextLength - counts.Max());
        using IDecodingSequence sequence = model.CreateSequence();
        float[] logits = new float[counts.Max() * model.VocabularySize];
        var random = new SplitMix64(1);
        int[] tokens = [.. Enumerable.Range(0, Math.Max(before, counts.Max()))
            .Select(_ => (int)(random.NextDouble() * model.VocabularySize))];
        model.Append([new SequenceInput(sequence, tokens.AsMemory(0, before))], logits.AsSpan(0, model.VocabularySize));
        double[][] times = [.. counts.Select(_ => new double[rounds])];
        for (int round = -5; round < rounds; round++) // some to warm up
        {
            for (int i = 0; i < counts.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                model.Append([new SequenceInput(sequence, tokens.AsMemory(0, counts[i]), AllLogits: true)],
                    logits.AsSpan(0, counts[i] * model.VocabularySize));
                if (round >= 0)
                    times[i][round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                if (sequence.CanTruncate)
                    sequence.Truncate(before);
            }
        }
        return [.. times.Select(Comparison.Median)];
    }

    /// <summary>A GGUF file's model alone: the random ones of the other comparisons have no tokenizer.</summary>
    private static Decoder OpenGguf(string path, int threads)
    {
        GgufFile file = GgufFile.Open(path);
        using var shape = JsonDocument.Parse(GgufConfig.ToHuggingFace(file).ToJsonString());
        (DecoderConfig config, DecoderWeights weights) =
            DecoderWeightsFile.Take(new ConfigFile(path, shape.RootElement.Clone()), ModelWeights.FromGguf(file));
        return new Decoder(config, weights, threads);
    }
}
