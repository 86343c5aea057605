using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>Beam search against enumeration and a plain implementation, and the bans that it shares with sampling.
/// </summary>
public sealed class BeamSearchTests
{
    private const int End = 0, Vocabulary = 6;
    private static readonly CharacterTokenizer Letters = CharacterTokenizer.Train(["abcde"], byteFallback: false);
    private static readonly HashedPairModel Model = new();

    [Theory]
    [InlineData(0.0, 0.0)]
    [InlineData(1.0, 0.0)]
    [InlineData(0.6, 0.7)]
    [InlineData(1.0, 3.0)]
    public async Task A_wide_beam_finds_the_best_of_all_targets(double lengthPenalty, double coverage)
    {
        using SequenceToSequenceGenerator generator = Make();
        foreach (string source in (string[])["a", "abc", "edcba"])
        {
            var scores = new List<(double Score, int[] Tokens)>();
            Extend([End], 0, new double[source.Length + 1]);
            var options = new DecodingOptions
            {
                MaxTokens = 4, BeamWidth = 700, LengthPenalty = lengthPenalty, CoveragePenalty = coverage,
            };
            List<TextSample> found = await generator
                .GenerateAsync(new() { Prompt = source, Count = 5, Decoding = options })
                .ToListAsync(TestContext.Current.CancellationToken);
            found.Select(Ids).ShouldBe(
                scores.OrderByDescending(one => one.Score).Take(5).Select(one => one.Tokens[1..]));

            void Extend(int[] target, double total, double[] attention)
            {
                if (target.Length > 1 && (target[^1] == End || target.Length == 5))
                {
                    // Wu et al. 2016, eq. 14
                    double penalty = attention.Sum(sum => Math.Log(Math.Min(sum, 1)));
                    double score = total / Math.Pow(target.Length - 1, lengthPenalty);
                    scores.Add((coverage == 0 ? score : score + coverage * penalty, target));
                    return;
                }
                double[] next = Model.LogProbabilities(Encoded(source), target);
                double[] attended = [.. attention.Zip(Model.Attention(Encoded(source), target), (sum, p) => sum + p)];
                for (int token = 0; token < Vocabulary; token++)
                    Extend([.. target, token], total + next[token], attended);
            }
        }
    }

    [Fact]
    public void The_coverage_penalty_is_that_of_the_paper()
    {
        var start = new Beam(null, default, 0, 0, null);
        var first = new Beam(start, new(1, -1), -1, -1, null) { Alignment = [0.5f, 0.5f, 0] };
        var second = new Beam(first, new(2, -2), -3, -3, null) { Alignment = [0.75f, 0, 0.25f] };
        var options = new DecodingOptions { LengthPenalty = 2, CoveragePenalty = 0.5 };
        // attention 1.25, 0.5, 0.25
        second.Score(options).ShouldBe(-3.0 / 4 + 0.5 * (Math.Log(0.5) + Math.Log(0.25)), 1e-12);
        first.Score(options).ShouldBe(-1 + 0.5 * (2 * Math.Log(0.5) + Math.Log(1e-6)), 1e-9);
    }

    [Theory]
    [InlineData(1, 0.0, false)]
    [InlineData(1, 0.0, true)]
    [InlineData(2, 0.0, false)]
    [InlineData(2, 0.7, false)]
    [InlineData(3, 0.7, true)]
    [InlineData(6, 2.0, false)]
    public async Task Diverse_beams_are_those_of_a_plain_implementation(int groups, double penalty, bool early)
    {
        using SequenceToSequenceGenerator generator = Make();
        var options = new DecodingOptions
        {
            MaxTokens = 8, BeamWidth = 6, BeamGroups = groups, DiversityPenalty = penalty, EarlyStopping = early,
        };
        foreach (string source in (string[])["b", "abc", "edcbaabcde", "ddd"])
        {
            List<TextSample> found = await generator
                .GenerateAsync(new() { Prompt = source, Count = 6, Decoding = options })
                .ToListAsync(TestContext.Current.CancellationToken);
            List<int[]> expected = Plain(Encoded(source), options);
            found.Select(Ids).ShouldBe(expected);
            foreach (TextSample sample in found) // the model's own, without penalties
                sample.LogProbability!.Value.ShouldBe(Ids(sample).Select((id, t) =>
                    Model.LogProbabilities(Encoded(source), [End, .. Ids(sample)[..t]])[id]).Sum(), 1e-4);
        }
    }

    [Theory]
    [InlineData(1, 1.0)]
    [InlineData(1, 0.0)]
    [InlineData(4, 1.0)]
    public async Task No_ngram_occurs_twice_and_no_sample_is_too_short(int beams, double temperature)
    {
        using SequenceToSequenceGenerator pairs = Make();
        using var alone = new TextGenerator(new HistoryModel(Vocabulary, 3), Letters, new(), End);
        using var chain = new TextGenerator(MarkovModel.Random(Vocabulary, 3), Letters, new(), End);
        for (int n = 1; n <= 3; n++)
        {
            var options = new DecodingOptions
            {
                MaxTokens = n == 1 ? 2 : 12, MinTokens = n == 1 ? 1 : 7, NoRepeatNgram = n, BeamWidth = beams,
                Temperature = temperature, Lookup = beams == 1 && n == 2 ? 2 : 0,
            };
            var request = new GenerationRequest { Prompt = "abca", Count = beams, Decoding = options };
            GenerationRequest given = request with { Decoding = options with { Lookup = 0 }, Prefix = "abca" };
            List<TextSample> samples = [.. await pairs.GenerateAsync(given).ToListAsync(),
                .. await chain.GenerateAsync(request).ToListAsync()];
            if (beams == 1)
                samples.AddRange(await alone.GenerateAsync(request).ToListAsync());
            foreach (TextSample sample in samples)
            {
                int[] ids = [.. Letters.Encode("abca"), .. Ids(sample)];
                sample.Tokens.Count.ShouldBeGreaterThanOrEqualTo(options.MinTokens);
                int[][] grams = [.. Enumerable.Range(0, ids.Length - n + 1).Select(i => ids[i..(i + n)])];
                int repeats = grams.Length - grams.DistinctBy(gram => string.Join(',', gram)).Count();
                repeats.ShouldBe(n == 1 ? 1 : 0); // the prompt repeats one letter
            }
        }
    }

    [Fact]
    public async Task A_banned_token_follows_where_a_constraint_allows_no_other()
    {
        using SequenceToSequenceGenerator generator = Make();
        foreach (int beams in (int[])[1, 3])
        {
            TextSample sample = await generator.GenerateAsync(new()
            {
                Prompt = "abc",
                Decoding = new() { Pattern = "a{5}", NoRepeatNgram = 2, MinTokens = 9, BeamWidth = beams },
            }).SingleAsync(TestContext.Current.CancellationToken);
            (sample.Text, sample.FinishReason).ShouldBe(("aaaaa", "end"));
        }
    }

    [Fact]
    public void The_best_tokens_of_several_rows_are_those_that_sorting_finds()
    {
        var random = new Random(4);
        foreach (int vocabulary in (int[])[1, 5, 64, 1000])
        {
            foreach (int capacity in (int[])[1, 4, 10, 3000])
            {
                var top = new TopCandidates(capacity);
                List<(int Row, int Id, double Score)> all = [];
                var penalties = new Dictionary<int, double> { [vocabulary / 2] = 1.5 };
                for (int row = 0; row < 3; row++)
                {
                    float[] logits = [.. Enumerable.Range(0, vocabulary).Select(_ => random.Next(20) == 0
                        ? float.NegativeInfinity : (float)random.NextDouble() * 9)];
                    ulong[] mask = [.. Enumerable.Range(0, (vocabulary + 63) / 64).Select(_ => row == 1
                        ? (ulong)random.NextInt64() | 1 : ulong.MaxValue)];
                    double score = -random.NextDouble() * 100;
                    top.Add(row, score, logits, row == 2 ? [] : mask, penalties);
                    float normalizer = Logits.LogSumExp(logits);
                    all.AddRange(logits.Select((logit, id) =>
                        (row, id, score + (logit - normalizer) - (id == vocabulary / 2 ? 1.5 : 0)))
                        .Where(one => one.Item3 > double.NegativeInfinity && Logits.IsAllowed(mask, one.id)));
                }
                top.Best.Select(one => (one.Row, one.Choice.Id, one.Score))
                    .ShouldBe(all.OrderByDescending(one => one.Score).Take(capacity));
            }
        }
    }

    [Fact]
    public void The_options_are_kept_in_the_generation_config_under_their_usual_names()
    {
        string path = Path.GetTempFileName();
        var options = new DecodingOptions
        {
            BeamWidth = 6, BeamGroups = 3, DiversityPenalty = 0.5, CoveragePenalty = 0.2, EarlyStopping = true,
            NoRepeatNgram = 3, MinTokens = 2,
        };
        new GenerationConfigFile(options, 0).Write(path);
        DecodingOptions read = GenerationConfigFile.Read(path).Decoding;
        read.ShouldBe(options with { Stop = read.Stop });
        File.ReadAllText(path).ShouldContain("\"num_beam_groups\": 3");
        foreach (string value in (string[])["false", "\"never\""])
        {
            File.WriteAllText(path, $$"""{"early_stopping": {{value}}}""");
            GenerationConfigFile.Read(path).Decoding.EarlyStopping.ShouldBeFalse();
        }
        File.Delete(path);
    }

    /// <summary>Diverse beam search as in Vijayakumar et al. 2018, with whole lists sorted at every step.</summary>
    private static List<int[]> Plain(ReadOnlyMemory<int> source, DecodingOptions options)
    {
        int width = options.BeamWidth / options.BeamGroups;
        var running = Enumerable.Range(0, options.BeamGroups)
            .Select(_ => new List<(int[] Target, double Total)> { ([End], 0) }).ToArray();
        var ended = running.Select(_ => new List<(int[] Target, double Score)>()).ToArray();
        bool[] over = new bool[options.BeamGroups];
        for (int length = 1; length <= options.MaxTokens; length++)
        {
            List<int> chosen = [];
            for (int g = 0; g < options.BeamGroups; g++)
            {
                if (over[g])
                    continue;
                var all = running[g].SelectMany(beam => Model.LogProbabilities(source, beam.Target)
                    .Select((next, id) => (Target: (int[])[.. beam.Target, id],
                        Total: beam.Total + next - options.DiversityPenalty * chosen.Count(other => other == id))))
                    .OrderByDescending(one => one.Total).ToList();
                var best = all.Take(2 * width).ToList();
                ended[g] = [.. ended[g].Concat(best
                    .Where((one, rank) => one.Target[^1] == End && (rank < width || !options.EarlyStopping))
                    .Select(one => (one.Target, one.Total / length))).OrderByDescending(one => one.Item2).Take(width)];
                running[g] = [.. best.Where(one => one.Target[^1] != End).Take(width)];
                chosen.AddRange(running[g].Select(beam => beam.Target[^1]));
                over[g] = ended[g].Count == width && (options.EarlyStopping
                    || running[g][0].Total / options.MaxTokens <= ended[g][^1].Score);
                if (length == options.MaxTokens)
                    ended[g].AddRange(running[g].Select(beam => (beam.Target, beam.Total / length)));
            }
        }
        return [.. ended.SelectMany(found => found.OrderByDescending(one => one.Score).Take(width))
            .OrderByDescending(one => one.Score).Select(one => one.Target[1..])];
    }

    private static SequenceToSequenceGenerator Make() =>
        new(Model, Letters, Letters, new(), SequenceToSequenceTokens.Of(Letters, Letters));

    private static int[] Ids(TextSample sample) => [.. sample.Tokens.Select(token => token.Id)];

    private static ReadOnlyMemory<int> Encoded(string source) => (int[])[.. Letters.Encode(source), End];
}
