using System.Text.Json;

namespace Atelier.Cli.Tests;

/// <summary>Pictures from the command line: where they go, and how they are made again.</summary>
[Collection(nameof(ToolCollection))]
public sealed class PictureTests : IDisposable
{
    private readonly ToolRunner _tool = new();
    private readonly string _run;

    public PictureTests()
    {
        _run = _tool.At("run");
        ToolResult trained = _tool.Run("train", "shapes-diffusion", "--out", _run, "--set", "training.steps=2", "--set", "data.worldDocuments=40", "--set", "training.batchSize=4",
            "--set", "model.channels=[8]", "--set", "model.patchSize=4", "--set", "model.samplerSteps=3", "--set", "training.evaluateEvery=0", "--set", "training.sampleEvery=2");
        trained.Code.ShouldBe(0, trained.Error);
    }

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void A_picture_is_made_again_byte_by_byte_from_its_own_file()
    {
        string grid = _tool.At("grid.png"), folder = _tool.At("each") + Path.DirectorySeparatorChar, again = _tool.At("again.png");
        _tool.Run("generate", _run, "--class", "red-circle", "--count", "5", "--seed", "7", "--sampler", "ancestral", "--out", grid).Code.ShouldBe(0);
        _tool.Run("generate", "--like", grid, "--out", again).Code.ShouldBe(0);
        File.ReadAllBytes(again).ShouldBe(File.ReadAllBytes(grid));

        JsonElement each = _tool.Run("generate", _run, "--count", "3", "--sampler", "ancestral", "--out", folder, "--json").Json;
        each.GetProperty("samples").EnumerateArray().Select(s => Path.GetFileName(s.GetProperty("file").GetString())).ShouldBe(["00.png", "01.png", "02.png"]);
        _tool.Run("generate", _run, "--like", Path.Combine(folder, "01.png"), "--out", again).Code.ShouldBe(0);
        File.ReadAllBytes(again).ShouldBe(File.ReadAllBytes(Path.Combine(folder, "01.png")));
    }

    [Fact]
    public void The_way_from_noise_is_an_animation()
    {
        string film = _tool.At("film.gif");
        _tool.Run("generate", _run, "--count", "2", "--steps", "4", "--out", film).Code.ShouldBe(0);
        File.ReadAllBytes(film).AsSpan(0, 6).SequenceEqual("GIF89a"u8).ShouldBeTrue();
    }

    [Fact]
    public void What_cannot_be_is_refused_in_a_line()
    {
        Refused("there is no class 'pink-cat'", "generate", _run, "--class", "pink-cat", "--out", _tool.At("x.png"));
        Refused("written as PNG", "generate", _run, "--out", _tool.At("x.jpg"));
        Refused("is no PNG", "generate", "--like", Path.Combine(_run, "recipe.yaml"));
        Refused("no model is named", "generate", "--count", "2");
        string strange = Directory.GetFiles(Path.Combine(_run, "samples"), "*.png")[0];
        Refused("does not say how it was made", "generate", "--like", strange);

        void Refused(string why, params string[] arguments)
        {
            ToolResult result = _tool.Run(arguments);
            (result.Code, result.Error.Trim().Split('\n')[^1].Contains(why, StringComparison.Ordinal)).ShouldBe((2, true), result.Error);
        }
    }
}
