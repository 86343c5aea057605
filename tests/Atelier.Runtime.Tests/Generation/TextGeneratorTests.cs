using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.TestSupport;
using Atelier.Tokenizers;
using Microsoft.Extensions.AI;

namespace Atelier.Runtime.Tests.Generation;

public class TextGeneratorTests
{
    // id 0 ends a text
    private static readonly CharacterTokenizer Letters = CharacterTokenizer.Train(["abcde "], byteFallback: false);

    [Fact]
    public async Task The_same_seed_gives_the_same_samples_and_each_is_its_own_stream()
    {
        using TextGenerator generator = Make();
        string[] three = await Texts(generator, new() { Count = 3, Seed = 5 });
        string[] five = await Texts(generator, new() { Count = 5, Seed = 5 });
        five[..3].ShouldBe(three);
        (await Texts(generator, new() { Count = 3, Seed = 6 })).ShouldNotBe(three);
    }

    [Fact]
    public async Task Streaming_gives_the_text_that_generating_gives()
    {
        using TextGenerator generator = Make();
        var request =
            new GenerationRequest { Count = 4, Seed = 2, Decoding = new() { MaxTokens = 30, Stop = ["ab", "e"] } };
        string[] whole = await Texts(generator, request);
        string[] streamed = ["", "", "", ""];
        await foreach (TextPiece piece in generator.StreamAsync(request))
            streamed[piece.Sample] += piece.Text;
        streamed.ShouldBe(whole);
        whole.ShouldAllBe(t => !t.Contains("ab") && !t.Contains('e'));
    }

    [Fact]
    public async Task Log_probabilities_are_those_of_the_chain()
    {
        MarkovModel chain = MarkovModel.Random(7, 3);
        using var generator =
            new TextGenerator(chain, Letters, new() { MaxTokens = 20, Temperature = 0.7, TopK = 3 }, 0);
        await foreach (TextSample sample in generator.GenerateAsync(new() { Prompt = "ab", Count = 2 }))
        {
            int previous = Letters.Encode("b")[0];
            foreach (TokenChoice token in sample.Tokens)
            {
                token.LogProbability.ShouldBe((float)Math.Log(chain.P(previous, token.Id)), 1e-4f);
                previous = token.Id;
            }
            sample.LogProbability!.Value.ShouldBe(sample.Tokens.Sum(t => t.LogProbability), 1e-4);
        }
    }

    [Fact]
    public async Task The_end_of_text_ends_a_sample_and_others_go_on()
    {
        using TextGenerator generator = Make();
        var ended = new List<string>();
        await foreach (TextSample sample in generator.GenerateAsync(new() { Count = 40,
            Decoding = new() { MaxTokens = 12 } }))
        {
            ended.Add(sample.FinishReason);
            if (sample.FinishReason == "end")
                sample.Tokens[^1].Id.ShouldBe(0);
            else
                sample.Tokens.Count.ShouldBe(12);
        }
        ended.Count.ShouldBe(40);
        ended.ShouldContain("end");
        ended.ShouldContain("length");
    }

    [Fact]
    public async Task A_text_longer_than_the_context_goes_on_from_its_last_half()
    {
        MarkovModel small = MarkovModel.Random(7, 3, contextLength: 8), large = MarkovModel.Random(7, 3);
        var request =
            new GenerationRequest { Prompt = "abcabcabcabc", Count = 2, Seed = 9, Decoding = new() { MaxTokens = 40 } };
        using var rolling = new TextGenerator(small, Letters, new(), 0);
        using var endless = new TextGenerator(large, Letters, new(), 0);
        // A first-order chain needs one token of context, so rolling must change nothing.
        (await Texts(rolling, request)).ShouldBe(await Texts(endless, request));
        small.States.ShouldBeGreaterThan(1);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    public async Task A_wide_beam_finds_what_enumerating_every_sequence_finds(double lengthPenalty)
    {
        MarkovModel chain = MarkovModel.Random(4, 11);
        CharacterTokenizer abc = CharacterTokenizer.Train(["abc"], byteFallback: false);
        using var generator =
            new TextGenerator(chain, abc, new() { BeamWidth = 200, MaxTokens = 4, LengthPenalty = lengthPenalty }, 0);
        TextSample found = (await generator.GenerateAsync(new()).ToListAsync())[0];

        (double Score, int[] Tokens) best = (double.NegativeInfinity, []);
        void Extend(int[] tokens, double logProbability)
        {
            if (tokens.Length > 0 && (tokens[^1] == 0 || tokens.Length == 4))
            {
                double score = logProbability / Math.Pow(tokens.Length, lengthPenalty);
                best = score > best.Score ? (score, tokens) : best;
                return;
            }
            for (int next = 0; next < 4; next++)
                Extend([.. tokens, next],
                    logProbability + Math.Log(chain.P(tokens.Length == 0 ? 0 : tokens[^1], next)));
        }
        Extend([], 0);
        found.Tokens.Select(t => t.Id).ShouldBe(best.Tokens);
    }

    [Fact]
    public async Task Impossible_requests_are_refused_in_one_line()
    {
        using TextGenerator generator = Make();
        foreach (GenerationRequest request in new GenerationRequest[]
        {
            new() { Count = 0 },
            new() { Count = 3, Decoding = new() { BeamWidth = 2 } },
            new() { Prompt = "xyz" },
            new() { Decoding = new() { Stop = [""] } },
            new() { Decoding = new() { Temperature = double.NaN } },
            new() { Decoding = new() { MaxTokens = 0 } },
            new() { Decoding = new() { TopK = -2 } },
            new() { Decoding = new() { RepetitionPenalty = 0 } },
        })
        {
            await Should.ThrowAsync<AtelierException>(async () => await Texts(generator, request));
        }
    }

    [Fact]
    public async Task A_cancelled_request_stops()
    {
        using TextGenerator generator = Make();
        using var cancel = new CancellationTokenSource();
        int pieces = 0;
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            await foreach (TextPiece piece in generator.StreamAsync(new() { Count = 8,
                Decoding = new() { MaxTokens = 1_000_000 } }, cancel.Token))
            {
                if (++pieces == 20)
                    cancel.Cancel();
            }
        });
        pieces.ShouldBe(20);
    }

    [Fact]
    public async Task A_chat_client_answers_counts_and_streams()
    {
        using TextGenerator generator = Make();
        using IChatClient client = new TextChatClient(generator, "letters");
        var options = new ChatOptions { Seed = 4, MaxOutputTokens = 9, Temperature = 0.8f, StopSequences = ["e"] };
        ChatResponse response = await client.GetResponseAsync("abc", options);
        response.ModelId.ShouldBe("letters");
        response.Usage!.InputTokenCount.ShouldBe(4, "the start token and three letters");
        response.Usage.OutputTokenCount!.Value.ShouldBeInRange(1, 9);
        response.Text.ShouldNotContain("e");
        string streamed = "";
        long? written = null;
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("abc", options))
        {
            streamed += update.Text;
            written ??= update.Contents.OfType<UsageContent>().FirstOrDefault()?.Details.OutputTokenCount;
        }
        written.ShouldBe(response.Usage.OutputTokenCount);
        streamed.ShouldBe(response.Text);
    }

    [Fact]
    public void A_generation_config_reads_back_and_takes_hugging_faces_keys()
    {
        string path = Path.GetTempFileName();
        var written =
            new GenerationConfigFile(new() { TopK = 5, MinP = 0.1, Stop = ["\n"], MaxTokens = 7, Temperature = 0.3 }, 2,
            [9]);
        written.Write(path);
        GenerationConfigFile read = GenerationConfigFile.Read(path);
        read.StartId.ShouldBe(2);
        read.EndIds.ShouldBe([9]);
        read.Decoding.Stop.ShouldBe(["\n"]);
        (read.Decoding with { Stop = [] }).ShouldBe(written.Decoding with { Stop = [] });
        File.WriteAllText(path, """{"do_sample": false, "top_k": 50, "eos_token_id": [1, 2]}""");
        GenerationConfigFile.Read(path).Decoding.Temperature.ShouldBe(0);
        GenerationConfigFile.Read(path).EndIds.ShouldBe([1, 2]);
        foreach (string wrong in (string[])[
            """{"top_k": "many"}""", """{"temperature": -1}""", """{"num_beams": 0}""", """{"max_new_tokens": -5}"""])
        {
            File.WriteAllText(path, wrong);
            Should.Throw<AtelierException>(() => GenerationConfigFile.Read(path)).Where.ShouldBe(path);
        }
        File.Delete(path);
    }

    private static TextGenerator Make() => new(MarkovModel.Random(7, 3), Letters, new() { MaxTokens = 25 }, 0);

    private static async Task<string[]> Texts(TextGenerator generator, GenerationRequest request)
    {
        string[] texts = new string[Math.Max(0, request.Count)];
        await foreach (TextPiece piece in generator.StreamAsync(request))
            texts[piece.Sample] += piece.Text;
        var whole = await generator.GenerateAsync(request).Select(s => s.Text).ToListAsync();
        whole.Order().ShouldBe(texts.Order());
        return texts;
    }
}
