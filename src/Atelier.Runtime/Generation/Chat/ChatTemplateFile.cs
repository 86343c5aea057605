using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Generation.Chat;

/// <summary>Reads the chat template of a model's folder.</summary>
public static class ChatTemplateFile
{
    /// <summary>The name of a separate template file.</summary>
    public const string FileName = "chat_template.jinja";

    /// <summary>
    /// The name of the tokenizer's configuration file, in which older tools store the template under chat_template.
    /// </summary>
    public const string ConfigName = Tokenizers.TokenizerConfigFile.Name;

    private const long LongestFile = 1 << 24;

    /// <summary>Reads the template of a folder.</summary>
    /// <returns>The template; null if the folder has none.</returns>
    /// <exception cref="AtelierException">A file is damaged.</exception>
    public static string? Read(string folder)
    {
        string own = Path.Combine(folder, FileName), config = Path.Combine(folder, ConfigName);
        if (File.Exists(own))
            return System.Text.Encoding.UTF8.GetString(Bytes(own));
        if (!File.Exists(config))
            return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(Bytes(config), new JsonDocumentOptions { MaxDepth = 32 });
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("chat_template", out JsonElement template))
                return null;
            // Several templates are stored as a list of names and texts; the one named "default" is for conversations.
            return template.ValueKind == JsonValueKind.Array
                ? template.EnumerateArray().Where(t => t.GetProperty("name").GetString() == "default")
                    .Select(t => t.GetProperty("template").GetString()).FirstOrDefault()
                : template.GetString();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new AtelierException($"not a {ConfigName}: {e.Message.TrimEnd('.')}", config,
                "correct or delete it: it is only used for the chat template", e);
        }
    }

    private static byte[] Bytes(string path)
    {
        long length = new FileInfo(path).Length;
        return length <= LongestFile
            ? InputFile.ReadAllBytes(path)
            : throw new AtelierException($"it has {length} bytes; at most {LongestFile} are supported", path,
                "download the file again");
    }
}
