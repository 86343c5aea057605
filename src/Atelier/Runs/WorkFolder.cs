using System.Globalization;

namespace Atelier.Runs;

/// <summary>A temporary folder, which is deleted when this object is disposed.</summary>
public sealed class WorkFolder : IDisposable
{
    private static readonly string Prefix =
        string.Create(CultureInfo.InvariantCulture, $"atelier-{Environment.ProcessId}-");

    /// <summary>Creates a folder in the system's folder for temporary files.</summary>
    public WorkFolder() => Path = Directory.CreateTempSubdirectory(Prefix).FullName;

    /// <summary>The path of the folder.</summary>
    public string Path { get; }

    /// <summary>
    /// Deletes all folders that this process has created and not yet deleted. Called when the process must end at once.
    /// </summary>
    public static void DeleteLeft()
    {
        foreach (string folder in Directory.EnumerateDirectories(System.IO.Path.GetTempPath(), Prefix + "*"))
            Directory.Delete(folder, recursive: true);
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
