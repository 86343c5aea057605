using System.Text.Json;
using Atelier.Formats;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

/// <summary>
/// A small network of Hugging Face's modeling code with the numbers that it computed. The file says how it was made;
/// its weights come from a formula, which is repeated here.
/// </summary>
internal sealed class GoldenNetwork
{
    private readonly JsonElement _root;

    public GoldenNetwork(string name)
    {
        Path = System.IO.Path.Combine(AppContext.BaseDirectory, "Golden", name + ".json");
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path));
        _root = document.RootElement.Clone();
    }

    public string Path { get; }

    public ConfigFile Config => new(Path, _root.GetProperty("config"));

    /// <summary>The weights under the names of the file, in the caller's dispose scope.</summary>
    public Dictionary<string, Tensor> Tensors() => _root.GetProperty("tensors").EnumerateObject().ToDictionary(
        entry => entry.Name,
        entry => Weights(entry.Name, [.. entry.Value.EnumerateArray().Select(size => size.GetInt64())]));

    /// <summary>Ids or masks of an input, [batch, time].</summary>
    public Tensor Input(string name)
    {
        long[][] rows = [.. _root.GetProperty("inputs").GetProperty(name).EnumerateArray()
            .Select(row => row.EnumerateArray().Select(id => id.GetInt64()).ToArray())];
        return tensor(rows.SelectMany(row => row).ToArray(), rows.Length, rows[0].Length);
    }

    /// <summary>An output, as nested arrays.</summary>
    public JsonElement Output(string name) => _root.GetProperty("outputs").GetProperty(name);

    /// <summary>Checks an output where its row is not padding.</summary>
    /// <param name="name">The name of the output.</param>
    /// <param name="actual">[batch, …, width].</param>
    /// <param name="counts">Whether a position counts, [batch, time]; null for all.</param>
    public void ShouldEqual(string name, Tensor actual, Tensor? counts = null)
    {
        var expected = new List<double>();
        Collect(Output(name), expected);
        float[] values = actual.to(ScalarType.Float32).contiguous().data<float>().ToArray();
        long[]? mask = counts?.contiguous().data<long>().ToArray();
        values.Length.ShouldBe(expected.Count);
        int width = (int)actual.shape[^1];
        for (int i = 0; i < values.Length; i++)
        {
            if (mask is null || mask[i / width] != 0)
                ((double)values[i]).ShouldBe(expected[i], 1e-4 * Math.Max(1, Math.Abs(expected[i])), $"{name}[{i}]");
        }
    }

    private static void Collect(JsonElement element, List<double> values)
    {
        if (element.ValueKind == JsonValueKind.Number)
            values.Add(element.GetDouble());
        else
            foreach (JsonElement item in element.EnumerateArray())
                Collect(item, values);
    }

    private static Tensor Weights(string name, long[] shape)
    {
        long hash = name.Select((c, k) => (k + 1L) * c).Sum() % 1000;
        bool isNorm = name.Contains("norm", StringComparison.OrdinalIgnoreCase)
            && name.EndsWith(".weight", StringComparison.Ordinal);
        long count = shape.Aggregate(1L, (product, size) => product * size);
        float[] values = new float[count];
        for (long i = 0; i < count; i++)
            values[i] = (float)((0.3 * Math.Sin((0.37 * i) + (0.001 * i * i) + (hash / 100.0))) + (isNorm ? 1 : 0));
        return tensor(values, shape);
    }
}
