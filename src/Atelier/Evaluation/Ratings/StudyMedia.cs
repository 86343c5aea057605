using System.Security.Cryptography;

namespace Atelier.Evaluation.Ratings;

/// <summary>The media files of a study that is being made. Outputs with the same content have the same file.</summary>
internal sealed class StudyMedia
{
    private readonly Dictionary<string, string> _names = []; // by the hash of the content

    /// <summary>The contents by the name of the file in the folder of the study, with "/" between folders.</summary>
    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>Adds the content of an output, and returns the name of its file.</summary>
    /// <param name="id">The id of the output.</param>
    /// <param name="extension">The extension of the file, without a dot.</param>
    /// <param name="content">The content.</param>
    public string Add(string id, string extension, byte[] content)
    {
        string hash = Convert.ToHexString(SHA256.HashData(content));
        if (_names.TryGetValue(hash, out string? known))
            return known;
        string name = $"media/{id}.{extension}";
        Files.Add(name, content);
        _names.Add(hash, name);
        return name;
    }
}
