namespace Atelier;

/// <summary>Where things that outlast a run are kept: downloads, the history of runs, logs of bugs.</summary>
public static class AtelierHome
{
    /// <summary>The folder named by ATELIER_HOME, or .atelier in the user's own.</summary>
    public static string Folder => Environment.GetEnvironmentVariable("ATELIER_HOME") is { Length: > 0 } named
        ? Path.GetFullPath(named)
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".atelier");
}
