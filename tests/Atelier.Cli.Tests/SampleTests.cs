using System.Reflection;
using System.Text.Json;
using Atelier.TestSupport;

namespace Atelier.Cli.Tests;

[Collection(nameof(ToolCollection))]
public sealed class SampleTests : IDisposable
{
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void The_first_model_s_program_trains_judges_and_tells_two_stories()
    {
        string[] lines = Run("FirstModel", "training.steps=5", "data.worldDocuments=100", "model.layerCount=1",
            "model.hiddenSize=16", "model.contextLength=16", "evaluation.samples=1", "evaluation.sampleTokens=16",
            "evaluation.bootstrapSamples=10", "generation.maxTokens=20");
        lines.Length.ShouldBeGreaterThanOrEqualTo(3);
        lines[0].ShouldContain("best possible");
    }

    [Fact]
    public void A_family_from_outside_learns_what_counting_its_bigrams_learns()
    {
        string[] lines = Run("OwnFamily", "training.steps=400", "data.worldDocuments=500", "evaluation.baselineOrder=2",
            "evaluation.samples=1", "evaluation.sampleTokens=16", "evaluation.bootstrapSamples=10",
            "generation.maxTokens=20");
        lines.Length.ShouldBeGreaterThanOrEqualTo(3);
        JsonElement report = JsonDocument.Parse(File.ReadAllText(_tool.At("run/report.json"))).RootElement;
        double counted = Loss(report.GetProperty("baselines").GetProperty("ngram2"));
        Loss(report.GetProperty("metrics")).ShouldBe(counted, 0.03);

        Should.Throw<AtelierException>(() => new Workshop().Open(_tool.At("run"))).Message
            .ShouldContain("'sample_bigram' are not supported");

        static double Loss(JsonElement metrics) =>
            metrics.GetProperty("crossEntropyPerCharacter").GetProperty("value").GetDouble();
    }

    [Fact]
    public void A_family_from_outside_takes_less_than_100_lines_and_no_internals()
    {
        string[] files = Directory.GetFiles(Path.Combine(Repository.Folder, "samples", "OwnFamily"), "*.cs");
        files.Sum(file => File.ReadAllLines(file).Length).ShouldBeLessThan(100);
        typeof(Workshop).Assembly.GetCustomAttributes<System.Runtime.CompilerServices.InternalsVisibleToAttribute>()
            .ShouldAllBe(friend => friend.AssemblyName != "OwnFamily");
    }

    /// <summary>Runs a sample with changes to its recipe and returns the lines that it writes.</summary>
    private string[] Run(string sample, params string[] changes)
    {
        TextWriter before = Console.Out;
        using var output = new StringWriter();
        try
        {
            Console.SetOut(output);
            Assembly.Load(sample).EntryPoint!.Invoke(null, [(string[])[_tool.At("run"), .. changes]]);
        }
        finally
        {
            Console.SetOut(before);
        }
        return output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
