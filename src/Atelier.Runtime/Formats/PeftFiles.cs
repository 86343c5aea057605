using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Kernels;

namespace Atelier.Formats;

/// <summary>
/// Reads and writes adapters in the files of Hugging Face's PEFT library: adapter_config.json and
/// adapter_model.safetensors.
/// </summary>
public static class PeftFiles
{
    /// <summary>The name of the file with the settings.</summary>
    public const string ConfigName = "adapter_config.json";

    /// <summary>The name of the file with the matrices.</summary>
    public const string WeightsName = "adapter_model.safetensors";

    private const string Prefix = "base_model.model.", A = ".lora_A.weight", B = ".lora_B.weight",
        Magnitude = ".lora_magnitude_vector";

    private const string Hint = "save the adapter with PEFT again";

    // The names of the tensors say which layers an adapter changes; how its matrices were initialised does not matter,
    // except for methods that also change the weights of the model.
    private static readonly KnownKeys Keys = new(
        ["r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "fan_in_fan_out", "target_modules", "task_type",
            "base_model_name_or_path"],
        ["auto_mapping", "revision", "inference_mode", "peft_version", "exclude_modules", "layers_to_transform",
            "layers_pattern", "megatron_core", "qalora_group_size", "runtime_config", "loftq_config", "eva_config",
            "corda_config", "lora_ga_config"],
        ("peft_type", ["\"LORA\""]), ("bias", ["\"none\""]),
        ("init_lora_weights", ["true", "false", "\"gaussian\"", "\"eva\"", "\"orthogonal\""]));

    /// <summary>Reads an adapter. A setting that would change its result and is not supported is refused.</summary>
    /// <param name="folder">The folder with both files.</param>
    /// <exception cref="AtelierException">A file is missing, damaged or of another kind of adapter.</exception>
    public static LoraAdapter Read(string folder)
    {
        string path = Path.Combine(folder, ConfigName);
        if (!File.Exists(path))
            throw new AtelierException("there is no adapter in this folder", folder,
                $"an adapter has the files {ConfigName} and {WeightsName}");
        ConfigFile config = ConfigFile.Read(path);
        config.RefuseUnread(Keys);
        var adapter = new LoraAdapter([])
        {
            Source = folder,
            Rank = config.Integer("r"),
            Alpha = config.Number("lora_alpha"),
            UsesRootOfRank = config.Boolean("use_rslora", false),
            Dropout = config.Number("lora_dropout", 0),
            IsTransposed = config.Boolean("fan_in_fan_out", false),
            Targets = config.Strings("target_modules") ?? [],
            BaseModel = config.String("base_model_name_or_path", "") is { Length: > 0 } name ? name : null,
            TaskType = config.String("task_type", "") is { Length: > 0 } task ? task : null,
        };
        if (adapter.Rank < 1)
            throw new AtelierException($"r is {adapter.Rank}, but an adapter has a rank of at least 1", path, Hint);
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, WeightsName));
        return adapter with { Layers = Layers(file, adapter.Rank, config.Boolean("use_dora", false)) };
    }

    /// <summary>Writes an adapter.</summary>
    /// <param name="folder">The folder, which is created; files of an adapter in it are replaced.</param>
    /// <param name="adapter">The adapter.</param>
    /// <exception cref="AtelierException">The folder cannot be written.</exception>
    public static void Write(string folder, LoraAdapter adapter)
    {
        Directory.CreateDirectory(folder);
        var data = new Dictionary<string, float[]>();
        var entries = new List<SafetensorsEntry>();
        foreach (LoraLayer layer in adapter.Layers.OrderBy(layer => layer.Name, StringComparer.Ordinal))
        {
            Add(layer.Name + A, layer.A, adapter.Rank, layer.Inputs);
            Add(layer.Name + B, layer.B, layer.Outputs, adapter.Rank);
            if (layer.Magnitude is not null)
                Add(layer.Name + Magnitude, layer.Magnitude, layer.Outputs);
        }
        SafetensorsWriter.Write(Path.Combine(folder, WeightsName), entries, (entry, stream) =>
        {
            byte[] bytes = new byte[entry.ByteCount];
            WeightConversion.Encode(WeightType.F32, data[entry.Name], bytes);
            stream.Write(bytes);
        }, new Dictionary<string, string> { ["format"] = "pt" });
        AtomicFile.Write(Path.Combine(folder, ConfigName), stream =>
        {
            using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            Config(adapter).WriteTo(json);
        });

        void Add(string name, float[] values, params long[] shape)
        {
            data[Prefix + name] = values;
            entries.Add(new(Prefix + name, SafetensorsType.F32, shape));
        }
    }

    private static JsonObject Config(LoraAdapter adapter) => new()
    {
        ["alpha_pattern"] = new JsonObject(),
        ["auto_mapping"] = null,
        ["base_model_name_or_path"] = adapter.BaseModel,
        ["bias"] = "none",
        ["fan_in_fan_out"] = adapter.IsTransposed,
        ["inference_mode"] = true,
        ["init_lora_weights"] = true,
        ["layers_pattern"] = null,
        ["layers_to_transform"] = null,
        ["lora_alpha"] = adapter.Alpha,
        ["lora_dropout"] = adapter.Dropout,
        ["modules_to_save"] = null,
        ["peft_type"] = "LORA",
        ["r"] = adapter.Rank,
        ["rank_pattern"] = new JsonObject(),
        ["revision"] = null,
        ["target_modules"] = new JsonArray([.. adapter.Targets.Select(name => (JsonNode)name)]),
        ["task_type"] = adapter.TaskType,
        ["use_dora"] = adapter.Layers.Any(layer => layer.Magnitude is not null),
        ["use_rslora"] = adapter.UsesRootOfRank,
    };

    private static List<LoraLayer> Layers(SafetensorsFile file, int rank, bool hasMagnitudes)
    {
        var layers = new List<LoraLayer>();
        var used = new HashSet<string>();
        foreach (string first in file.Entries.Select(entry => entry.Name).Where(name =>
            name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(A, StringComparison.Ordinal)))
        {
            string name = first[..^A.Length];
            if (Shape(first) is not [var aRank, > 0 and <= int.MaxValue and var inputs] || aRank != rank)
                throw Wrong(first, $"[{rank}, inputs]");
            if (Shape(name + B) is not [> 0 and <= int.MaxValue and var outputs, var bRank] || bRank != rank)
                throw Wrong(name + B, $"[outputs, {rank}]");
            if (hasMagnitudes && !Shape(name + Magnitude).SequenceEqual([outputs]))
                throw Wrong(name + Magnitude, $"[{outputs}]");
            layers.Add(new LoraLayer(name[Prefix.Length..], (int)inputs, (int)outputs, Numbers(first),
                Numbers(name + B), hasMagnitudes ? Numbers(name + Magnitude) : null));
        }
        if (file.Entries.FirstOrDefault(entry => !used.Contains(entry.Name)) is { } other)
            throw new AtelierException($"the tensor {other.Name} is not supported: only adapters of linear layers are",
                file.Path, "train the adapter without it");
        return layers.Count > 0 ? layers : throw new AtelierException("the adapter changes no layer", file.Path, Hint);

        IReadOnlyList<long> Shape(string name) => file.Entry(name).Shape;

        AtelierException Wrong(string name, string due) =>
            new($"the tensor {name} is [{string.Join(", ", Shape(name))}], but {ConfigName} implies {due}", file.Path,
                Hint);

        float[] Numbers(string name)
        {
            SafetensorsEntry entry = file.Entry(name);
            used.Add(name);
            byte[] bytes = new byte[entry.ByteCount];
            file.CopyTo(name, 0, bytes);
            float[] values = new float[entry.Shape.Aggregate(1L, (product, dimension) => product * dimension)];
            WeightConversion.Decode(ModelWeights.TypeOf(file.Path, entry), bytes, values);
            return values;
        }
    }
}
