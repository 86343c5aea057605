using System.Text.Json;
using System.Text.Json.Serialization;
using Atelier.Formats;
using TorchSharp;

namespace Atelier.Tensors;

/// <summary>The verdicts of earlier checks, in a file beside the execution plans: another machine, build or setting checks anew.</summary>
/// <param name="home">The folder that keeps it.</param>
/// <param name="setting">Which paths operators take.</param>
/// <param name="caches">What oneDNN takes for the sizes of the caches.</param>
internal sealed class KeptVerdicts(string home, OperatorSetting setting, CacheSizes caches)
{
    private const string FileName = "checked-operators.json";
    private const int MostKept = 24;

    // They choose what the tensor library's operators are made of.
    private static readonly string[] Variables = ["DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "ONEDNN_DEFAULT_FPMATH_MODE"];
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private readonly string _path = Path.Combine(home, FileName);
    private readonly string _key = Key(setting, caches);

    /// <summary>The verdicts of this machine, or null where there are none.</summary>
    public IReadOnlyList<OperatorVerdict>? Find() => Read().FindLast(entry => entry.Key == _key)?.Verdicts;

    /// <summary>Keeps verdicts; a folder that cannot be written to keeps none, and the next process checks again.</summary>
    public void Keep(IReadOnlyList<OperatorVerdict> verdicts)
    {
        IEnumerable<Entry> others = Read().Where(entry => entry.Key != _key);
        try
        {
            Directory.CreateDirectory(home);
            AtomicFile.WriteText(_path, JsonSerializer.Serialize(others.Append(new Entry(_key, verdicts)).TakeLast(MostKept), Json));
        }
        catch (Exception e) when (e is AtelierException or IOException or UnauthorizedAccessException)
        {
            System.Diagnostics.Trace.TraceWarning($"the check of the tensor library's operators cannot be kept: {e.Message}");
        }
    }

    private static string Key(OperatorSetting setting, CacheSizes caches)
    {
        string variables = string.Concat(Variables.Select(name => (name, Value: Environment.GetEnvironmentVariable(name)))
            .Where(v => v.Value is not null).Select(v => $", {v.name}={v.Value}"));
        return $"{Machine.Processor} {Machine.Signature}, {Environment.ProcessorCount} cores, caches {caches}, {setting}{variables}, "
            + $"libtorch {torch.__version__} of {new FileInfo(OneDnn.Library().Path).Length} bytes, Atelier {typeof(KeptVerdicts).Module.ModuleVersionId}";
    }

    /// <summary>What the file holds; nothing where it is not there or was damaged, and then is written anew.</summary>
    private List<Entry> Read()
    {
        try
        {
            return File.Exists(_path) ? JsonSerializer.Deserialize<List<Entry>>(File.ReadAllBytes(_path), Json) ?? [] : [];
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private sealed record Entry(string Key, IReadOnlyList<OperatorVerdict> Verdicts);
}
