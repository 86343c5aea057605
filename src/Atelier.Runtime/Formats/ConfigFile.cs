using System.Text.Json;

namespace Atelier.Formats;

/// <summary>
/// A model's config.json, or an object in it. Its keys are Hugging Face's for models that its tools support, and
/// otherwise the snake_case names of Atelier's own records.
/// </summary>
public sealed class ConfigFile
{
    private const int LargestFile = 1 << 20;
    private const int Deepest = 16;
    private readonly string _at;

    /// <summary>Creates a file from a JSON object that was read before.</summary>
    /// <param name="path">The path of the file, for error messages.</param>
    /// <param name="root">The JSON object.</param>
    /// <param name="at">The path of the object in the file, with a dot at its end; empty for the root.</param>
    public ConfigFile(string path, JsonElement root, string at = "") => (Path, Root, _at) = (path, root, at);

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>The JSON object.</summary>
    public JsonElement Root { get; }

    /// <summary>The value of model_type, such as "gpt2" or "llama".</summary>
    public string ModelType => String("model_type", "");

    /// <summary>The value of vocab_size.</summary>
    public int VocabularySize => Integer("vocab_size");

    /// <summary>Reads a config.json.</summary>
    /// <exception cref="AtelierException">The file is missing or not a JSON object.</exception>
    public static ConfigFile Read(string path)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > LargestFile })
                throw new AtelierException("is too large for a config.json", path,
                    "check that this folder holds a model");
            using var document =
                JsonDocument.Parse(InputFile.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = Deepest });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new AtelierException("is not a JSON object", path, "check that this folder holds a model");
            CheckTexts(document.RootElement);
            return new ConfigFile(path, document.RootElement.Clone());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be read", path, "check that this folder holds a model", e);
        }
        catch (InvalidOperationException e)
        {
            throw new AtelierException("has a string that is not valid Unicode", path,
                "download or export the model again", e);
        }
        catch (JsonException e)
        {
            throw new AtelierException("is not JSON", $"{path}, line {e.LineNumber + 1}",
                "download or export the model again", e);
        }
    }

    /// <summary>Refuses keys that have an effect but are not supported by the reader.</summary>
    /// <exception cref="AtelierException">The object has such a key.</exception>
    public void RefuseUnread(KnownKeys known) => known.Check(Root, Path, _at);

    /// <summary>Returns an integer; <paramref name="otherwise"/> if the key is missing or null.</summary>
    public int Integer(string key, int? otherwise = null) => Find(key) is { } value
        ? value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number
            : throw Wrong(key, "a whole number", value)
        : otherwise ?? throw Missing(key);

    /// <summary>Returns an integer, or null if the key is missing or null.</summary>
    public int? IntegerOrNull(string key) => Find(key) is null ? null : Integer(key);

    /// <summary>Returns a number; <paramref name="otherwise"/> if the key is missing or null.</summary>
    public double Number(string key, double? otherwise = null) => Find(key) is { } value
        ? value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw Wrong(key, "a number", value)
        : otherwise ?? throw Missing(key);

    /// <summary>Returns a Boolean; <paramref name="otherwise"/> if the key is missing or null.</summary>
    public bool Boolean(string key, bool otherwise) => Find(key) is { } value
        ? value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
            : throw Wrong(key, "true or false", value)
        : otherwise;

    /// <summary>Returns a Boolean, or null if the key is missing or null.</summary>
    public bool? BooleanOrNull(string key) => Find(key) is null ? null : Boolean(key, false);

    /// <summary>Returns a string; <paramref name="otherwise"/> if the key is missing or null.</summary>
    public string String(string key, string otherwise) => Find(key) is { } value
        ? value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(key, "a string", value)
        : otherwise;

    /// <summary>Returns an object in this one, or null if the key is missing or null.</summary>
    public ConfigFile? Section(string key) => Find(key) is { } value
        ? value.ValueKind == JsonValueKind.Object
            ? new ConfigFile(Path, value, $"{_at}{key}.")
            : throw Wrong(key, "an object", value)
        : null;

    /// <summary>
    /// Returns a single integer or a list of integers; null if the key is missing or null, or the list is empty.
    /// </summary>
    public IReadOnlyList<int>? Integers(string key)
    {
        if (Find(key) is not { } value)
            return null;
        JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        return items.Length == 0 ? null
            : [.. items.Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int number)
                ? number : throw Wrong(key, "a whole number or a list of them", value))];
    }

    /// <summary>Returns a single string or a list of strings; null if the key is missing or null.</summary>
    public IReadOnlyList<string>? Strings(string key)
    {
        if (Find(key) is not { } value)
            return null;
        JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        return [.. items.Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()!
            : throw Wrong(key, "a string or a list of them", value))];
    }

    /// <summary>Returns a list of numbers, or null if the key is missing or null.</summary>
    public IReadOnlyList<double>? Numbers(string key)
    {
        if (Find(key) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number ? item.GetDouble()
                : throw Wrong(key, "a list of numbers", value))]
            : throw Wrong(key, "a list of numbers", value);
    }

    /// <summary>
    /// Reads every name and string once, so that lone surrogates, which JSON allows but strings do not, are found here.
    /// </summary>
    private static void CheckTexts(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray())
                    CheckTexts(item);
                break;
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    _ = property.Name;
                    CheckTexts(property.Value);
                }
                break;
            default:
                break;
        }
    }

    private JsonElement? Find(string key) =>
        Root.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private AtelierException Wrong(string key, string wanted, JsonElement value) =>
        new($"{_at}{key} must be {wanted}, not {value.GetRawText()}", Path, "download or export the model again");

    private AtelierException Missing(string key) =>
        new($"{_at}{key} is missing", Path, "download or export the model again");
}
