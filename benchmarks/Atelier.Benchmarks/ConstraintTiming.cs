using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Tokenizers;

namespace Atelier.Benchmarks;

/// <summary>
/// What holding samples to a JSON schema costs, with GPT-2's 50,257 tokens and a model that costs nothing.
/// </summary>
internal static class ConstraintTiming
{
    private const string Schema = """
        { "type": "object", "properties": { "name": { "type": "string", "maxLength": 40 },
          "age": { "type": "integer", "minimum": 0, "maximum": 130 },
          "tags": { "type": "array", "items": { "type": "string" }, "maxItems": 5 } },
          "required": ["name", "age", "tags"], "additionalProperties": false }
        """;

    /// <summary>
    /// Times the first sample, which compiles the constraint and meets every state for the first time, and samples
    /// after it.
    /// </summary>
    public static void Run(int rounds)
    {
        string files = BenchmarkData.Find("weights", "gpt2");
        BpeTokenizer tokenizer =
            BpeTokenizer.FromGpt2(Path.Combine(files, "encoder.json"), Path.Combine(files, "vocab.bpe"));
        var free = new DecodingOptions { MaxTokens = 400 };
        DecodingOptions held = free with { Schema = Schema };
        double[] first = new double[rounds], later = new double[rounds], unheld = new double[rounds];
        for (int round = 0; round < rounds; round++)
        {
            using var generator = new TextGenerator(new UniformModel(tokenizer.VocabularySize), tokenizer, free,
                tokenizer.EndOfTextId!.Value);
            unheld[round] = PerToken(generator, free, round);
            first[round] = PerToken(generator, held, round);
            later[round] = PerToken(generator, held, round);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"round {round + 1} of {rounds}: {first[round]:N0} µs a token in the first sample, {later[round]:N0} "
                    + $"µs when its states are known, {unheld[round]:N0} µs without a constraint"));
        }
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            name = "constraint", unit = "us/token", first = Comparison.Median(first), later = Comparison.Median(later),
                unheld = Comparison.Median(unheld),
        }));
    }

    private static double PerToken(TextGenerator generator, DecodingOptions options, int seed)
    {
        var watch = Stopwatch.StartNew();
        TextSample sample = generator.GenerateAsync(new() { Seed = seed, Decoding = options }).ToBlockingEnumerable()
            .Single();
        return watch.Elapsed.TotalMicroseconds / sample.Tokens.Count;
    }

    /// <summary>Holds every token equally likely, at no cost.</summary>
    private sealed class UniformModel(int vocabularySize) : ILanguageModel
    {
        public int VocabularySize => vocabularySize;

        public int ContextLength => int.MaxValue;

        public IDecodingState CreateState(int sequences) => new State(sequences);

        public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
            CancellationToken cancellation = default) => throw new NotSupportedException();

        public void Dispose()
        {
        }

        private sealed class State(int sequences) : IDecodingState
        {
            public int Sequences { get; private set; } = sequences;

            public int Length { get; private set; }

            public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
            {
                Length += tokens.Length / Sequences;
                logits.Clear();
            }

            public void Select(ReadOnlySpan<int> parents) => Sequences = parents.Length;

            public void Dispose()
            {
            }
        }
    }
}
