using System.Text.Json;

namespace Atelier.Formats;

/// <summary>
/// Finds the weights in a folder saved by Hugging Face's tools: model.safetensors, or shards with an index.
/// </summary>
public static class SafetensorsFolder
{
    private const int LongestIndex = 64 << 20;

    /// <summary>The name of a single weights file.</summary>
    public const string FileName = "model.safetensors";

    /// <summary>The name of the index of shards.</summary>
    public const string IndexName = FileName + ".index.json";

    /// <summary>Returns the paths of the weights files; that of model.safetensors if the folder has none.</summary>
    /// <exception cref="AtelierException">The index is damaged, or names a file outside the folder.</exception>
    public static IReadOnlyList<string> Files(string folder)
    {
        string whole = Path.Combine(folder, FileName), index = Path.Combine(folder, IndexName);
        if (!File.Exists(whole) && !File.Exists(index))
            OtherFiles.RefuseFolder(folder);
        return File.Exists(whole) || !File.Exists(index)
            ? [whole]
            : Shards(index);
    }

    /// <summary>Returns the distinct paths of the files in the weight_map of an index.</summary>
    /// <exception cref="AtelierException">The index is damaged, or names a file outside its folder.</exception>
    internal static IReadOnlyList<string> Shards(string index)
    {
        try
        {
            if (new FileInfo(index).Length > LongestIndex)
                throw new AtelierException("is too large for an index of shards", index, "download the model again");
            using JsonDocument document =
                JsonDocument.Parse(InputFile.ReadAllBytes(index), new JsonDocumentOptions { MaxDepth = 8 });
            string[] shards = [.. document.RootElement.GetProperty("weight_map").EnumerateObject()
                .Select(entry => entry.Value.GetString() ?? "").Distinct().Order(StringComparer.Ordinal)];
            foreach (string shard in shards)
            {
                // The index is untrusted: its names must stay inside the folder.
                if (shard.Length == 0 || shard != Path.GetFileName(shard) || shard.Contains('\\'))
                    throw new AtelierException($"names the file '{shard}', which is outside the folder", index,
                        "download the model again");
            }
            return [.. shards.Select(shard => Path.Combine(Path.GetDirectoryName(index)!, shard))];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new AtelierException("is not an index of shards", index, "download the model again", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"cannot be read: {e.Message.TrimEnd('.')}", index, inner: e);
        }
    }
}
