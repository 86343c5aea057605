using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>Generation of targets given sources, with a model whose distribution is known.</summary>
public sealed class SequenceToSequenceGeneratorTests
{
    private const int End = 0, Callers = 16;
    // id 0 starts and ends a target and ends a source
    private static readonly CharacterTokenizer Letters = CharacterTokenizer.Train(["abcde"], byteFallback: false);
    private static readonly string[] Sources =
        [.. Enumerable.Range(0, 40).Select(i => string.Concat(Enumerable.Range(0, 1 + i * 7 % 12)
            .Select(t => (char)('a' + SplitMix64.At((ulong)i, (ulong)t) % 5))))];

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(1, 0, 0)]
    [InlineData(2, 0, 0)]
    [InlineData(6, 1.0, 0)]
    [InlineData(6, 0.6, 1.5)]
    public async Task Many_sources_at_once_get_the_targets_that_each_gets_alone(
        int beams, double temperature, double coverage)
    {
        var model = new HashedPairModel();
        using SequenceToSequenceGenerator generator = Make(model);
        var request = new GenerationRequest
        {
            Seed = 5, Count = beams == 2 ? 2 : 1, Prefix = beams == 2 ? "ba" : null, Alignments = beams == 1,
            Decoding = new()
            {
                MaxTokens = 9, BeamWidth = beams, Temperature = temperature, CoveragePenalty = coverage,
                BeamGroups = coverage > 0 ? 3 : 1, DiversityPenalty = 0.5,
            },
        };
        List<int> reports = [];
        IReadOnlyList<TextSample> together = await generator.GenerateManyAsync(Sources, request, batchSize: 7,
            new Reports(reports), TestContext.Current.CancellationToken);
        var alone = new List<TextSample>();
        foreach (string source in Sources)
            alone.AddRange(await generator.GenerateAsync(request with { Prompt = source }).ToListAsync());
        together.Select(Shown).ShouldBe(alone.Select(Shown));
        together.Select(sample => sample.Text).Distinct().Count().ShouldBeGreaterThan(20);
        reports.ShouldBe([7, 14, 21, 28, 35, 40]);
        model.Open.ShouldBe(0);
    }

    [Fact]
    public async Task Finished_targets_leave_the_batch()
    {
        var model = new HashedPairModel();
        using SequenceToSequenceGenerator generator = Make(model, new() { MaxTokens = 20, Temperature = 0 });
        IReadOnlyList<TextSample> samples = await generator.GenerateManyAsync(Sources[..10],
            cancellation: TestContext.Current.CancellationToken);
        // the start token and all tokens but the last are read
        model.TokensRead.ShouldBe(samples.Sum(sample => sample.Tokens.Count));
        model.Encoded.ShouldBe(10);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_beginning_of_a_target_can_be_forced(bool asIds)
    {
        var model = new HashedPairModel();
        using SequenceToSequenceGenerator generator = Make(model, forced: asIds ? Letters.Encode("db") : []);
        TextSample sample = await generator.GenerateAsync(new()
        {
            Prompt = "abc", Prefix = asIds ? null : "db", Decoding = new() { Temperature = 0, MaxTokens = 6 },
        }).SingleAsync(TestContext.Current.CancellationToken);
        List<int> target = [End, .. Letters.Encode("db")];
        foreach (TokenChoice token in sample.Tokens)
        {
            double[] expected = model.LogProbabilities(Encoded("abc"), target);
            token.Id.ShouldBe(Array.IndexOf(expected, expected.Max()));
            token.LogProbability.ShouldBe((float)expected.Max(), 1e-5f);
            target.Add(token.Id);
        }
        sample.LogProbability!.Value.ShouldBe(sample.Tokens.Sum(token => token.LogProbability), 1e-5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public async Task Targets_match_their_pattern(int beams)
    {
        using SequenceToSequenceGenerator generator = Make(new HashedPairModel());
        TextSample[] samples = [.. await generator.GenerateAsync(new()
        {
            Prompt = "edcba", Count = 5, Decoding = new() { Pattern = "(ab|c){2,3}d", BeamWidth = beams },
        }).ToListAsync(TestContext.Current.CancellationToken)];
        samples.Length.ShouldBe(5);
        samples.ShouldAllBe(sample => Regex.IsMatch(sample.Text, "^(ab|c){2,3}d$"));
        samples.ShouldAllBe(sample => sample.FinishReason == "end");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Pieces_of_a_stream_join_to_the_texts(int beams)
    {
        using SequenceToSequenceGenerator generator = Make(new HashedPairModel());
        var request = new GenerationRequest
        {
            Prompt = "cab", Count = 4, Seed = 3,
            Decoding = new() { MaxTokens = 12, Stop = ["ab", "dd"], BeamWidth = beams, RepetitionPenalty = 1.2 },
        };
        string[] streamed = ["", "", "", ""];
        await foreach (TextPiece piece in generator.StreamAsync(request, TestContext.Current.CancellationToken))
            streamed[piece.Sample] += piece.Text;
        TextSample[] whole =
            [.. await generator.GenerateAsync(request).ToListAsync(TestContext.Current.CancellationToken)];
        streamed.ShouldBe(whole.Select(sample => sample.Text), ignoreOrder: true);
        streamed.ShouldAllBe(text => !text.Contains("ab") && !text.Contains("dd"));
        streamed.Distinct().Count().ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task Sixteen_requests_at_once_get_the_targets_that_each_gets_alone()
    {
        var model = new HashedPairModel();
        using SequenceToSequenceGenerator generator = Make(model);
        GenerationRequest[] requests = [.. Enumerable.Range(0, Callers).Select(i => new GenerationRequest
        {
            Prompt = Sources[i], Seed = i, Count = 1 + i % 3, Prefix = i % 5 == 0 ? "ab" : null,
            Alignments = i % 2 == 0,
            Decoding = new()
            {
                MaxTokens = 30, Temperature = i % 4 == 0 ? 0 : 1, TopK = i % 3, BeamWidth = i % 4 == 1 ? 3 : 1,
                Pattern = i % 7 == 3 ? "[a-e]{3,30}" : null,
            },
        })];
        var alone = new List<string>();
        foreach (GenerationRequest request in requests)
            alone.Add(await Texts(request));
        string[] together = await Task.WhenAll(requests.Select(request => Task.Run(() => Texts(request))));
        together.ShouldBe(alone);
        model.Open.ShouldBe(0);

        async Task<string> Texts(GenerationRequest request) =>
            string.Join('\n', (await generator.GenerateAsync(request).ToListAsync()).Select(Shown));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_cancelled_request_ends_and_frees_its_state(int beams)
    {
        var model = new HashedPairModel();
        using SequenceToSequenceGenerator generator = Make(model);
        var request = new GenerationRequest
        {
            Decoding = new() { MaxTokens = 100_000, MinTokens = 100_000, BeamWidth = beams },
        };
        using var source = new CancellationTokenSource();
        Task many = generator.GenerateManyAsync(Sources, request, cancellation: source.Token);
        while (model.TokensRead < 400)
            await Task.Delay(1, TestContext.Current.CancellationToken);
        await source.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(many);
        await Should.ThrowAsync<OperationCanceledException>(async () =>
            await generator.StreamAsync(request with { Prompt = "a" }, source.Token).ToListAsync());
        model.Open.ShouldBe(0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Alignments_are_the_attention_that_predicted_each_token(int beams)
    {
        var model = new HashedPairModel();
        using SequenceToSequenceGenerator generator = Make(model);
        var request = new GenerationRequest
        {
            Alignments = true, Decoding = new() { MaxTokens = 7, BeamWidth = beams },
        };
        IReadOnlyList<TextSample> samples = await generator.GenerateManyAsync(["ab", "abcde"], request,
            cancellation: TestContext.Current.CancellationToken);
        foreach ((TextSample sample, string source) in samples.Zip(["ab", "abcde"]))
        {
            TokenAlignments alignments = sample.Alignments.ShouldNotBeNull();
            alignments.Source.ShouldBe([.. source.Select(letter => letter.ToString()), "<|endoftext|>"]);
            alignments.Target.ShouldBe(sample.Tokens.Select(token => Letters.Name(token.Id)));
            for (int t = 0; t < sample.Tokens.Count; t++)
                alignments.Weights[t].ToArray().ShouldBe(
                    model.Attention(Encoded(source), [End, .. sample.Tokens.Take(t).Select(token => token.Id)]));
            JsonNode json = sample.ToJson()["alignments"].ShouldNotBeNull();
            json["source"]!.AsArray().Count.ShouldBe(source.Length + 1);
            json["weights"]!.AsArray().Count.ShouldBe(json["target"]!.AsArray().Count);
            json["weights"]![0]!.AsArray().Sum(weight => (float)weight!).ShouldBe(1, 1e-6f);
        }
    }

    [Fact]
    public async Task Targets_end_where_the_context_of_the_decoder_ends()
    {
        var model = new HashedPairModel(contextLength: 5);
        using SequenceToSequenceGenerator generator = Make(model, new() { MinTokens = 50, BeamWidth = 2 });
        foreach (int beams in (int[])[1, 3])
        {
            TextSample sample = await generator.GenerateAsync(new()
            {
                Prompt = "abc", Prefix = "e", Decoding = new() { MinTokens = 50, BeamWidth = beams },
            }).SingleAsync(TestContext.Current.CancellationToken);
            (sample.Tokens.Count, sample.FinishReason).ShouldBe((4, "length"));
        }
        (await Refused(generator, new() { Prompt = "abc", Prefix = "abcde" })).ShouldContain("the prefix has 5 tokens");
    }

    [Fact]
    public async Task Sources_that_are_too_long_are_refused_or_truncated_on_request()
    {
        var model = new HashedPairModel(sourceLength: 4);
        using SequenceToSequenceGenerator refuses = Make(model), truncates = Make(model, truncates: true);
        (await Refused(refuses, new() { Prompt = "abcd" })).ShouldContain("the source has 5 tokens, more than the 4");
        refuses.EncodeSource("abc").ShouldBe(Encoded("abc").ToArray());
        truncates.EncodeSource("abcd").ShouldBe(Encoded("abc").ToArray());
        AtelierException error = await Should.ThrowAsync<AtelierException>(
            refuses.GenerateManyAsync(["a", "eeeee"], cancellation: TestContext.Current.CancellationToken));
        error.Where.ShouldBe("source 2");
        model.Encoded.ShouldBe(0);
        (await truncates.GenerateManyAsync(["a", "eeeee"], cancellation: TestContext.Current.CancellationToken))
            .Count.ShouldBe(2);
    }

    [Fact]
    public async Task Sources_have_the_special_tokens_and_the_text_of_their_model()
    {
        var tokens = new SequenceToSequenceTokens(3, [End])
        {
            SourcePrefix = "de", SourceStartIds = [5], SourceEndIds = [End, 2],
        };
        using var generator =
            new SequenceToSequenceGenerator(new HashedPairModel(), Letters, Letters, new(), tokens);
        int[] source = [5, .. Letters.Encode("deab"), End, 2];
        generator.EncodeSource("ab").ShouldBe(source);
        string fromText = Shown(await generator.GenerateAsync(new() { Prompt = "ab" }).SingleAsync()),
            fromIds = Shown(await generator.GenerateAsync(new() { PromptIds = source }).SingleAsync());
        fromText.ShouldBe(fromIds);
    }

    [Fact]
    public async Task Impossible_requests_are_refused_in_one_line()
    {
        using SequenceToSequenceGenerator generator = Make(new HashedPairModel(aligned: false));
        foreach ((GenerationRequest request, string said) in new (GenerationRequest, string)[]
        {
            (new(), "needs a source text"),
            (new() { PromptIds = [] }, "the source is empty"),
            (new() { PromptIds = [6] }, "the prompt tokens are unknown"),
            (new() { Prompt = "a", Count = 0 }, "the count is 0"),
            (new() { Prompt = "a", Decoding = new() { Lookup = 2 } }, "does not support speculative decoding"),
            (new() { Prompt = "a", Alignments = true }, "does not return alignments"),
            (new() { Prompt = "a", Decoding = new() { BeamWidth = 2, CoveragePenalty = 1 } }, "not return alignments"),
            (new() { Prompt = "a", Decoding = new() { BeamWidth = 4, BeamGroups = 3 } }, "4 beams cannot be divided"),
            (new() { Prompt = "a", Decoding = new() { DiversityPenalty = -1 } }, "diversityPenalty is -1"),
            (new() { Prompt = "a", Class = "x" }, "does not support a class"),
        })
            (await Refused(generator, request)).ShouldContain(said);
        await Should.ThrowAsync<AtelierException>(generator.GenerateManyAsync(["a"], new() { Prompt = "a" },
            cancellation: TestContext.Current.CancellationToken));
        Should.Throw<AtelierException>(() => Make(new HashedPairModel(vocabulary: 7)))
            .Message.ShouldContain("the model has 7 tokens for sources, but the tokenizer has 6");

        using var alone = new TextGenerator(MarkovModel.Random(6, 1), Letters, new(), End);
        foreach (GenerationRequest request in new GenerationRequest[]
        {
            new() { Prefix = "a" }, new() { Alignments = true },
            new() { Decoding = new() { BeamWidth = 2, CoveragePenalty = 1 } },
        })
            await Should.ThrowAsync<AtelierException>(async () => await alone.GenerateAsync(request).ToListAsync());
    }

    private static async Task<string> Refused(SequenceToSequenceGenerator generator, GenerationRequest request)
    {
        AtelierException error = await Should.ThrowAsync<AtelierException>(async () =>
            await generator.GenerateAsync(request).ToListAsync(TestContext.Current.CancellationToken));
        error.Message.ShouldNotContain("\n");
        return error.Message;
    }

    private static SequenceToSequenceGenerator Make(HashedPairModel model, DecodingOptions? defaults = null,
        bool truncates = false, params IReadOnlyList<int> forced) =>
        new(model, Letters, Letters, defaults ?? new(),
            SequenceToSequenceTokens.Of(Letters, Letters) with { ForcedStartIds = forced })
        {
            TruncatesSources = truncates,
        };

    private static ReadOnlyMemory<int> Encoded(string source) => (int[])[.. Letters.Encode(source), End];

    private static string Shown(TextSample sample) => $"{sample.Text} {sample.FinishReason} {sample.LogProbability} "
        + $"{sample.Alignments?.ToJson().ToJsonString()}";

    private sealed class Reports(List<int> reports) : IProgress<int>
    {
        public void Report(int value) => reports.Add(value);
    }
}
