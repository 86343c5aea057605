using System.IO.Compression;
using System.Runtime.InteropServices;
using Atelier.Formats;
using Atelier.Tokenizers;

namespace Atelier.Benchmarks;

/// <summary>
/// A random encoder-decoder in Marian's files with a vocabulary of Multi30k, which is written once and kept. Its bias
/// excludes the end token, so that all of its translations have the length that is allowed.
/// </summary>
internal static class RandomMarian
{
    /// <summary>The shape of a network.</summary>
    /// <param name="Layers">Number of layers of the encoder, and of the decoder.</param>
    /// <param name="Hidden">The width.</param>
    /// <param name="Heads">Number of heads.</param>
    /// <param name="Inner">The inner width of the feed-forward layers.</param>
    public sealed record Shape(int Layers, int Hidden, int Heads, int Inner);

    /// <summary>Number of tokens of a translation: about the mean of Multi30k's German sentences.</summary>
    public const int Length = 16;

    private const int Vocabulary = 8000;

    /// <summary>Returns the folder of a network, which is written if it does not exist.</summary>
    public static string Folder(Shape shape)
    {
        string folder = Path.Combine(Path.GetTempPath(), $"atelier-marian-{Environment.UserName}-{shape.Hidden}");
        string config = Path.Combine(folder, "config.json");
        if (File.Exists(config))
            return folder;
        Directory.CreateDirectory(folder);
        BpeTokenizer tokenizer = BpeTokenizer.Train(Lines("en").Concat(Lines("de")), Vocabulary);
        tokenizer.Save(Path.Combine(folder, "tokenizer.json"));
        int size = tokenizer.VocabularySize, end = tokenizer.EndOfTextId!.Value;
        WriteWeights(Path.Combine(folder, "model.safetensors"), shape, size, end);
        File.WriteAllText(config, $$"""
            {"model_type": "marian", "architectures": ["MarianMTModel"], "is_encoder_decoder": true,
            "vocab_size": {{size}}, "decoder_vocab_size": {{size}}, "share_encoder_decoder_embeddings": true,
            "d_model": {{shape.Hidden}}, "encoder_layers": {{shape.Layers}}, "decoder_layers": {{shape.Layers}},
            "encoder_attention_heads": {{shape.Heads}}, "decoder_attention_heads": {{shape.Heads}},
            "encoder_ffn_dim": {{shape.Inner}}, "decoder_ffn_dim": {{shape.Inner}}, "max_position_embeddings": 128,
            "activation_function": "relu", "scale_embedding": true, "tie_word_embeddings": true,
            "pad_token_id": {{end}}, "eos_token_id": {{end}}, "decoder_start_token_id": {{end}} }
            """);
        return folder;
    }

    private static IEnumerable<string> Lines(string language)
    {
        using var lines = new StreamReader(new GZipStream(File.OpenRead(
            BenchmarkData.Find("multi30k", $"train.lc.norm.tok.{language}.gz")), CompressionMode.Decompress));
        while (lines.ReadLine() is { } line)
            yield return line;
    }

    private static void WriteWeights(string path, Shape shape, int vocabulary, int end)
    {
        int hidden = shape.Hidden;
        List<SafetensorsEntry> entries =
            [Entry("final_logits_bias", 1, vocabulary), Entry("model.shared.weight", vocabulary, hidden)];
        foreach (string side in (string[])["encoder", "decoder"])
        {
            for (int layer = 0; layer < shape.Layers; layer++)
            {
                string at = $"model.{side}.layers.{layer}.";
                string[] attentions = side == "encoder" ? ["self_attn"] : ["self_attn", "encoder_attn"];
                foreach (string attention in attentions)
                {
                    foreach (string part in (string[])["q_proj", "k_proj", "v_proj", "out_proj"])
                        Linear($"{at}{attention}.{part}", hidden, hidden);
                    Vectors($"{at}{attention}_layer_norm", hidden);
                }
                Linear(at + "fc1", shape.Inner, hidden);
                Linear(at + "fc2", hidden, shape.Inner);
                Vectors(at + "final_layer_norm", hidden);
            }
        }
        var random = new Random(1);
        SafetensorsWriter.Write(path, [.. entries.OrderBy(e => e.Name, StringComparer.Ordinal)], (entry, stream) =>
        {
            float[] values = new float[entry.ByteCount / sizeof(float)];
            if (entry.Name == "final_logits_bias")
                values[end] = -1e4f;
            else if (entry.Shape.Count == 1)
                Array.Fill(values, entry.Name.EndsWith("norm.weight", StringComparison.Ordinal) ? 1 : 0);
            else
                Fill(values, entry.Name == "model.shared.weight" ? Math.Sqrt(3.0 / hidden)
                    : Math.Sqrt(6.0 / (entry.Shape[0] + entry.Shape[1])));
            stream.Write(MemoryMarshal.AsBytes<float>(values));
        });

        void Linear(string name, int rows, int columns)
        {
            entries.Add(Entry(name + ".weight", rows, columns));
            entries.Add(Entry(name + ".bias", rows));
        }

        void Vectors(string name, int size) =>
            entries.AddRange([Entry(name + ".weight", size), Entry(name + ".bias", size)]);

        void Fill(float[] values, double bound)
        {
            foreach (ref float value in values.AsSpan())
                value = (float)((2 * random.NextDouble() - 1) * bound);
        }

        static SafetensorsEntry Entry(string name, params long[] sizes) => new(name, SafetensorsType.F32, sizes);
    }
}
