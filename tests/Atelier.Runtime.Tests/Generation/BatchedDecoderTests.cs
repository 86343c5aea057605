using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Generation;

public class BatchedDecoderTests
{
    // id 0 ends a text
    private static readonly CharacterTokenizer Letters = CharacterTokenizer.Train(["abcdefgh "], byteFallback: false);

    [Fact]
    public async Task Requests_that_join_and_leave_write_what_each_writes_alone()
    {
        var model = new HistoryModel(10, 4, endless: true);
        using var generator = new TextGenerator(model, Letters, new() { MaxTokens = 30 }, 0);
        GenerationRequest[] requests =
        [
            new() { Prompt = "abc", Count = 3, Seed = 1 },
            new() { Seed = 2, Decoding = new() { MaxTokens = 12, Temperature = 0 } },
            new() { Prompt = "h", Count = 2, Seed = 3,
                Decoding = new() { MaxTokens = 50, TopK = 4, RepetitionPenalty = 1.3, Stop = ["ab"] } },
            new() { Prompt = "bad ", Seed = 4, Decoding = new() { Pattern = "(cab|face){6}g*" } },
        ];
        using var batch = new BatchedDecoder(generator);
        var texts = new Dictionary<(int, int), string>();
        int[] numbers = new int[requests.Length];
        for (int step = 0; step == 0 || batch.Count > 0; step++)
        {
            if (step % 5 == 0 && step / 5 < requests.Length)
                numbers[step / 5] = batch.Add(requests[step / 5]);
            foreach (BatchedPiece piece in batch.Step())
                texts[(piece.Request, piece.Piece.Sample)] =
                    texts.GetValueOrDefault((piece.Request, piece.Piece.Sample), "") + piece.Piece.Text;
        }
        model.Widest.ShouldBeGreaterThan(4);
        model.Open.ShouldBe(0);
        foreach ((int number, GenerationRequest request) in numbers.Zip(requests))
        {
            string[] alone = await Texts(generator, request);
            for (int sample = 0; sample < request.Count; sample++)
                texts[(number, sample)].ShouldBe(alone[sample]);
        }
    }

    [Fact]
    public async Task Greedy_text_is_the_likeliest_token_after_every_token_before()
    {
        var model = new HistoryModel(10, 6);
        using var generator = new TextGenerator(model, Letters, new() { MaxTokens = 40, Temperature = 0 }, 0);
        TextSample sample = await generator.GenerateAsync(new() { Prompt = "hab" }).FirstAsync();
        List<int> ids = [0, .. Letters.Encode("hab")];
        foreach (TokenChoice choice in sample.Tokens)
        {
            float[] logits = model.LogitsAfter(ids);
            choice.Id.ShouldBe(Array.IndexOf(logits, logits.Max()));
            choice.LogProbability.ShouldBe((float)(logits.Max() - Math.Log(logits.Sum(l => Math.Exp(l)))), 1e-5f);
            ids.Add(choice.Id);
        }
    }

    [Fact]
    public void A_text_longer_than_the_context_goes_on_from_its_last_half()
    {
        var model = new HistoryModel(10, 6, contextLength: 16);
        using var generator = new TextGenerator(model, Letters, new() { MaxTokens = 60, Pattern = "[a-h ]{60}" }, 0);
        using var batch = new BatchedDecoder(generator);
        batch.Add(new() { Prompt = "abcdefgh abcdefgh abcdefgh", Count = 2 });
        List<int> ids = [0, .. Letters.Encode("abcdefgh abcdefgh abcdefgh")];
        int from = ids.Count - 8;
        while (batch.Count > 0)
        {
            foreach (BatchedPiece piece in batch.Step().Where(p => p.Piece.Sample == 0))
            {
                if (ids.Count - from > 16)
                    from = ids.Count - 8;
                float[] logits = model.LogitsAfter(ids[from..]);
                TokenChoice choice = piece.Piece.Token!.Value;
                choice.LogProbability.ShouldBe((float)(logits[choice.Id] - Math.Log(logits.Sum(l => Math.Exp(l)))),
                    1e-5f);
                ids.Add(choice.Id);
            }
        }
        ids.Count.ShouldBe(27 + 60);
    }

    [Fact]
    public void A_long_prompt_is_read_in_blocks_while_others_go_on()
    {
        var model = new HistoryModel(10, 6);
        using var generator =
            new TextGenerator(model, Letters, new() { MaxTokens = 20, Temperature = 0, Pattern = "[a-h]*" }, 0);
        using var batch = new BatchedDecoder(generator);
        int quick = batch.Add(new());
        batch.Step().Count.ShouldBe(1);
        string prompt = string.Concat(Enumerable.Repeat("abcdefg ", 200));
        int slow = batch.Add(new() { Prompt = prompt });
        for (int block = 0; block < 1601 / BatchedDecoder.PromptBlock; block++)
            batch.Step().ShouldAllBe(piece => piece.Request == quick);
        BatchedPiece first = batch.Step().Single(piece => piece.Request == slow);
        float[] logits = model.LogitsAfter([0, .. Letters.Encode(prompt)]);
        first.Piece.Token!.Value.LogProbability.ShouldBe(
            (float)(logits[first.Piece.Token.Value.Id] - Math.Log(logits.Sum(l => Math.Exp(l)))), 1e-5f);
    }

    [Fact]
    public async Task What_a_living_request_has_read_of_a_prompt_is_not_read_again()
    {
        var model = new HistoryModel(10, 6, endless: true);
        using var generator = new TextGenerator(model, Letters, new() { MaxTokens = 8 }, 0);
        string begins = string.Concat(Enumerable.Repeat("abcdefg ", 20));
        GenerationRequest late = new() { Prompt = begins + "face", Seed = 9 };
        using var batch = new BatchedDecoder(generator);
        batch.Add(new() { Prompt = begins + "bad", Decoding = new() { MaxTokens = 1000 } });
        batch.Step();
        model.TokensRead.ShouldBe(1 + 160 + 3);
        int number = batch.Add(late);
        string text = string.Concat(batch.Step().Where(p => p.Request == number).Select(p => p.Piece.Text));
        // a token of the first, and of the second what the first does not begin with
        model.TokensRead.ShouldBe(164 + 1 + 4);
        for (int step = 1; step < 8; step++)
            text += string.Concat(batch.Step().Where(p => p.Request == number).Select(p => p.Piece.Text));
        text.ShouldBe((await Texts(generator, late)).Single());
    }

    [Fact]
    public void A_request_that_is_taken_away_writes_no_more()
    {
        var model = new HistoryModel(10, 6);
        using var generator = new TextGenerator(model, Letters, new() { Pattern = "[a-h]*", MaxTokens = 500 }, 0);
        using var batch = new BatchedDecoder(generator);
        int gone = batch.Add(new() { Count = 3 }), stays = batch.Add(new() { Seed = 5 });
        batch.Step().Count.ShouldBe(4);
        batch.Remove(gone);
        batch.Step().ShouldAllBe(piece => piece.Request == stays);
        model.Open.ShouldBe(1);
        Should.Throw<AtelierException>(() => batch.Add(new() { Decoding = new() { BeamWidth = 2 } }));
        Should.Throw<AtelierException>(() => batch.Add(new() { Prompt = "XYZ" }));
        batch.Count.ShouldBe(1);
    }

    /// <summary>
    /// Nothing at all is allocated between the steps: of the strings of text, each token's was made when it first came.
    /// </summary>
    [Theory]
    [InlineData("greedy")]
    [InlineData("plain")]
    [InlineData("filters and penalties")]
    [InlineData("pattern")]
    [InlineData("look-up")]
    [InlineData("draft")]
    public void After_warm_up_a_step_allocates_nothing(string kind)
    {
        var options = new DecodingOptions { MaxTokens = 4000 };
        options = kind switch
        {
            "greedy" => options with { Temperature = 0 },
            "filters and penalties" =>
                options with { TopK = 8, TopP = 0.95, MinP = 0.01, TypicalP = 0.9, RepetitionPenalty = 1.1,
                PresencePenalty = 0.1, FrequencyPenalty = 0.01 },
            "pattern" => options with { Pattern = "([a-h ]|x[a-d])*" },
            "look-up" => options with { Lookup = 2 },
            _ => options,
        };
        CharacterTokenizer letters = CharacterTokenizer.Train(["abcdefgh x"], byteFallback: false);
        var model = new HistoryModel(letters.VocabularySize, 6, endless: true);
        using var generator = new TextGenerator(model, letters, options, 0);
        if (kind == "draft")
            generator.Draft =
                new TextGenerator(new HistoryModel(letters.VocabularySize, 7, endless: true), letters, options, 0);
        using var batch = new BatchedDecoder(generator);
        batch.Add(new() { Prompt = "a bad cab", Count = 3, Seed = 2 });
        for (int step = 0; step < 300; step++)
            batch.Step();
        long written = 0, before = GC.GetAllocatedBytesForCurrentThread();
        for (int step = 0; step < 200; step++)
            written += batch.Step().Count;
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        written.ShouldBeGreaterThanOrEqualTo(600);
        allocated.ShouldBe(0);
    }

    private static async Task<string[]> Texts(TextGenerator generator, GenerationRequest request)
    {
        string[] texts = new string[request.Count];
        await foreach (TextPiece piece in generator.StreamAsync(request))
            texts[piece.Sample] += piece.Text;
        return texts;
    }
}
