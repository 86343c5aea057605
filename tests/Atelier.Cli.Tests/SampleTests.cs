namespace Atelier.Cli.Tests;

[Collection(nameof(ToolCollection))]
public sealed class SampleTests : IDisposable
{
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void The_first_model_s_program_trains_judges_and_tells_two_stories()
    {
        TextWriter before = Console.Out;
        using var output = new StringWriter();
        try
        {
            Console.SetOut(output);
            System.Reflection.Assembly.Load("FirstModel").EntryPoint!.Invoke(null,
            [
                new[]
                {
                    _tool.At("run"), "training.steps=5", "data.worldDocuments=100", "model.layerCount=1",
                        "model.hiddenSize=16", "model.contextLength=16",
                    "evaluation.samples=1", "evaluation.sampleTokens=16", "evaluation.bootstrapSamples=10",
                        "generation.maxTokens=20",
                },
            ]);
        }
        finally
        {
            Console.SetOut(before);
        }
        string[] lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBeGreaterThanOrEqualTo(3);
        lines[0].ShouldContain("best possible");
    }
}
