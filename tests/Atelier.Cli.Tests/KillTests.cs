using System.Diagnostics;
using System.Globalization;
using Atelier.Formats;

namespace Atelier.Cli.Tests;

/// <summary>A process that is killed without warning loses nothing that a checkpoint held.</summary>
[Collection(nameof(ToolCollection))]
public sealed class KillTests : IDisposable
{
    private const int Steps = 400;
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task A_killed_run_resumes_to_the_weights_of_a_run_never_broken()
    {
        string[] train =
        [
            "train", "--text", Text(), "--set", "model.layerCount=1", "--set", "model.headCount=2", "--set",
                "model.hiddenSize=16",
            "--set", "model.contextLength=16", "--set", "model.dropout=0.2", "--set", "training.batchSize=4", "--set",
                "training.minutes=null",
            "--set", "training.epochs=null", "--set",
                string.Create(CultureInfo.InvariantCulture, $"training.steps={Steps}"),
            "--set", "training.checkpointEvery=20", "--set", "training.sampleEvery=0", "--set", "training.threads=1",
                "--set", "training.ema=0.9",
            "--set", "evaluation.samples=0", "--set", "evaluation.bootstrapSamples=10",
        ];
        _tool.Run([.. train, "--out", _tool.At("whole")]).Code.ShouldBe(0);

        using (Process process = Start([.. train, "--out", _tool.At("killed")]))
        {
            var watch = Stopwatch.StartNew();
            while (!Directory.Exists(_tool.At("killed/checkpoints/step-60")) && !process.HasExited
                && watch.Elapsed < TimeSpan.FromMinutes(1))
                await Task.Delay(2);
            process.Kill();
            await process.WaitForExitAsync();
        }
        Directory.Exists(_tool.At("killed/bundle")).ShouldBeFalse("it was to be killed before it ended");

        ToolResult resumed = _tool.Run("train", "--resume", "--out", _tool.At("killed"));
        resumed.Code.ShouldBe(0, resumed.Error);
        Weights("killed").ShouldBe(Weights("whole"));
    }

    private byte[] Weights(string run)
    {
        string path = Path.Combine(_tool.At(run), "bundle", "model.safetensors");
        using SafetensorsFile file = SafetensorsFile.Open(path);
        file.Entries.Count.ShouldBeGreaterThan(5);
        return File.ReadAllBytes(path);
    }

    private string Text()
    {
        string path = _tool.At("sums.txt");
        File.WriteAllText(path,
            string.Join("\n\n",
            Enumerable.Range(0, 400)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"{i} and {i + 7} make {2 * i + 7}."))));
        return path;
    }

    private static Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet",
            [typeof(Tool).Assembly.Location, .. arguments, "--quiet"]) { UseShellExecute = false };
        return Process.Start(start)!;
    }
}
