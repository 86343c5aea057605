namespace Atelier.TestSupport;

/// <summary>Finds small inputs that once failed, in the folder "cases" beside the one named by ATELIER_DATA.</summary>
internal static class TestCases
{
    /// <summary>The full path of a file or a folder there; the calling test is skipped where it is absent.</summary>
    public static string Path(string name)
    {
        string? data = Environment.GetEnvironmentVariable("ATELIER_DATA");
        Assert.SkipWhen(string.IsNullOrEmpty(data), "ATELIER_DATA is not set");
        string path = System.IO.Path.GetFullPath(System.IO.Path.Combine(data!, "..", "cases", name));
        Assert.SkipUnless(System.IO.Path.Exists(path), $"cases/{name} is not beside ATELIER_DATA");
        return path;
    }
}
