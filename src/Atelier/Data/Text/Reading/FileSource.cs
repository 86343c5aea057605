using Atelier.Abstractions;
using Atelier.Formats;

namespace Atelier.Data.Text.Reading;

/// <summary>A file to read: on disk, or in memory.</summary>
/// <param name="Name">Its path, or what errors call it. The extension tells its format.</param>
/// <param name="Content">Its bytes; null reads them from disk.</param>
internal readonly record struct FileSource(string Name, ReadOnlyMemory<byte>? Content = null)
{
    /// <summary>A file on disk.</summary>
    public static implicit operator FileSource(string path) => new(path);

    /// <summary>A file that a request brings.</summary>
    public static implicit operator FileSource(InputData input) => new(input.Name, input.Content);

    /// <summary>Opens the file. The stream can seek.</summary>
    /// <exception cref="AtelierException">It is a folder, a pipe, a device or a socket.</exception>
    /// <exception cref="IOException">It is missing, or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public Stream Open() =>
        Content is { } bytes ? new MemoryStream(bytes.ToArray(), writable: false) : InputFile.Open(Name);
}
