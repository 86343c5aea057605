using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests;

/// <summary>A model that is larger than the machine's memory.</summary>
public sealed class LargeModelTests : IDisposable
{
    private const int Positions = 1 << 24, Layers = 4;
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>
    /// The file has holes for weights, which read as zeros and take no room on the disk. Nearly all of it is the table
    /// of learned positions, of which a text reads a row a token; the layers are read whole.
    /// </summary>
    [Fact]
    public void A_model_larger_than_the_memory_opens_and_writes_from_its_mapped_file()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("files with holes must be asked for on Windows");
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        int width = (int)(memory / sizeof(float) / Positions / 64 + 1) * 64;
        string path = Path.Combine(_folder, "large.gguf");
        try
        {
            Write(path, width);
        }
        catch (AtelierException e)
        {
            Assert.Skip($"the file system has no files with holes of this size: {e.Message}");
        }
        long size = new FileInfo(path).Length;
        size.ShouldBeGreaterThan(memory);

        long before = Environment.WorkingSet;
        using TextGenerator generator = TextModelFile.Open(path);
        TextSample sample =
            generator.GenerateAsync(new() { Prompt = "ab", Decoding = new() { Temperature = 0, MaxTokens = 1 } })
            .ToBlockingEnumerable().Single();
        // Weights of zero leave all tokens alike.
        sample.Tokens.Single().LogProbability.ShouldBe((float)-Math.Log(generator.Tokenizer.VocabularySize), 1e-5f);
        (Environment.WorkingSet - before).ShouldBeLessThan(size / 20);
    }

    private static void Write(string path, int width)
    {
        CharacterTokenizer tokenizer = CharacterTokenizer.Train(["abcdefgh"], byteFallback: false);
        int vocabulary = tokenizer.VocabularySize;
        JsonElement config = JsonDocument.Parse($$"""
            {"model_type":"gpt2","vocab_size":{{vocabulary}},"n_positions":{{Positions}},"n_embd":{{width}},
             "n_layer":{{Layers}},"n_head":{{width / 64}}}
            """).RootElement;
        var metadata = new GgufMetadata("gpt2");
        GgufConfig.Write(metadata, new ConfigFile("config.json", config));
        GgufTokenizer.Write(metadata, tokenizer, TextBounds.Of(tokenizer, 0));
        List<GgufTensor> tensors = [Holes("token_embd.weight", vocabulary, width),
            Holes("position_embd.weight", Positions, width), .. Norm("output_norm", width)];
        for (int layer = 0; layer < Layers; layer++)
        {
            string block = $"blk.{layer}.";
            tensors.AddRange(
            [
                .. Norm(block + "attn_norm", width), .. Norm(block + "ffn_norm", width),
                .. Linear(block + "attn_qkv", 3 * width, width), .. Linear(block + "attn_output", width, width),
                .. Linear(block + "ffn_up", 4 * width, width), .. Linear(block + "ffn_down", width, 4 * width),
            ]);
        }
        GgufWriter.Write(path, metadata, tensors, (tensor, stream) =>
        {
            stream.SetLength(stream.Position + tensor.ByteCount);
            stream.Position += tensor.ByteCount;
        });
    }

    private static GgufTensor[] Norm(string name, long size) =>
        [Holes(name + ".weight", size), Holes(name + ".bias", size)];

    private static GgufTensor[] Linear(string name, long rows, long columns) =>
        [Holes(name + ".weight", rows, columns), Holes(name + ".bias", rows)];

    private static GgufTensor Holes(string name, params long[] shape) => new(name, WeightType.F32, shape);
}
