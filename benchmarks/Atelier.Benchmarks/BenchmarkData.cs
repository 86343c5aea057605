namespace Atelier.Benchmarks;

/// <summary>The data that comparisons work on, in the folder that ATELIER_DATA names.</summary>
internal static class BenchmarkData
{
    /// <summary>
    /// Where a file or folder would lie, whether or not it is there: comparisons are listed without data.
    /// </summary>
    public static string PathOf(params string[] parts) =>
        Path.Combine([Environment.GetEnvironmentVariable("ATELIER_DATA") ?? "", .. parts]);

    /// <summary>Where a file or folder lies.</summary>
    /// <exception cref="AtelierException">It is not there.</exception>
    public static string Find(params string[] parts)
    {
        string path = PathOf(parts);
        if (Path.Exists(path))
            return path;
        throw Environment.GetEnvironmentVariable("ATELIER_DATA") is { Length: > 0 }
            ? new AtelierException("the data of this comparison is not there", path)
            : new AtelierException("ATELIER_DATA is not set", hint: $"name the folder that holds {parts[0]}");
    }
}
