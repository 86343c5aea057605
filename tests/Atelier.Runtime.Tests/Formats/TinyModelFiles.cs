using System.Globalization;
using Atelier.Formats;

namespace Atelier.Runtime.Tests.Formats;

/// <summary>Models of a few thousand drawn weights, as Hugging Face's tools save them.</summary>
internal static class TinyModelFiles
{
    /// <summary>The sizes of a Llama.</summary>
    public sealed record Llama(int Heads, int KeyHeads, int HeadSize, int Inner, int Layers, int Vocabulary = 257,
        int? Hidden = null, string Scaling = "null")
    {
        public int Width => Hidden ?? Heads * HeadSize;
    }

    /// <summary>Writes model.safetensors and config.json into a folder.</summary>
    public static ConfigFile WriteLlama(string folder, Llama shape, int seed = 1)
    {
        int width = shape.Width, queries = shape.Heads * shape.HeadSize, keys = shape.KeyHeads * shape.HeadSize,
            inner = shape.Inner;
        List<SafetensorsEntry> entries =
            [Entry("model.embed_tokens.weight", shape.Vocabulary, width), Entry("model.norm.weight", width),
                Entry("lm_head.weight", shape.Vocabulary, width)];
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            string block = $"model.layers.{layer}.";
            entries.AddRange(
            [
                Entry(block + "input_layernorm.weight", width), Entry(block + "post_attention_layernorm.weight", width),
                Entry(block + "self_attn.q_proj.weight", queries, width),
                    Entry(block + "self_attn.k_proj.weight", keys, width),
                Entry(block + "self_attn.v_proj.weight", keys, width),
                    Entry(block + "self_attn.o_proj.weight", width, queries),
                Entry(block + "mlp.gate_proj.weight", inner, width), Entry(block + "mlp.up_proj.weight", inner, width),
                    Entry(block + "mlp.down_proj.weight", width, inner),
            ]);
        }
        WriteWeights(Path.Combine(folder, "model.safetensors"), entries, seed);
        string config = Path.Combine(folder, "config.json");
        File.WriteAllText(config, string.Create(CultureInfo.InvariantCulture, $$"""
            {"model_type":"llama","vocab_size":{{shape.Vocabulary}},"hidden_size":{{width}},"intermediate_size":{{inner}},"num_hidden_layers":{{shape.Layers}},
            "num_attention_heads":{{shape.Heads}},"num_key_value_heads":{{shape.KeyHeads}},"head_dim":{{shape.HeadSize}},"max_position_embeddings":256,
            "rms_norm_eps":1e-5,"rope_theta":10000.0,"rope_scaling":{{shape.Scaling}},"tie_word_embeddings":false}
            """));
        return ConfigFile.Read(config);
    }

    /// <summary>Writes drawn weights between −1 and 1.</summary>
    public static void WriteWeights(string path, IEnumerable<SafetensorsEntry> entries, int seed)
    {
        var random = new Random(seed);
        SafetensorsWriter.Write(path, [.. entries.OrderBy(e => e.Name, StringComparer.Ordinal)], (entry, stream) =>
        {
            float[] values = [.. Enumerable.Range(0, (int)(entry.ByteCount / sizeof(float)))
                .Select(_ => (float)((random.NextDouble() * 2) - 1))];
            stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));
        }, new Dictionary<string, string> { ["format"] = "pt" });
    }

    private static SafetensorsEntry Entry(string name, params long[] shape) => new(name, SafetensorsType.F32, shape);
}
