using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Atelier.Formats;
using TorchSharp;

namespace Atelier.Tensors;

/// <summary>
/// Stores the verdicts of earlier checks in a file. They apply only to the same machine, build and setting; others are
/// checked again.
/// </summary>
/// <param name="home">The folder of the file.</param>
/// <param name="setting">The paths that operators take.</param>
/// <param name="caches">The cache sizes that oneDNN assumes.</param>
internal sealed class KeptVerdicts(string home, OperatorSetting setting, CacheSizes caches)
{
    private const string FileName = "checked-operators.json";
    private const int MostKept = 24;

    // These variables change which instructions the tensor library's operators use.
    private static readonly string[] Variables =
        ["DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "ONEDNN_DEFAULT_FPMATH_MODE"];

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private readonly string _path = Path.Combine(home, FileName);
    private readonly string _key = Key(setting, caches);

    /// <summary>Returns the stored verdicts of this machine, build and setting; null if there are none.</summary>
    public IReadOnlyList<OperatorVerdict>? Find() => Read().FindLast(entry => entry.Key == _key)?.Verdicts;

    /// <summary>Stores verdicts. If the folder cannot be written to, the next process checks again.</summary>
    public void Keep(IReadOnlyList<OperatorVerdict> verdicts)
    {
        IEnumerable<Entry> others = Read().Where(entry => entry.Key != _key);
        try
        {
            Directory.CreateDirectory(home);
            IEnumerable<Entry> all = others.Append(new Entry(_key, verdicts)).TakeLast(MostKept);
            AtomicFile.WriteText(_path, JsonSerializer.Serialize(all, Json));
        }
        catch (Exception e) when (e is AtelierException or IOException or UnauthorizedAccessException)
        {
            Trace.TraceWarning($"the results of the operator check could not be saved: {e.Message}");
        }
    }

    private static string Key(OperatorSetting setting, CacheSizes caches)
    {
        IEnumerable<string> variables =
            Variables.Select(name => $", {name}={Environment.GetEnvironmentVariable(name)}");
        long size = new FileInfo(LibTorch.File().Path).Length;
        return $"{Machine.Processor} {Machine.Signature}, {Environment.ProcessorCount} cores, caches "
            + $"{caches}, {setting}, libtorch {torch.__version__} of {size} bytes{string.Concat(variables)}, "
            + $"Atelier {typeof(KeptVerdicts).Module.ModuleVersionId}";
    }

    /// <summary>Reads the file; an absent or damaged file counts as empty and is replaced by the next write.</summary>
    private List<Entry> Read()
    {
        try
        {
            byte[] bytes = File.Exists(_path) ? File.ReadAllBytes(_path) : "[]"u8.ToArray();
            return JsonSerializer.Deserialize<List<Entry>>(bytes, Json) ?? [];
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private sealed record Entry(string Key, IReadOnlyList<OperatorVerdict> Verdicts);
}
