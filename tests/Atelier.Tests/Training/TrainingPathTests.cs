using System.Globalization;
using System.Text.Json;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Tests.Data;

namespace Atelier.Tests.Training;

/// <summary>A few steps of each family of pictures, by the paths that serve in this process.</summary>
public sealed class TrainingPathTests
{
    /// <summary>Where a process that takes other paths leaves its losses for the one that started it.</summary>
    internal const string FileName = "losses.json";

    [Fact]
    public async Task Networks_of_pictures_learn_on_the_paths_of_this_process()
    {
        Dictionary<string, double[]> losses = await LearnAsync();
        losses.Values.ShouldAllBe(all => all.Length >= 6 && all.All(double.IsFinite));
        if (Environment.GetEnvironmentVariable("ATELIER_OPERATOR_PATHS") is not null)
            File.WriteAllText(Path.Combine(AtelierHome.Folder, FileName), JsonSerializer.Serialize(losses));
    }

    /// <summary>The losses of each family and precision, step by step.</summary>
    internal static async Task<Dictionary<string, double[]>> LearnAsync()
    {
        using var folder = new TemporaryFolder();
        var losses = new Dictionary<string, double[]>();
        foreach ((string recipe, string channels) in ((string, string)[])
            [("mnist-vae", "[24]"), ("mnist-gan", "[8, 24]"), ("shapes-diffusion", "[24]")])
        {
            foreach (string precision in (string[])["fp32", "bf16"])
            {
                string run = Path.Combine(folder.Path, recipe, precision);
                await new Workshop().TrainAsync(RecipeReader.Read(recipe, ModelFamilies.All,
                [
                    "data.source=world:shapes", "data.worldDocuments=200", $"model.channels={channels}",
                    "training.steps=6", "training.batchSize=8", "training.replicas=1", "training.threads=1",
                        "training.reportEvery=1",
                    "training.evaluateEvery=0", "training.sampleEvery=0", "training.checkpointEvery=0",
                    "training.device=cpu", $"training.precision={precision}",
                ]), new(run), TestContext.Current.CancellationToken);
                losses.Add($"{recipe} in {precision}", [.. Losses(Path.Combine(run, "metrics.jsonl"))]);
            }
        }
        return losses;
    }

    /// <summary>Two lists of losses as alike as rounding leaves them after a few steps.</summary>
    internal static void ShouldBeAlike(Dictionary<string, double[]> found, Dictionary<string, double[]> own)
    {
        found.Keys.ShouldBe(own.Keys);
        foreach ((string name, double[] expected) in own)
        {
            double tolerance = name.EndsWith("bf16", StringComparison.Ordinal) ? 0.05 : 0.002;
            foreach ((double loss, double right) in found[name].Zip(expected))
                loss.ShouldBe(right, tolerance * Math.Max(1, Math.Abs(right)), name);
        }
    }

    private static IEnumerable<double> Losses(string metrics) => File.ReadLines(metrics)
        .Select(line => JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(line)!)
        .SelectMany(line => line.Where(value => value.Key.EndsWith("oss", StringComparison.Ordinal)))
        .Select(value => value.Value.ValueKind == JsonValueKind.Number ? value.Value.GetDouble()
            : double.Parse(value.Value.ToString(), CultureInfo.InvariantCulture));
}
