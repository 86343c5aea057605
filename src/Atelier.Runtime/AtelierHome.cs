namespace Atelier;

/// <summary>The folder for data that is kept between runs: downloads, the run history, logs of bugs.</summary>
public static class AtelierHome
{
    /// <summary>
    /// The folder that the environment variable ATELIER_HOME names, or .atelier in the user's home folder.
    /// </summary>
    public static string Folder => Environment.GetEnvironmentVariable("ATELIER_HOME") is { Length: > 0 } named
        ? Path.GetFullPath(named)
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".atelier");
}
