using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Atelier.Formats;

namespace Atelier.Runs;

/// <summary>Records in a config.json: their properties are keys in snake_case.</summary>
public static class ConfigRecords
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        WriteIndented = true,
    };

    /// <summary>The text of a config.json with the values of <paramref name="config"/>.</summary>
    /// <param name="modelType">The model_type.</param>
    /// <param name="vocabularySize">The vocab_size.</param>
    /// <param name="config">A record; its properties become keys in snake_case.</param>
    public static string Write(string modelType, int vocabularySize, object config) =>
        Write(modelType, new JsonObject { ["vocab_size"] = vocabularySize }, config);

    /// <summary>The text of a config.json with the values of <paramref name="config"/>.</summary>
    /// <param name="modelType">The model_type.</param>
    /// <param name="more">What else stands there.</param>
    /// <param name="config">A record; its properties become keys in snake_case.</param>
    public static string Write(string modelType, JsonObject more, object config)
    {
        var root = new JsonObject { ["model_type"] = modelType };
        foreach ((string key, JsonNode? value) in more)
            root[key] = value?.DeepClone();
        foreach ((string key, JsonNode? value) in JsonSerializer.SerializeToNode(config, Options)!.AsObject())
            root[key] = value?.DeepClone();
        return Write(root);
    }

    /// <summary>The text of a config.json with these keys.</summary>
    public static string Write(JsonObject root) => root.ToJsonString(Options) + "\n";

    /// <summary>Reads the keys of a record that <see cref="Write(string, int, object)"/> wrote.</summary>
    /// <exception cref="AtelierException">A value is of the wrong type or out of range.</exception>
    public static T Read<T>(this ConfigFile file)
        where T : notnull
    {
        try
        {
            return file.Check(file.Root.Deserialize<T>(Options)!);
        }
        catch (JsonException e)
        {
            throw new AtelierException($"{e.Path} has an impossible value", file.Path,
                "download or export the model again", e);
        }
    }

    /// <summary>Gives back a record whose values are all in their ranges.</summary>
    /// <exception cref="AtelierException">A value is out of range.</exception>
    public static T Check<T>(this ConfigFile file, T config)
        where T : notnull
    {
        var results = new List<ValidationResult>();
        if (!Validator.TryValidateObject(config, new ValidationContext(config), results, validateAllProperties: true))
            throw new AtelierException(results[0].ErrorMessage!.TrimEnd('.'), file.Path,
                "download or export the model again");
        return config;
    }
}
