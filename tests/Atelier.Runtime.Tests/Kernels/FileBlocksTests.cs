using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Runtime.Tests.Formats;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Kernels;

/// <summary>
/// GGUF's types of groups with a scale, against blocks that llama.cpp's library wrote and read
/// (benchmarks/peers/gguf_blocks.py): the first half is of normal random weights, the second of random bytes.
/// </summary>
public sealed class FileBlocksTests : IDisposable
{
    private static readonly JsonNode Golden = JsonNode.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "gguf-blocks.json")))!;

    // the root mean square error of normal weights that the bits of a type allow
    private static readonly Dictionary<WeightType, double> Errors = new()
    {
        [WeightType.Q2_K] = 0.4, [WeightType.Q3_K] = 0.2, [WeightType.Q4_K] = 0.1, [WeightType.Q5_K] = 0.05,
        [WeightType.Q6_K] = 0.03, [WeightType.Q4_1] = 0.1, [WeightType.Q5_0] = 0.06, [WeightType.Q5_1] = 0.05,
        [WeightType.IQ4_NL] = 0.1, [WeightType.IQ4_XS] = 0.1,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public static TheoryData<WeightType> Types => [.. Errors.Keys];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Types))]
    public void Blocks_are_read_as_llama_cpp_reads_them(WeightType type)
    {
        (byte[] blocks, float[] numbers) = Read(type);
        float[] weights = Floats(Golden["weights"]!), decoded = new float[numbers.Length];
        WeightConversion.Decode(type, blocks, decoded);
        decoded.ShouldBe(numbers); // to the last bit
        double squares = weights.Zip(decoded, (w, d) => (double)(w - d) * (w - d)).Average();
        Math.Sqrt(squares).ShouldBeInRange(1e-4, Errors[type]);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Widened_to_8_bits_the_weights_are_the_nearest(WeightType type)
    {
        (byte[] blocks, float[] numbers) = Read(type);
        byte[] wide = new byte[WeightType.Q8_0.RowBytes(numbers.Length)];
        WeightConversion.Widen(type, blocks, wide);
        float[] read = new float[numbers.Length];
        WeightConversion.Decode(WeightType.Q8_0, wide, read);
        if (type is WeightType.Q5_0 or WeightType.IQ4_NL)
        {
            read.ShouldBe(numbers);
            return;
        }
        for (int block = 0; block < read.Length; block += WeightTypes.BlockSize)
        {
            float largest = numbers.Skip(block).Take(WeightTypes.BlockSize).Max(Math.Abs);
            // half a step, and the rounding of the scale to half precision
            for (int at = block; at < block + WeightTypes.BlockSize; at++)
                Math.Abs(read[at] - numbers[at]).ShouldBeLessThanOrEqualTo(largest * (0.5f / 127 + 0.0005f));
        }
    }

    [Fact]
    public void Weights_that_are_not_finite_are_found_without_decoding()
    {
        var random = new Random(9);
        byte[] row = new byte[1024];
        float[] decoded = new float[256];
        int finite = 0;
        foreach (WeightType type in Enum.GetValues<WeightType>())
        {
            for (int i = 0; i < 200; i++)
            {
                Span<byte> bytes = row.AsSpan(0, (int)type.RowBytes(256));
                random.NextBytes(bytes);
                if (type is WeightType.F32 or WeightType.F16 or WeightType.BF16)
                    bytes[(i % 2)..^2].Clear(); // otherwise one of 256 is always infinite
                WeightConversion.Decode(type, bytes, decoded);
                bool isFinite = Array.TrueForAll(decoded, float.IsFinite);
                WeightConversion.AreFinite(type, bytes).ShouldBe(isFinite, $"{type}");
                finite += isFinite ? 1 : 0;
            }
        }
        finite.ShouldBeInRange(500, 3300); // both cases occur
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Weights_are_rounded_as_near_as_by_llama_cpp(WeightType type)
    {
        (byte[] blocks, float[] numbers) = Read(type);
        float[] weights = Floats(Golden["weights"]!), decoded = new float[weights.Length];
        byte[] ours = new byte[type.RowBytes(weights.Length)];
        WeightConversion.Encode(type, weights, ours);
        WeightConversion.Decode(type, ours, decoded);
        Error(decoded).ShouldBeInRange(1e-8, 1.001 * Error(numbers));
        blocks.Length.ShouldBeGreaterThanOrEqualTo(ours.Length);
        WeightNames.Parse(type.ToString().ToLowerInvariant()).ShouldBe(type);

        double Error(float[] rounded) => weights.Zip(rounded, (w, r) => (double)(w - r) * (w - r)).Sum();
    }

    [Fact]
    public unsafe void Ten_thousand_spoiled_files_are_refused_or_read()
    {
        const int count = 10_000;
        string path = Path.Combine(_folder, "blocks.gguf");
        GgufTensor[] tensors = [.. Errors.Keys.Select(type => new GgufTensor($"{type}", type, [2, 256]))];
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

    [Theory]
    [MemberData(nameof(Types))]
    public void A_model_is_exported_with_its_bytes_or_as_it_is_in_memory(WeightType type)
    {
        const int width = 256;
        ConfigFile config = TinyModelFiles.WriteLlama(_folder, new(2, 1, 128, width, 1));
        string plain = Path.Combine(_folder, "plain.gguf"), source = Path.Combine(_folder, "source.gguf"),
            copy = Path.Combine(_folder, "copy.gguf"), bytes = Path.Combine(_folder, "bytes.gguf");
        using (ModelWeights weights = ModelWeights.Open(_folder, config))
            ModelWriter.WriteGguf(plain, weights, config, new ByteTokenizer(), new TextBounds(256, [256]));
        byte[] row = Read(type).Blocks[..(int)type.RowBytes(width)];
        WriteQuantised(plain, source, type, row);
        using (ModelWeights weights = ModelWeights.FromGguf(GgufFile.Open(source)))
        {
            ModelWriter.WriteGguf(copy, weights, config, new ByteTokenizer(), new TextBounds(256, [256]));
            ModelWriter.WriteGguf(bytes, weights, config, new ByteTokenizer(), new TextBounds(256, [256]),
                WeightType.Q8_0);
        }
        byte[] inMemory = new byte[WeightType.Q8_0.RowBytes(width)];
        WeightConversion.Widen(type, row, inMemory);
        using GgufFile copied = GgufFile.Open(copy), widened = GgufFile.Open(bytes);
        copied.Tensors.Count(t => t.Shape.Count > 1).ShouldBe(9);
        foreach (GgufTensor tensor in copied.Tensors.Where(t => t.Shape.Count > 1))
        {
            tensor.Type.ShouldBe(type);
            Bytes(copied, tensor).Chunk(row.Length).ShouldAllBe(one => one.SequenceEqual(row));
            GgufTensor wide = widened.Find(tensor.Name)!;
            wide.Type.ShouldBe(WeightType.Q8_0);
            Bytes(widened, wide).Chunk(inMemory.Length).ShouldAllBe(one => one.SequenceEqual(inMemory));
        }
    }

    /// <summary>Writes a model again, with the same quantised row in all rows of its matrices.</summary>
    private static void WriteQuantised(string plain, string path, WeightType type, byte[] row)
    {
        using GgufFile file = GgufFile.Open(plain);
        var metadata = new GgufMetadata("llama");
        foreach (string key in (string[])["llama.attention.head_count", "llama.attention.head_count_kv"])
            metadata.Add(key, file.Integer(key));
        GgufWriter.Write(path, metadata,
            [.. file.Tensors.Select(tensor => tensor.Shape.Count > 1 ? tensor with { Type = type } : tensor)],
            (tensor, stream) =>
            {
                if (tensor.Shape.Count == 1)
                    stream.Write(Bytes(file, tensor));
                for (long i = 0; tensor.Shape.Count > 1 && i < tensor.Shape[0]; i++)
                    stream.Write(row);
            });
    }

    private static unsafe byte[] Bytes(GgufFile file, GgufTensor tensor) =>
        new ReadOnlySpan<byte>(file.Pointer(tensor.Name), (int)tensor.ByteCount).ToArray();

    private static (byte[] Blocks, float[] Numbers) Read(WeightType type)
    {
        JsonNode node = Golden["golden"]!.AsArray().Single(n => (string?)n!["type"] == type.ToString())!;
        return (Convert.FromBase64String((string)node["blocks"]!), Floats(node["numbers"]!));
    }

    private static float[] Floats(JsonNode node) =>
        MemoryMarshal.Cast<byte, float>(Convert.FromBase64String((string)node!)).ToArray();
}
