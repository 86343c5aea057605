using Atelier.Data.Audio;
using CsCheck;

namespace Atelier.Tests.Data.Audio;

/// <summary>Files of codes: what was written is read again, and damage is refused.</summary>
public sealed class CodeFileTests
{
    private const string Identity = "0123456789abcdef";

    [Fact]
    public void Codes_are_read_as_they_were_written()
    {
        Gen.Select(Gen.Int[1, 2], Gen.Int[1, 6], Gen.Int[1, 16], Gen.Int[0, 500], Gen.Int[0, 1000]).Sample(given =>
        {
            (int streams, int codebooks, int bits, int length, int seed) = given;
            CodeFile file = File(streams, codebooks, bits, length, seed);
            byte[] bytes = file.ToBytes();
            bytes.Length.ShouldBe(32 + (int)Math.Ceiling(streams * codebooks * bits * Math.Ceiling(length / 40.0) / 8));
            CodeFile again = CodeFile.Parse(bytes);
            (again with { Streams = file.Streams }).ShouldBe(file);
            again.Streams.SelectMany(s => s).SelectMany(b => b)
                .ShouldBe(file.Streams.SelectMany(s => s).SelectMany(b => b));
        }, iter: 100);
    }

    [Theory]
    [InlineData(0, 0x00, "is not a file of codes")]
    [InlineData(8, 0x02, "version 2")]
    [InlineData(9, 0x00, "impossible header")]
    [InlineData(10, 0xFF, "impossible header")]
    [InlineData(11, 0x00, "impossible header")]
    [InlineData(10, 0x02, "its header describes")]
    [InlineData(23, 0x7F, "its header describes")] // two thousand million samples
    [InlineData(23, 0xFF, "impossible header")] // a negative length
    public void A_damaged_header_is_refused_before_memory_is_allocated(int place, int value, string why)
    {
        byte[] bytes = File(1, 3, 10, 400, 1).ToBytes();
        bytes[place] = (byte)value;
        Should.Throw<AtelierException>(() => CodeFile.Parse(bytes)).ToLine().ShouldContain(why);
    }

    [Fact]
    public void A_file_that_was_cut_is_refused_in_one_line()
    {
        byte[] bytes = File(1, 3, 10, 400, 1).ToBytes();
        for (int length = 0; length < bytes.Length; length++)
            Should.Throw<AtelierException>(() => CodeFile.Parse(bytes[..length])).ToLine().ShouldNotContain("\n");
    }

    [Fact]
    public void The_entropy_of_equally_frequent_codes_is_the_logarithm_of_their_number()
    {
        int[] four = [.. Enumerable.Range(0, 400).Select(i => i % 4)], one = new int[400];
        var file = new CodeFile(Identity, 8000, 40, 16_000, 10, [[four, one]]);
        file.Entropy().ShouldBe(1, 1e-9, "two bits and none");
    }

    private static CodeFile File(int streams, int codebooks, int bits, int length, int seed)
    {
        var random = new SplitMix64((ulong)seed);
        int frames = (length + 39) / 40;
        var codes = new int[streams][][];
        for (int stream = 0; stream < streams; stream++)
        {
            codes[stream] = new int[codebooks][];
            for (int book = 0; book < codebooks; book++)
            {
                codes[stream][book] = new int[frames];
                for (int frame = 0; frame < frames; frame++)
                    codes[stream][book][frame] = (int)(random.NextDouble() * (1 << bits));
            }
        }
        return new CodeFile(Identity, 8000, 40, length, bits, codes);
    }
}
