using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Generation;

namespace Atelier.Benchmarks;

/// <summary>
/// A model decoding with a draft model or prompt look-up, and by itself: the same model, by turns. The line at the end
/// tells also what steps of 1, 2, 4 and 8 tokens take, from which the gain follows.
/// </summary>
internal static class SpeculativeComparison
{
    private const int Tokens = 200;

    /// <summary>Alternates the two and prints each round, then one JSON line.</summary>
    /// <param name="model">A model's file or folder.</param>
    /// <param name="draft">A smaller one's, or the tokens that look-up compares.</param>
    /// <param name="rounds">How often.</param>
    /// <param name="promptFile">A file with the prompt, or null for a short one.</param>
    public static void Run(string model, string draft, int rounds, string? promptFile)
    {
        using TextGenerator generator = TextModelFile.Open(model);
        bool looksUp = int.TryParse(draft, NumberStyles.None, CultureInfo.InvariantCulture, out int length);
        using TextGenerator? smaller = looksUp ? null : TextModelFile.Open(draft);
        string prompt = promptFile is null ? "The " : File.ReadAllText(promptFile);
        double[] with = new double[rounds], without = new double[rounds];
        SpeculationCounts counts = default;
        for (int round = -1; round < rounds; round++) // one to warm up
        {
            var request = new GenerationRequest { Seed = Math.Max(0, round), Prompt = prompt,
                Decoding = new() { MaxTokens = Tokens, Temperature = 0.8, Lookup = looksUp ? length : 0 } };
            generator.Draft = smaller;
            (double fast, SpeculationCounts proposed) = Measure(generator, request);
            generator.Draft = null;
            (double plain, _) = Measure(generator, request with { Decoding = request.Decoding! with { Lookup = 0 } });
            if (round < 0)
                continue;
            (with[round], without[round]) = (fast, plain);
            counts += proposed;
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"round {round + 1} of {rounds}: with {fast:N1} tokens/s, without {plain:N1}"));
        }
        double[] ratios = [.. with.Zip(without, (a, b) => a / b).Order()];
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            name = "speculative",
            ours = Comparison.Median(with),
            peer = Comparison.Median(without),
            ratio = Comparison.Median(ratios),
            low = ratios[0],
            high = ratios[^1],
            unit = "tokens/s",
            limit = 1,
            acceptanceRate = counts.AcceptanceRate,
            proposed = counts.Proposed,
            millisecondsOfTokens = StepCost.Measure((IBatchedLanguageModel)generator.Model, [1, 2, 4, 8], rounds: 20),
            millisecondsOfDraft = smaller?.Model is IBatchedLanguageModel proposing
                ? StepCost.Measure(proposing, [1], rounds: 100)[0] : (double?)null,
        }));
    }

    private static (double TokensPerSecond, SpeculationCounts Counts) Measure(TextGenerator generator,
        GenerationRequest request)
    {
        var watch = Stopwatch.StartNew();
        TextSample sample = generator.GenerateAsync(request).ToBlockingEnumerable().Single();
        return (sample.Tokens.Count / watch.Elapsed.TotalSeconds, sample.Speculation);
    }
}
