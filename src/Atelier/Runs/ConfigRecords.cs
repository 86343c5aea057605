using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Atelier.Formats;

namespace Atelier.Runs;

/// <summary>Reads and writes configuration records in config.json, where their properties are in snake_case.</summary>
public static class ConfigRecords
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        WriteIndented = true,
    };

    /// <summary>Returns the text of a config.json with the values of <paramref name="config"/>.</summary>
    /// <param name="modelType">The value of model_type.</param>
    /// <param name="vocabularySize">The value of vocab_size.</param>
    /// <param name="config">A record; its properties become keys in snake_case.</param>
    public static string Write(string modelType, int vocabularySize, object config) =>
        Write(modelType, new JsonObject { ["vocab_size"] = vocabularySize }, config);

    /// <summary>Returns the text of a config.json with the values of <paramref name="config"/>.</summary>
    /// <param name="modelType">The value of model_type.</param>
    /// <param name="more">Further keys and values.</param>
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

    /// <summary>Returns the text of a config.json with the given keys.</summary>
    public static string Write(JsonObject root) => root.ToJsonString(Options) + "\n";

    /// <summary>Reads a record that <see cref="Write(string, int, object)"/> wrote.</summary>
    /// <exception cref="AtelierException">A value has the wrong type or is out of range.</exception>
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

    /// <summary>Checks that all values of a record are in their ranges, and returns it.</summary>
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
