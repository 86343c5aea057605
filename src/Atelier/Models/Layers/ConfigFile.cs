using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Atelier.Models.Layers;

/// <summary>A bundle's config.json: Hugging Face's keys for shapes it knows, snake_case of our own records for others.</summary>
public sealed class ConfigFile
{
    private const int LargestFile = 1 << 20;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        WriteIndented = true,
    };

    private readonly JsonElement _root;

    private ConfigFile(string path, JsonElement root) => (Path, _root) = (path, root);

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>The model_type: "gpt2", "llama".</summary>
    public string ModelType => String("model_type", "");

    /// <summary>The vocab_size.</summary>
    public int VocabularySize => Integer("vocab_size");

    /// <summary>Reads a config.json.</summary>
    /// <exception cref="AtelierException">It is missing, or not a JSON object.</exception>
    public static ConfigFile Read(string path)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > LargestFile })
                throw new AtelierException("is too large for a config.json", path, "check that this folder holds a model");
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new AtelierException("is not a JSON object", path, "check that this folder holds a model");
            return new ConfigFile(path, document.RootElement.Clone());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read", path, "check that this folder holds a model", e);
        }
        catch (JsonException e)
        {
            throw new AtelierException("is not JSON", $"{path}, line {e.LineNumber + 1}", "fetch or export the model again", e);
        }
    }

    /// <summary>The text of a config.json that says what <paramref name="config"/> says.</summary>
    /// <param name="modelType">The model_type.</param>
    /// <param name="vocabularySize">The vocab_size.</param>
    /// <param name="config">A record; its properties become keys in snake_case.</param>
    public static string Write(string modelType, int vocabularySize, object config)
    {
        var root = new JsonObject { ["model_type"] = modelType, ["vocab_size"] = vocabularySize };
        foreach ((string key, JsonNode? value) in JsonSerializer.SerializeToNode(config, Options)!.AsObject())
            root[key] = value?.DeepClone();
        return Write(root);
    }

    /// <summary>The text of a config.json with these keys.</summary>
    public static string Write(JsonObject root) => root.ToJsonString(Options) + "\n";

    /// <summary>Reads the keys of a record that <see cref="Write(string, int, object)"/> wrote.</summary>
    /// <exception cref="AtelierException">A value is of the wrong type or out of range.</exception>
    public T Read<T>()
        where T : notnull
    {
        try
        {
            return Check(_root.Deserialize<T>(Options)!);
        }
        catch (JsonException e)
        {
            throw new AtelierException($"{e.Path} has an impossible value", Path, "fetch or export the model again", e);
        }
    }

    /// <summary>Gives back a record whose values are all in their ranges.</summary>
    /// <exception cref="AtelierException">A value is out of range.</exception>
    public T Check<T>(T config)
        where T : notnull
    {
        var results = new List<ValidationResult>();
        if (!Validator.TryValidateObject(config, new ValidationContext(config), results, validateAllProperties: true))
            throw new AtelierException(results[0].ErrorMessage!.TrimEnd('.'), Path, "fetch or export the model again");
        return config;
    }

    /// <summary>Throws where a key has a value that is not supported.</summary>
    /// <param name="key">The key.</param>
    /// <param name="isSupported">Told the value; not asked where the key is missing or null.</param>
    public void Require(string key, Func<JsonElement, bool> isSupported)
    {
        if (Find(key) is { } value && !isSupported(value))
            throw new AtelierException($"{key}: {value.GetRawText()} is not supported", Path, "choose a model without it");
    }

    /// <summary>A whole number; <paramref name="otherwise"/> where the key is missing or null.</summary>
    public int Integer(string key, int? otherwise = null) => Find(key) is { } value
        ? value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw Wrong(key, "a whole number", value)
        : otherwise ?? throw Missing(key);

    /// <summary>A number; <paramref name="otherwise"/> where the key is missing or null.</summary>
    public double Number(string key, double otherwise) => Find(key) is { } value
        ? value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw Wrong(key, "a number", value)
        : otherwise;

    /// <summary>True or false; <paramref name="otherwise"/> where the key is missing or null.</summary>
    public bool Boolean(string key, bool otherwise) => Find(key) is { } value
        ? value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(key, "true or false", value)
        : otherwise;

    /// <summary>A string; <paramref name="otherwise"/> where the key is missing or null.</summary>
    public string String(string key, string otherwise) => Find(key) is { } value
        ? value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(key, "a string", value)
        : otherwise;

    private JsonElement? Find(string key) =>
        _root.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private AtelierException Wrong(string key, string wanted, JsonElement value) =>
        new($"{key} must be {wanted}, not {value.GetRawText()}", Path, "fetch or export the model again");

    private AtelierException Missing(string key) => new($"{key} is missing", Path, "fetch or export the model again");
}
