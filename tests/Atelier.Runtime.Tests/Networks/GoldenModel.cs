using System.Runtime.InteropServices;
using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Runtime.Tests.Networks;

/// <summary>
/// A small network of Hugging Face's modeling code with the numbers that it computed, written as a model's folder. Its
/// file says how it was made; its weights come from a formula, which is repeated here.
/// </summary>
internal sealed class GoldenModel
{
    private readonly JsonElement _root;

    public GoldenModel(string name)
    {
        using var document = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", name + ".json")));
        _root = document.RootElement.Clone();
    }

    /// <summary>The inputs without their padding.</summary>
    public int[][] Input(string name)
    {
        int[][] masks = Rows("attention_mask");
        return [.. Rows(name).Select((row, i) => name == "decoder_input_ids" ? row : row[..masks[i].Sum()])];

        int[][] Rows(string name) => [.. _root.GetProperty("inputs").GetProperty(name).EnumerateArray()
            .Select(row => row.EnumerateArray().Select(id => id.GetInt32()).ToArray())];
    }

    /// <summary>The logits at a position of a sequence.</summary>
    public double[] Logits(int sequence, int position) =>
        [.. _root.GetProperty("outputs").GetProperty("logits")[sequence][position].EnumerateArray()
            .Select(value => value.GetDouble())];

    /// <summary>Writes config.json and model.safetensors.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="left">A tensor to leave out.</param>
    /// <param name="added">A tensor to add.</param>
    public void Write(string folder, string? left = null, string? added = null)
    {
        File.WriteAllText(Path.Combine(folder, "config.json"), _root.GetProperty("config").GetRawText());
        List<SafetensorsEntry> entries = [.. _root.GetProperty("tensors").EnumerateObject()
            .Where(entry => entry.Name != left)
            .Select(entry => new SafetensorsEntry(entry.Name, SafetensorsType.F32,
                [.. entry.Value.EnumerateArray().Select(size => size.GetInt64())]))];
        if (added is not null)
            entries.Add(new(added, SafetensorsType.F32, [2, 2]));
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"),
            [.. entries.OrderBy(entry => entry.Name, StringComparer.Ordinal)],
            (entry, stream) => stream.Write(MemoryMarshal.AsBytes<float>(Weights(entry))));
    }

    private static float[] Weights(SafetensorsEntry entry)
    {
        long hash = entry.Name.Select((c, k) => (k + 1L) * c).Sum() % 1000;
        bool isNorm = entry.Name.Contains("norm", StringComparison.OrdinalIgnoreCase)
            && entry.Name.EndsWith(".weight", StringComparison.Ordinal);
        return [.. Enumerable.Range(0, (int)(entry.ByteCount / sizeof(float))).Select(i => (float)(
            (0.3 * Math.Sin((0.37 * i) + (0.001 * i * i) + (hash / 100.0))) + (isNorm ? 1 : 0)))];
    }
}
