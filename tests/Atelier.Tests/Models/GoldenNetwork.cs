using System.Text.Json;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

/// <summary>
/// A network whose outputs were computed by someone else's code: the configuration, weights by a formula, inputs and
/// outputs, in a file of the folder Golden, whose key "made" tells how.
/// </summary>
internal sealed class GoldenNetwork : IDisposable
{
    private readonly JsonDocument _file;
    private readonly TemporaryFolder _folder = new();

    /// <summary>Opens a file, and writes the network as a bundle.</summary>
    public GoldenNetwork(string name)
    {
        _file = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(Repository.Folder, "tests", "Atelier.Tests", "Golden", name + ".json")));
        _folder.Write("config.json", Root.GetProperty("config").GetRawText());
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = Root.GetProperty("tensors").EnumerateObject().ToDictionary(t => t.Name,
            t => tensor(Values(t.Name, [.. t.Value.EnumerateArray().Select(size => size.GetInt32())]))
                .reshape([.. t.Value.EnumerateArray().Select(size => size.GetInt64())]));
        TensorFiles.Write(_folder["model.safetensors"], tensors, new Dictionary<string, string>());
        JsonElement example = Root.GetProperty("example");
        ((double)tensors[example.GetProperty("tensor").GetString()!].view(-1)[example.GetProperty("index").GetInt64()]
            .ToSingle()).ShouldBe(example.GetProperty("value").GetDouble(), 1e-6);
        Bundle = Bundle.Open(_folder.Path);
    }

    /// <summary>The network as a bundle without a tokenizer.</summary>
    public Bundle Bundle { get; }

    private JsonElement Root => _file.RootElement;

    /// <summary>An input, [rows, columns], int64; null if there is none.</summary>
    public Tensor? Input(string name) => Root.GetProperty("inputs").TryGetProperty(name, out JsonElement rows)
        ? tensor(rows.EnumerateArray().SelectMany(row => row.EnumerateArray()).Select(v => v.GetInt64()).ToArray(),
            rows.GetArrayLength(), rows[0].GetArrayLength())
        : null;

    /// <summary>The numbers of an output, row by row.</summary>
    public float[] Output(string name) => [.. Numbers(Root.GetProperty("outputs").GetProperty(name))];

    public void Dispose()
    {
        _file.Dispose();
        _folder.Dispose();
    }

    private static IEnumerable<float> Numbers(JsonElement value) => value.ValueKind == JsonValueKind.Array
        ? value.EnumerateArray().SelectMany(Numbers) : [value.GetSingle()];

    private static float[] Values(string name, int[] shape)
    {
        double start = name.Select((c, k) => (k + 1) * (long)c).Sum() % 1000 / 100.0;
        bool isNorm = name.Contains("norm", StringComparison.OrdinalIgnoreCase)
            && name.EndsWith(".weight", StringComparison.Ordinal);
        return [.. Enumerable.Range(0, shape.Aggregate(1, (product, size) => product * size)).Select(i =>
            (float)((isNorm ? 1 : 0) + (0.3 * Math.Sin((0.37 * i) + (0.001 * i * i) + start))))];
    }
}
