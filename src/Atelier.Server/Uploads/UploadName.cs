using System.Text;

namespace Atelier.Server.Uploads;

/// <summary>Checks the names of uploaded files, which may hold folders: "cats/1.png".</summary>
internal static class UploadName
{
    private const int MostDepth = 8, LongestSegment = 200, LongestName = 1000; // bytes of UTF-8

    // what no segment may hold: separators of paths on all systems, and what this system forbids
    private static readonly HashSet<char> Forbidden = [.. Path.GetInvalidFileNameChars(), '/', '\\'];

    /// <summary>Returns the segments of a name: its folders, and the file.</summary>
    /// <param name="name">The name as the request gives it.</param>
    /// <exception cref="ApiException">The name may not be used.</exception>
    public static string[] Split(string name)
    {
        if (Encoding.UTF8.GetByteCount(name) > LongestName)
            throw Refused(name, "is too long");
        string[] segments = name.Split('/');
        if (segments.Length > MostDepth)
            throw Refused(name, $"has more than {MostDepth - 1} folders");
        foreach (string segment in segments)
        {
            string? fault = segment.Length == 0 ? "has an empty part"
                : segment is "." or ".." ? $"has the part '{segment}'"
                : segment.Any(c => char.IsControl(c) || Forbidden.Contains(c)) ? "has characters that are not allowed"
                : segment[^1] is ' ' or '.' || segment[0] == ' ' ? "has a part with a space or dot at its end"
                : Encoding.UTF8.GetByteCount(segment) > LongestSegment ? "has a part that is too long"
                : null;
            if (fault is not null)
                throw Refused(name, fault);
        }
        return segments;
    }

    private static ApiException Refused(string name, string fault)
    {
        string shown = string.Concat(name.Take(60).Where(c => !char.IsControl(c) && !char.IsSurrogate(c)));
        return ApiException.Invalid("file", $"the file name '{shown}' {fault}; names are like 'cats/1.png'",
            "invalid_file_name");
    }
}
