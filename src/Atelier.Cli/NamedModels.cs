using Atelier.Runs;

namespace Atelier.Cli;

/// <summary>Models that a command line names, each as a path or as NAME=PATH.</summary>
internal static class NamedModels
{
    /// <summary>Returns the path of each model by its name, which is that of its folder or file unless one is
    /// given.</summary>
    /// <param name="named">The words of the command line.</param>
    /// <param name="history">The history that may list a run.</param>
    /// <exception cref="AtelierException">There is no model at a path, or two have the same name.</exception>
    public static Dictionary<string, string> Read(IReadOnlyList<string> named, RunHistory history)
    {
        var models = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string one in named)
        {
            int sign = one.IndexOf('=', StringComparison.Ordinal);
            string path = one[(sign + 1)..], name = sign >= 0 ? one[..sign] : NameOf(path);
            if (!File.Exists(path))
                Bundle.Open(path, history);
            if (!models.TryAdd(name, path))
                throw new AtelierException($"two models are named '{name}'", path, "name them: NAME=PATH");
        }
        return models;
    }

    private static string NameOf(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        return File.Exists(full) ? Path.GetFileNameWithoutExtension(full) : Path.GetFileName(full);
    }
}
