using System.Text;
using Atelier.Formats;

namespace Atelier.Runtime.Tests.Formats;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_written_reads_back()
    {
        string path = Path.Combine(_folder, "a.safetensors");
        SafetensorsEntry[] entries =
        [
            new("weight", SafetensorsType.F32, [2, 3]),
            new("empty", SafetensorsType.BF16, [0, 7]),
            new("scalar", SafetensorsType.I64, []),
        ];
        SafetensorsWriter.Write(path, entries,
            (e, s) => s.Write(Enumerable.Range(0, (int)e.ByteCount).Select(i => (byte)i).ToArray()),
            new Dictionary<string, string> { ["format"] = "pt" });

        using SafetensorsFile file = SafetensorsFile.Open(path);
        file.Metadata["format"].ShouldBe("pt");
        file.Entries.Select(e => e.Name).Order().ShouldBe(["empty", "scalar", "weight"]);
        file.Entry("weight").Shape.ShouldBe([2L, 3L]);
        byte[] bytes = new byte[20];
        file.CopyTo("weight", 4, bytes);
        bytes.ShouldBe(Enumerable.Range(4, 20).Select(i => (byte)i).ToArray());
        file.CopyTo("empty", 0, []);
    }

    [Fact]
    public void The_bytes_are_those_of_the_published_layout()
    {
        // Layout by the format's own page: 8 bytes of length, JSON, data.
        string path = Path.Combine(_folder, "b.safetensors");
        string header = """{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""";
        File.WriteAllBytes(path,
            [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header), 7, 9]);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        byte[] bytes = new byte[2];
        file.CopyTo("x", 0, bytes);
        bytes.ShouldBe([7, 9]);
    }

    [Theory]
    [InlineData("""{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,3]}}""", 3, "its shape needs 2")]
    [InlineData("""{"x":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}""", 2, "lies outside the file")]
    [InlineData("""{"x":{"dtype":"U8","shape":[-1],"data_offsets":[0,2]}}""", 2, "negative dimension")]
    [InlineData("""{"x":{"dtype":"Q9","shape":[2],"data_offsets":[0,2]}}""", 2, "unknown type 'Q9'")]
    [InlineData("""{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","""
        + """ "shape":[2],"data_offsets":[1,3]}}""",
        3, "but 2 is expected")]
    [InlineData("""{"x":{"dtype":"U8","shape":[1152921504606846976,1152921504606846976],"data_offsets":[0,2]}}""",
        2, "its header is not valid")]
    [InlineData("""{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 5, "the file holds 5")]
    [InlineData("""[[[[[[[[[[[[1]]]]]]]]]]]]""", 0, "its header is not valid")]
    [InlineData("""{"x":5}""", 0, "its header is not valid")]
    public void A_header_that_lies_is_refused_in_one_line(string header, int dataBytes, string expected)
    {
        string path = Path.Combine(_folder, "c.safetensors");
        File.WriteAllBytes(path,
            [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header), .. new byte[dataBytes]]);
        Should.Throw<AtelierException>(() => SafetensorsFile.Open(path)).Message.ShouldContain(expected);
    }

    [Fact]
    public void A_damaged_file_gives_one_clear_error_or_the_same_shapes_and_never_a_crash()
    {
        string path = Path.Combine(_folder, "d.safetensors");
        SafetensorsWriter.Write(path, [new("w", SafetensorsType.F32, [4, 4]), new("b", SafetensorsType.F32, [4])],
            (e, s) => s.Write(new byte[e.ByteCount]));
        byte[] good = File.ReadAllBytes(path);
        var random = new Random(5);
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            byte[] bad = random.Next(3) == 0 ? good[..random.Next(good.Length)] : (byte[])good.Clone();
            for (int flips = random.Next(4); flips > 0 && bad.Length > 0; flips--)
                bad[random.Next(Math.Min(bad.Length, 160))] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(path, bad);
            try
            {
                using SafetensorsFile file = SafetensorsFile.Open(path);
                file.Entries.Sum(e => e.ByteCount).ShouldBeLessThanOrEqualTo(bad.Length);
            }
            catch (AtelierException)
            {
                refused++;
            }
        }
        refused.ShouldBeGreaterThan(150);
    }
}
