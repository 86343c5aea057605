namespace Atelier.TestSupport;

/// <summary>Finds real data for a test in the folder named by ATELIER_DATA, as a user's catalogue does.</summary>
internal static class DataFolder
{
    /// <summary>The full path of a file in the data folder; the calling test is skipped where it is absent.</summary>
    public static string File(params string[] parts)
    {
        string? root = Environment.GetEnvironmentVariable("ATELIER_DATA");
        Assert.SkipWhen(string.IsNullOrEmpty(root), "ATELIER_DATA is not set");
        string path = Path.Combine([root!, .. parts]);
        Assert.SkipUnless(System.IO.File.Exists(path), $"{Path.Combine(parts)} is not in ATELIER_DATA");
        return path;
    }
}
