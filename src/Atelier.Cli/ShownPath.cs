namespace Atelier.Cli;

/// <summary>
/// Shortens paths: relative to the current or the home folder, and without their middle in a narrow table.
/// </summary>
internal static class ShownPath
{
    private const int LeastWidth = 20;
    private const string Left = "…";

    /// <summary>Returns the shortest form of a path that is valid here.</summary>
    public static string Of(string path)
    {
        string full = Path.GetFullPath(path), home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, full);
        if (!relative.StartsWith("..", StringComparison.Ordinal) && !Path.IsPathRooted(relative))
            return relative;
        return home.Length > 1 && full.StartsWith(home + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            && !OperatingSystem.IsWindows() ? "~" + full[home.Length..] : full;
    }

    /// <summary>
    /// Shortens a path to a number of characters: keeps its end, which distinguishes it, and as much of its start as
    /// fits.
    /// </summary>
    /// <param name="path">The path.</param>
    /// <param name="width">The number of characters; at least 20 are used.</param>
    public static string Of(string path, int width)
    {
        string shown = Of(path);
        int room = Math.Max(LeastWidth, width);
        if (shown.Length <= room)
            return shown;
        int end = Math.Min(room - 1,
            Math.Max(room * 2 / 3, Path.GetFileName(Path.TrimEndingDirectorySeparator(shown)).Length + 1));
        return shown[..(room - 1 - end)] + Left + shown[^end..];
    }
}
