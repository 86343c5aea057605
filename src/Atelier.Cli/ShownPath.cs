namespace Atelier.Cli;

/// <summary>
/// Paths as people write them: from the current folder or from home, and in a narrow table without their middle.
/// </summary>
internal static class ShownPath
{
    private const int LeastWidth = 20;
    private const string Left = "…";

    /// <summary>A path in the fewest characters that still name it here.</summary>
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
    /// The path in at most so many characters: its end, which distinguishes it, and as much of its beginning as there
    /// is room for.
    /// </summary>
    /// <param name="path">The path.</param>
    /// <param name="width">The room; taken for at least 20 characters.</param>
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
