using System.Diagnostics;
using System.Globalization;
using Atelier.Data.Audio;
using Atelier.Data.Video;
using Atelier.Recipes;

namespace Atelier.Benchmarks;

/// <summary>
/// Reads a video and a sound of a minute, then of an hour: how fast, and how much memory. Also how fast a training
/// takes its clips from the prepared data, which it does on another thread.
/// </summary>
internal static class LongMedia
{
    public const string Name = "long-media";

    public const string Description =
        "reads a video and a sound of a minute, then of MINUTES (60): speed and memory, and how fast clips are taken";

    private const int Rate = 44_100, Fps = 25, BatchSize = 16, Batches = 40;

    /// <summary>Prints a line for each file; the peak of memory is that of the process so far.</summary>
    public static void Run(int minutes)
    {
        string folder = Directory.CreateTempSubdirectory("atelier-benchmark-").FullName;
        try
        {
            foreach (int length in (int[])[1, minutes])
                Video(folder, length);
            foreach (int length in (int[])[1, minutes])
                Sound(folder, length);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Video(string folder, int minutes)
    {
        string file = Path.Combine(folder, $"{minutes}.mp4");
        Ffmpeg($"-f lavfi -i testsrc2=size=320x180:rate={Fps} -t {60 * minutes} -c:v libx264 -preset ultrafast {file}");
        var watch = Stopwatch.StartNew();
        using var data = VideoData.Prepare(new DataSection { Source = file, Video = new() { Frames = 16 } }, seed: 1,
            Path.Combine(folder, $"video-{minutes}"));
        double read = 60.0 * Fps * minutes / watch.Elapsed.TotalSeconds;
        var batches = new VideoBatches(data.Train, BatchSize, seed: 1, shuffled: true);
        watch.Restart();
        for (int i = 0; i < Batches; i++)
            batches.Get(i).Dispose();
        double taken = Batches * batches.ItemsPerBatch / watch.Elapsed.TotalSeconds;
        Tell($"video of {minutes} min, 320 × 180 to 32 × 32: {read:N0} frames/s, then {taken:N0} clips/s taken");
    }

    private static void Sound(string folder, int minutes)
    {
        string file = Path.Combine(folder, $"{minutes}.mp3");
        Ffmpeg($"-f lavfi -i sine=frequency=440:sample_rate={Rate} -t {60 * minutes} {file}");
        var watch = Stopwatch.StartNew();
        using var data = AudioData.Prepare(new DataSection
        {
            Source = file, Audio = new() { SampleRate = 16_000, ClipSeconds = 1 },
        }, seed: 1, Path.Combine(folder, $"sound-{minutes}"));
        double speed = 60 * minutes / watch.Elapsed.TotalSeconds;
        Tell($"sound of {minutes} min, MP3 of {Rate} Hz to 16,000 Hz: {speed:N0} times as fast as it plays");
    }

    private static void Ffmpeg(string arguments)
    {
        using var process = Process.Start("ffmpeg", "-v error -y " + arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new AtelierException("ffmpeg cannot make the file", hint: "install ffmpeg");
    }

    private static void Tell(FormattableString line) => Console.WriteLine(
        line.ToString(CultureInfo.InvariantCulture)
            + FormattableString.Invariant($"; peak {Comparison.PeakMiB():N0} MiB"));
}
