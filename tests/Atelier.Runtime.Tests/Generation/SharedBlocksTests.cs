using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Generation;
using Atelier.Runtime.Tests.Formats;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>Requests of one prompt read it once, and each writes what it writes alone, bit for bit.</summary>
public sealed class SharedBlocksTests : IDisposable
{
    private const int Block = BatchedDecoder.PromptBlock;
    // id 0 ends a text
    private static readonly CharacterTokenizer Letters = CharacterTokenizer.Train(["abcdefgh "], byteFallback: false);
    private static readonly string Long =
        string.Concat(Enumerable.Range(0, 3 * Block).Select(i => "abcdefgh "[i * i % 9]));
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-blocks").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Whole_blocks_are_read_once_by_requests_that_come_together_or_later()
    {
        var model = new HistoryModel(10, 4, endless: true);
        using var generator = new TextGenerator(model, Letters, new() { MaxTokens = 50 }, 0);
        using var batch = new BatchedDecoder(generator, sharesPrompts: false);
        string begins = Long[..(Block + 300)];
        batch.Add(new() { Prompt = begins + "face", Seed = 1, Count = 2 });
        batch.Add(new() { Prompt = begins + "bad", Seed = 2 });
        batch.Step();
        model.TokensRead.ShouldBe(Block, "the second request waits for the first one's block");
        batch.Step();
        model.TokensRead.ShouldBe(Block + (301 + 4) + (301 + 3), "a start token, and the rest is each one's own");
        batch.Add(new() { Prompt = begins + "cab", Seed = 3 });
        int before = model.TokensRead;
        batch.Step();
        model.TokensRead.ShouldBe(before + 3 + (301 + 3), "a token of each other sample");
    }

    [Fact]
    public void A_request_that_waits_for_a_block_reads_it_itself_if_the_other_one_leaves()
    {
        var model = new HistoryModel(10, 4, endless: true);
        using var generator = new TextGenerator(model, Letters, new() { MaxTokens = 5 }, 0);
        using var batch = new BatchedDecoder(generator, sharesPrompts: false);
        int first = batch.Add(new() { Prompt = Long });
        int second = batch.Add(new() { Prompt = Long });
        batch.Step();
        batch.Remove(first);
        model.TokensRead.ShouldBe(Block);
        var pieces = new List<BatchedPiece>();
        while (batch.Count > 0)
            pieces.AddRange(batch.Step());
        pieces.ShouldAllBe(piece => piece.Request == second);
        pieces.Count.ShouldBe(5);
        model.TokensRead.ShouldBe(Block + (1 + Long.Length) + 4, "the block of the first, and all of the second");
        model.Open.ShouldBe(0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Every_token_has_the_probability_that_it_has_alone_bit_for_bit(int threads)
    {
        using TextGenerator generator = Llama(threads);
        string prompt = Long[..1200];
        GenerationRequest first = new() { Prompt = prompt, Seed = 1, Decoding = new() { MaxTokens = 60 } };
        // a continuation of what the first one has written: its tokens were not read in blocks
        string written = string.Concat((await Pieces(generator, first)).Select(piece => piece.Text));
        GenerationRequest[] requests =
        [
            first,
            new() { Prompt = prompt, Seed = 2, Count = 2, Decoding = new() { MaxTokens = 40 } },
            new() { Prompt = prompt[..700] + "other", Seed = 3, Decoding = new() { MaxTokens = 40 } },
            new() { Prompt = prompt + written, Seed = 4, Decoding = new() { MaxTokens = 40 } },
            new() { Prompt = prompt[..Block], Seed = 5, Decoding = new() { MaxTokens = 40 } },
            new() { Prompt = prompt[..(Block - 1)], Seed = 6, Decoding = new() { MaxTokens = 40 } },
        ];
        var alone = new List<TextPiece[]>();
        foreach (GenerationRequest request in requests)
            alone.Add(await Pieces(generator, request));
        TextPiece[][] together =
            await Task.WhenAll(requests.Select(request => Task.Run(() => Pieces(generator, request))));
        for (int i = 0; i < requests.Length; i++)
            together[i].ShouldBe(alone[i], $"request {i}");
    }

    private TextGenerator Llama(int threads)
    {
        TinyModelFiles.WriteLlama(_folder, new(4, 2, 8, 48, 2), seed: 3);
        JsonEdits.Set(Path.Combine(_folder, "config.json"), "max_position_embeddings", "2048");
        new ByteTokenizer().Save(Path.Combine(_folder, "tokenizer.json"));
        File.WriteAllText(Path.Combine(_folder, "generation_config.json"),
            """{"bos_token_id":256,"eos_token_id":256,"max_new_tokens":40}""");
        return TextModelFile.Open(_folder, threads: threads);
    }

    /// <summary>The pieces of a request by sample, each with its probability.</summary>
    private static async Task<TextPiece[]> Pieces(TextGenerator generator, GenerationRequest request)
    {
        var pieces = new List<TextPiece>();
        await foreach (TextPiece piece in generator.StreamAsync(request))
            pieces.Add(piece);
        return [.. pieces.OrderBy(piece => piece.Sample)];
    }
}
