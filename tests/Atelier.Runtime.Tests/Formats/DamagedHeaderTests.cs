using System.Buffers.Binary;
using System.Text;
using Atelier.Formats;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Formats;

/// <summary>Headers made by hand that announce far more than their file holds.</summary>
public sealed class DamagedHeaderTests : IDisposable
{
    private const long FewBytes = 8 << 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(2, 1 << 23)] // layers
    [InlineData(0, 1 << 22)] // width
    [InlineData(5, int.MaxValue)] // vocabulary
    [InlineData(6, int.MaxValue)] // context
    public void A_llama2c_header_that_asks_for_more_than_its_file_is_refused_before_it_is_laid_out(int field, int value)
    {
        int[] sizes = [8, 16, 1, 2, 1, 32, 4];
        sizes[field] = value;
        string path = Write(new byte[4096], sizes);
        AtelierException error = RefusedCheaply(() => Llama2CFile.Open(path));
        error.Where.ShouldBe(path);
        error.Message.ShouldContain("4124");
    }

    [Fact]
    public void A_llama2c_header_whose_length_passes_64_bits_is_refused()
    {
        const int Most = (1 << 24) - 2;
        string path = Write(new byte[64], [Most, Most, Most, 1, 1, int.MaxValue, int.MaxValue]);
        RefusedCheaply(() => Llama2CFile.Open(path)).Where.ShouldBe(path);
    }

    [Theory]
    [InlineData(0U)] // bytes
    [InlineData(7U)] // booleans
    public void A_gguf_array_longer_than_any_metadata_is_refused_before_it_is_allocated(uint type)
    {
        // The file truly is as long as the array says: only a limit on the metadata keeps 4 GiB of it off the heap.
        string path = Gguf(type, 1UL << 32);
        AtelierException error = RefusedCheaply(() => GgufFile.Open(path));
        error.Where.ShouldBe(path);
        error.Message.ShouldContain("4294967296");
    }

    [Fact]
    public void A_gguf_text_longer_than_any_metadata_is_refused_before_it_is_allocated()
    {
        string path = Gguf(8, 1UL << 32);
        RefusedCheaply(() => GgufFile.Open(path)).Where.ShouldBe(path);
    }

    [Theory]
    [InlineData("[[]]")]
    [InlineData("[null]")]
    [InlineData("[[\"a\"]]")]
    [InlineData("[[\"a\", null]]")]
    [InlineData("[[null, \"a\"]]")]
    [InlineData("[\"\"]")]
    [InlineData("[5]")]
    public void A_merge_that_is_no_pair_of_tokens_is_refused(string merges)
    {
        foreach (string step in new[] { "null", """{"type":"ByteLevel"}""" })
        {
            string path = Path.Combine(_folder, "tokenizer.json");
            File.WriteAllText(path,
                $$$"""{"pre_tokenizer":{{{step}}},"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":{{{merges}}}}}""");
            AtelierException error = Should.Throw<AtelierException>(() => TokenizerFile.Load(path));
            error.Where.ShouldBe(path);
            error.Message.ShouldContain("is not a merge");
        }
    }

    private static AtelierException RefusedCheaply(Action open)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        AtelierException error = Should.Throw<AtelierException>(open);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(FewBytes);
        return error;
    }

    private string Write(byte[] data, int[] sizes)
    {
        string path = Path.Combine(_folder, "model.bin");
        byte[] header = new byte[sizes.Length * sizeof(int)];
        for (int i = 0; i < sizes.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(i * sizeof(int)), sizes[i]);
        File.WriteAllBytes(path, [.. header, .. data]);
        return path;
    }

    /// <summary>A GGUF of one value "x", sparse, as long as the value says.</summary>
    private string Gguf(uint type, ulong length)
    {
        string path = Path.Combine(_folder, "a.gguf");
        using var stream = new FileStream(path, FileMode.Create);
        using var writer = new BinaryWriter(stream);
        writer.Write("GGUF"u8);
        writer.Write(3U);
        writer.Write(0UL);
        writer.Write(1UL);
        writer.Write(1UL);
        writer.Write(Encoding.UTF8.GetBytes("x"));
        if (type != 8)
            writer.Write(9U); // an array of
        writer.Write(type);
        writer.Write(length);
        writer.Flush();
        stream.SetLength(stream.Position + (long)length);
        return path;
    }
}
