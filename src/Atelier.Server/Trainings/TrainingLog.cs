using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Atelier.Server.Trainings;

/// <summary>What a trainer has written: lines for people, and its result or its error as a line of JSON.</summary>
/// <param name="Lines">The last lines for people.</param>
/// <param name="Failure">The error that ended the training, in one line; null if none did.</param>
internal sealed record TrainingLog(IReadOnlyList<string> Lines, string? Failure)
{
    private const int MostBytes = 1 << 16, MostLines = 50, LongestLine = 500;

    /// <summary>Reads the end of a log.</summary>
    /// <param name="path">The file; there may be none.</param>
    public static TrainingLog Read(string path)
    {
        var lines = new List<string>();
        string? failure = null;
        foreach (string line in Tail(path).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Json(line) is not { } json)
                lines.Add(line.Length <= LongestLine ? line.TrimEnd() : line[..LongestLine] + " …");
            else if ((string?)json["error"] is { } error)
                failure = error == "interrupted" ? null
                    : (string?)json["hint"] is { } hint ? $"{error}; {hint}" : error;
        }
        return new([.. lines.TakeLast(MostLines)], failure);
    }

    private static string Tail(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete);
            bool isCut = stream.Length > MostBytes;
            if (isCut)
                stream.Seek(-MostBytes, SeekOrigin.End);
            var bytes = new byte[MostBytes];
            string text = Encoding.UTF8.GetString(bytes, 0, stream.ReadAtLeast(bytes, bytes.Length, false));
            return isCut ? text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..] : text;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return ""; // it has not begun
        }
    }

    private static JsonObject? Json(string line)
    {
        try
        {
            return line[0] == '{' ? JsonNode.Parse(line) as JsonObject : null;
        }
        catch (JsonException)
        {
            return null; // half a line, or a sample that begins with a brace
        }
    }
}
