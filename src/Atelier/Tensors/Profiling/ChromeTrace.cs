using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Tensors.Profiling;

/// <summary>
/// Writes a profile in Chrome's trace event format (complete events, microseconds), which chrome://tracing and
/// ui.perfetto.dev display: one row for each thread, and operations as nested bars.
/// </summary>
internal static class ChromeTrace
{
    private const int Process = 1;

    /// <summary>Writes the file.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="tracks">The operations of each thread.</param>
    /// <param name="stepThread">The thread that runs the training steps.</param>
    /// <param name="steps">The start and end time stamps of each step; the start of the first is time 0.</param>
    /// <param name="from">The number of the first step.</param>
    public static void Write(string path, IEnumerable<OperationTrack> tracks, int stepThread,
        IReadOnlyList<(long Start, long End)> steps, int from) =>
        AtomicFile.Write(path, stream =>
        {
            using var json = new Utf8JsonWriter(stream);
            json.WriteStartObject();
            json.WriteString("displayTimeUnit", "ms");
            json.WriteStartArray("traceEvents");
            Name(json, "process_name", 0, "training");
            long origin = steps[0].Start;
            for (int i = 0; i < steps.Count; i++)
                Event(json, string.Create(CultureInfo.InvariantCulture, $"step {from + i}"), "step", stepThread, origin,
                    steps[i].Start, steps[i].End);
            foreach (OperationTrack track in tracks.OrderBy(t => t.Thread))
            {
                Name(json, "thread_name", track.Thread, track.Thread == stepThread ? $"{track.Name} (steps)"
                    : track.Name);
                // outer operations first
                foreach (OperationEvent e in track.Events().OrderBy(e => e.Start).ThenBy(e => e.Depth))
                {
                    bool backward = e.Phase == OperationPhase.Backward;
                    Event(json, backward ? $"{e.Name} backward" : e.Name, backward ? "backward"
                        : "forward", track.Thread, origin, e.Start, e.End);
                }
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });

    private static void Name(Utf8JsonWriter json, string of, int thread, string name)
    {
        json.WriteStartObject();
        json.WriteString("ph", "M"); // metadata
        json.WriteString("name", of);
        json.WriteNumber("pid", Process);
        json.WriteNumber("tid", thread);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Event(Utf8JsonWriter json, string name, string category, int thread, long origin, long start,
        long end)
    {
        json.WriteStartObject();
        json.WriteString("ph", "X"); // complete: begins at ts and lasts dur
        json.WriteString("name", name);
        json.WriteString("cat", category);
        json.WriteNumber("pid", Process);
        json.WriteNumber("tid", thread);
        json.WriteNumber("ts", Stopwatch.GetElapsedTime(origin, start).TotalMicroseconds);
        json.WriteNumber("dur", Stopwatch.GetElapsedTime(start, end).TotalMicroseconds);
        json.WriteEndObject();
    }
}
