namespace Atelier.TestSupport;

/// <summary>Finds small inputs that failed once, in the folder "cases" beside the one that ATELIER_DATA names.</summary>
internal static class TestCases
{
    /// <summary>The full path of one of them; the calling test is skipped where it is absent.</summary>
    /// <param name="name">Its path in that folder: "tables/semicolon.csv".</param>
    public static string Path(string name)
    {
        string? root = Environment.GetEnvironmentVariable("ATELIER_DATA");
        Assert.SkipWhen(string.IsNullOrEmpty(root), "ATELIER_DATA is not set");
        string path = System.IO.Path.GetFullPath(System.IO.Path.Combine(root!, "..", "cases", name));
        Assert.SkipUnless(File.Exists(path) || Directory.Exists(path), $"{name} is not in the folder of cases");
        return path;
    }
}
