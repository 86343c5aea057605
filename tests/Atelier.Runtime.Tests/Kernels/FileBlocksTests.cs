using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Runtime.Tests.Formats;

namespace Atelier.Runtime.Tests.Kernels;

/// <summary>
/// The types of GGUF that are only read, against blocks that llama.cpp's library wrote and read
/// (benchmarks/peers/gguf_blocks.py): the first half is of normal random weights, the second of random bytes.
/// </summary>
public sealed class FileBlocksTests : IDisposable
{
    private static readonly JsonNode Golden = JsonNode.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "gguf-blocks.json")))!;

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public static TheoryData<WeightType, double> Types => new()
    {
        // the root mean square error of normal weights that their bits allow
        { WeightType.Q2_K, 0.4 }, { WeightType.Q3_K, 0.2 }, { WeightType.Q4_K, 0.1 }, { WeightType.Q5_K, 0.05 },
        { WeightType.Q6_K, 0.03 }, { WeightType.Q4_1, 0.1 }, { WeightType.Q5_0, 0.06 }, { WeightType.Q5_1, 0.05 },
        { WeightType.IQ4_NL, 0.1 }, { WeightType.IQ4_XS, 0.1 },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Types))]
    public void Blocks_are_read_as_llama_cpp_reads_them(WeightType type, double error)
    {
        (byte[] blocks, float[] numbers) = Read(type);
        float[] weights = Floats(Golden["weights"]!), decoded = new float[numbers.Length];
        WeightConversion.Decode(type, blocks, decoded);
        decoded.ShouldBe(numbers); // to the last bit
        double squares = weights.Zip(decoded, (w, d) => (double)(w - d) * (w - d)).Average();
        Math.Sqrt(squares).ShouldBeInRange(1e-4, error);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public unsafe void In_memory_the_weights_have_8_bits_and_are_the_nearest(WeightType type, double error)
    {
        error.ShouldBeGreaterThan(0);
        (byte[] blocks, float[] numbers) = Read(type);
        float[] row = new float[numbers.Length / 2];
        fixed (byte* data = blocks)
        {
            WeightMatrix matrix = WeightMatrix.OfFile("w", type, 2, row.Length, data, owner: null);
            matrix.Type.ShouldBe(WeightType.Q8_0);
            for (int i = 0; i < 2; i++)
            {
                matrix.ReadRow(i, row);
                float[] expected = numbers[(i * row.Length)..((i + 1) * row.Length)];
                if (type is WeightType.Q5_0 or WeightType.IQ4_NL)
                {
                    row.ShouldBe(expected);
                    continue;
                }
                for (int block = 0; block < row.Length; block += WeightTypes.BlockSize)
                {
                    float largest = expected.Skip(block).Take(WeightTypes.BlockSize).Max(Math.Abs);
                    // half a step, and the rounding of the scale to half precision
                    for (int at = block; at < block + WeightTypes.BlockSize; at++)
                        Math.Abs(row[at] - expected[at]).ShouldBeLessThanOrEqualTo(largest * (0.5f / 127 + 0.0005f));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Blocks_are_not_written(WeightType type, double error)
    {
        error.ShouldBeGreaterThan(0);
        byte[] row = new byte[type.RowBytes(256)];
        Should.Throw<ArgumentException>(() => WeightConversion.Encode(type, new float[256], row))
            .Message.ShouldContain("only read");
        Should.Throw<AtelierException>(() => WeightNames.Parse(type.ToString()));
    }

    [Fact]
    public unsafe void Ten_thousand_spoiled_files_are_refused_or_read()
    {
        const int count = 10_000;
        string path = Path.Combine(_folder, "blocks.gguf");
        GgufTensor[] tensors = [.. Types.Select(row => new GgufTensor($"{row.Data.Item1}", row.Data.Item1, [2, 256]))];
        GgufWriter.Write(path, new GgufMetadata("llama"), tensors,
            (tensor, stream) => stream.Write(Read(tensor.Type).Blocks));
        ReadAll(); // the good file
        Mutations.Try(count, File.ReadAllBytes(path), path, isJson: false, ReadAll)
            .ShouldBeInRange(count / 10, count - 1);

        void ReadAll()
        {
            using GgufFile file = GgufFile.Open(path);
            foreach (GgufTensor tensor in file.Tensors)
            {
                if (tensor.Shape is [> 0 and <= 1024 and long rows, > 0 and <= 1024 and long columns])
                {
                    WeightMatrix.OfFile(tensor.Name, tensor.Type, (int)rows, (int)columns, file.Pointer(tensor.Name),
                        file);
                }
            }
        }
    }

    private static (byte[] Blocks, float[] Numbers) Read(WeightType type)
    {
        JsonNode node = Golden["golden"]!.AsArray().Single(n => (string?)n!["type"] == type.ToString())!;
        return (Convert.FromBase64String((string)node["blocks"]!), Floats(node["numbers"]!));
    }

    private static float[] Floats(JsonNode node) =>
        MemoryMarshal.Cast<byte, float>(Convert.FromBase64String((string)node!)).ToArray();
}
