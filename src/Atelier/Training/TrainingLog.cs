using System.Text;
using System.Text.Json;
using Atelier.Formats;
using Atelier.Runs;

namespace Atelier.Training;

/// <summary>The figures of a run: a line of metrics.jsonl and TensorBoard events for each report.</summary>
internal sealed class TrainingLog : IDisposable
{
    private readonly FileStream _stream;

    /// <summary>Goes on after a step; what an earlier session wrote of later steps is dropped, since they are done again.</summary>
    public TrainingLog(Run run, long step)
    {
        if (File.Exists(run.MetricsPath))
        {
            string[] lines = File.ReadAllLines(run.MetricsPath);
            AtomicFile.WriteText(run.MetricsPath, string.Concat(lines.Where(line => IsUpTo(line, step)).Select(line => line + "\n")));
        }
        Directory.CreateDirectory(run.Folder);
        _stream = new FileStream(run.MetricsPath, FileMode.Append, FileAccess.Write, FileShare.Read);
    }

    /// <summary>Writes the figures of a step.</summary>
    public void Write(long step, IReadOnlyDictionary<string, double> values)
    {
        var line = new StringBuilder().Append("{\"step\":").Append(JsonSerializer.Serialize(step));
        foreach ((string name, double value) in values)
            line.Append(',').Append(JsonSerializer.Serialize(name)).Append(':').Append(JsonSerializer.Serialize(value));
        _stream.Write(Encoding.UTF8.GetBytes(line.Append("}\n").ToString()));
        _stream.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    /// <summary>Whether a line is whole and of no later step; a killed process may leave half a line.</summary>
    private static bool IsUpTo(string line, long step)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.GetProperty("step").GetInt64() <= step;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
