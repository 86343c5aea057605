using System.Globalization;

namespace Atelier.Runs;

/// <summary>
/// A folder for work that keeps nothing: made in the system's place for such, gone when it is disposed.
/// </summary>
public sealed class WorkFolder : IDisposable
{
    private static readonly string Prefix =
        string.Create(CultureInfo.InvariantCulture, $"atelier-{Environment.ProcessId}-");

    /// <summary>Makes it.</summary>
    public WorkFolder() => Path = Directory.CreateTempSubdirectory(Prefix).FullName;

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>
    /// Deletes all that this process has made and not yet deleted: for an end that waits for nothing.
    /// </summary>
    public static void DeleteLeft()
    {
        foreach (string folder in Directory.EnumerateDirectories(System.IO.Path.GetTempPath(), Prefix + "*"))
            Directory.Delete(folder, recursive: true);
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
