using System.Text.Json;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Kernels;
using Atelier.Networks;

namespace Atelier.Benchmarks;

/// <summary>
/// A random Llama of 134 million weights in a GGUF file, which is written once and kept, opened for use.
/// </summary>
internal sealed class RandomLlama : IDisposable
{
    public const int Vocabulary = 32_000;
    private const int Hidden = 768, Inner = 2048, Layers = 12, Heads = 12;

    public RandomLlama(WeightType type)
        : this(Written(type))
    {
    }

    /// <summary>Opens the model that llama.cpp quantised.</summary>
    public RandomLlama(string path)
    {
        Path = path;
        GgufFile file = GgufFile.Open(Path);
        using var shape = JsonDocument.Parse(GgufConfig.ToHuggingFace(file).ToJsonString());
        (DecoderConfig config, DecoderWeights weights) =
            DecoderWeightsFile.Take(new ConfigFile(Path, shape.RootElement.Clone()), ModelWeights.FromGguf(file));
        Decoder = new Decoder(config, weights);
        Bytes = weights.Products().Sum(p => (double)p.Weight.ByteCount); // the head is one of them: it is not tied
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The model.</summary>
    public Decoder Decoder { get; }

    /// <summary>Bytes of weights that a step reads.</summary>
    public double Bytes { get; }

    /// <inheritdoc/>
    public void Dispose() => Decoder.Dispose();

    /// <summary>Adds a vocabulary of SentencePiece's kind: control tokens, bytes, and words.</summary>
    private static void AddVocabulary(GgufMetadata metadata)
    {
        const int bytes = 256, normal = 1, unknown = 2, control = 3, @byte = 6;
        string[] tokens =
        [
            "<unk>", "<s>", "</s>", .. Enumerable.Range(0, bytes).Select(value => $"<0x{value:X2}>"),
            .. Enumerable.Range(0, Vocabulary - bytes - 3).Select(number => $"\u2581w{number}"),
        ];
        metadata.Add("tokenizer.ggml.model", "llama");
        metadata.Add("tokenizer.ggml.tokens", tokens);
        metadata.Add("tokenizer.ggml.scores", new float[tokens.Length]);
        metadata.Add("tokenizer.ggml.token_type", (int[])
            [unknown, control, control, .. Enumerable.Repeat(@byte, bytes),
                .. Enumerable.Repeat(normal, tokens.Length - bytes - 3)]);
        metadata.Add("tokenizer.ggml.bos_token_id", 1L);
        metadata.Add("tokenizer.ggml.eos_token_id", 2L);
    }

    private static string Written(WeightType type)
    {
        string path = System.IO.Path.Combine(System.IO.Path.GetTempPath(),
            $"atelier-llama-134m-words-{Environment.UserName}-{type}.gguf");
        if (!File.Exists(path))
            Write(path, type);
        return path;
    }

    private static void Write(string path, WeightType type)
    {
        var metadata = new GgufMetadata("llama");
        foreach ((string key, long value) in ((string, long)[])
        [
            ("llama.block_count", Layers), ("llama.context_length", 2048), ("llama.embedding_length", Hidden),
                ("llama.feed_forward_length", Inner),
            ("llama.attention.head_count", Heads), ("llama.attention.head_count_kv", Heads),
                ("llama.rope.dimension_count", Hidden / Heads), ("llama.vocab_size", Vocabulary),
        ])
            metadata.Add(key, value);
        metadata.Add("llama.attention.layer_norm_rms_epsilon", 1e-5);
        AddVocabulary(metadata);
        var tensors = new List<GgufTensor> { new("token_embd.weight", type, [Vocabulary, Hidden]),
            new("output_norm.weight", WeightType.F32, [Hidden]), new("output.weight", type, [Vocabulary, Hidden]) };
        for (int layer = 0; layer < Layers; layer++)
        {
            foreach ((string name, long rows, long columns) in ((string, long, long)[])
            [
                ("attn_q", Hidden, Hidden), ("attn_k", Hidden, Hidden), ("attn_v", Hidden, Hidden),
                    ("attn_output", Hidden, Hidden),
                ("ffn_gate", Inner, Hidden), ("ffn_up", Inner, Hidden), ("ffn_down", Hidden, Inner),
            ])
                tensors.Add(new($"blk.{layer}.{name}.weight", type, [rows, columns]));
            tensors.Add(new($"blk.{layer}.attn_norm.weight", WeightType.F32, [Hidden]));
            tensors.Add(new($"blk.{layer}.ffn_norm.weight", WeightType.F32, [Hidden]));
        }
        var random = new Random(1);
        GgufWriter.Write(path, metadata, tensors, (tensor, stream) =>
        {
            bool isNorm = tensor.Shape.Count == 1;
            float[] row = new float[tensor.Shape[^1]];
            byte[] bytes = new byte[(isNorm ? WeightType.F32 : type).RowBytes(row.Length)];
            for (long r = 0; r < (isNorm ? 1 : tensor.Shape[0]); r++)
            {
                for (int i = 0; i < row.Length; i++)
                    row[i] = isNorm ? 1 : (random.NextSingle() - 0.5f) * 0.07f;
                WeightConversion.Encode(isNorm ? WeightType.F32 : type, row, bytes);
                stream.Write(bytes);
            }
        });
    }
}
