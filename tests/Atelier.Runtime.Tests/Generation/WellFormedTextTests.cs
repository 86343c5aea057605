using System.Text;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.TestSupport;
using Atelier.Tokenizers;
using CsCheck;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>Whatever tokens a model writes, text comes of them.</summary>
public class WellFormedTextTests
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private static readonly ByteTokenizer Bytes = new();

    [Fact]
    public async Task Every_piece_of_every_stream_is_text_that_any_file_takes()
    {
        // The bytes of halves of pairs (ED A0 80 to ED BF BF) and of whole characters, one after another as chance has
        // it.
        double[] row = new double[257];
        foreach (int value in (int[])[0xED, 0xA0, 0xBD, 0xB8, 0x80, 0xF0, 0x9F, 0x98, 0xC3, 0xA9, 'a', 0xE4])
            row[value] = 1.0 / 12;
        using var generator = new TextGenerator(new MarkovModel([.. Enumerable.Repeat(row, 257)]), Bytes,
            new() { MaxTokens = 60, Stop = ["aa", "\ud83d\ude00"] }, 256);
        var texts = new StringBuilder[200];
        await foreach (TextPiece piece in generator.StreamAsync(new() { Count = texts.Length, Seed = 5 }))
        {
            Should.NotThrow(() => Strict.GetBytes(piece.Text), "no piece ends or begins inside a character");
            (texts[piece.Sample] ??= new()).Append(piece.Text);
        }
        texts.Count(text => text.ToString().Contains('\uFFFD')).ShouldBeGreaterThan(100);
        int number = 0;
        foreach (TextSample sample in await generator.GenerateAsync(new() { Count = texts.Length, Seed = 5 })
            .ToListAsync())
        {
            Strict.GetString(Strict.GetBytes(sample.Text)).ShouldBe(sample.Text);
            sample.ToJson().ToJsonString().ShouldContain("text");
            number++;
        }
        number.ShouldBe(texts.Length);
    }

    [Fact]
    public void Text_of_any_tokens_is_what_the_platform_makes_of_their_bytes_but_for_halves_of_pairs() =>
        Gen.OneOf(Gen.Int[0, 255],
            Gen.OneOf(Gen.Const(0xED), Gen.Int[0xA0, 0xBF], Gen.Const(0xF0), Gen.Const(0x9F))).Array[0, 30]
            .Sample(ids =>
        {
            var stream = new TextStream(Bytes);
            string text = string.Concat(ids.Select(stream.Add)) + stream.Finish();
            Strict.GetBytes(text).Length.ShouldBeGreaterThanOrEqualTo(0);
            Bytes.DecodeText(ids).ShouldBe(text);
            // As many marks may stand for what is no UTF-8; the characters are the same, in the same order.
            text.Replace("\uFFFD", "", StringComparison.Ordinal)
                .ShouldBe(Encoding.UTF8.GetString([.. ids.Select(id => (byte)id)])
                .Replace("\uFFFD", "", StringComparison.Ordinal));
        }, iter: 2000);

    [Fact]
    public void A_lone_surrogate_comes_back_from_a_tokenizer_and_is_marked_in_a_model_s_text()
    {
        int[] ids = Bytes.Encode("a\ud83db");
        Bytes.Decode(ids).ShouldBe("a\ud83db");
        Bytes.DecodeText(ids).ShouldBe("a\uFFFDb");
    }

    [Fact]
    public void A_stop_string_of_half_a_character_is_refused() =>
        Should.Throw<AtelierException>(() => new DecodingOptions { Stop = ["a", "\ude00b"] }.Check()).ToLine()
            .ShouldContain("half a surrogate pair");
}
