using System.Buffers.Binary;
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
        _run = Train("run");
    }

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void A_picture_is_made_again_byte_by_byte_from_its_own_file()
    {
        string grid = _tool.At("grid.png"), folder = _tool.At("each") + Path.DirectorySeparatorChar,
            again = _tool.At("again.png");
        _tool.Run("generate", _run, "--class", "red-circle", "--count", "5", "--seed", "7", "--sampler", "ancestral",
            "--out", grid).Code.ShouldBe(0);
        _tool.Run("generate", "--like", grid, "--out", again).Code.ShouldBe(0);
        File.ReadAllBytes(again).ShouldBe(File.ReadAllBytes(grid));

        JsonElement each =
            _tool.Run("generate", _run, "--count", "3", "--sampler", "ancestral", "--out", folder, "--json").Json;
        each.GetProperty("samples").EnumerateArray().Select(s => Path.GetFileName(s.GetProperty("file").GetString()))
            .ShouldBe(["00.png", "01.png", "02.png"]);
        _tool.Run("generate", _run, "--like", Path.Combine(folder, "01.png"), "--out", again).Code.ShouldBe(0);
        File.ReadAllBytes(again).ShouldBe(File.ReadAllBytes(Path.Combine(folder, "01.png")));
    }

    [Fact]
    public void Ways_between_seeds_and_between_pictures_are_rows_that_can_be_made_again_or_an_animation()
    {
        string rows = _tool.At("rows.png"), again = _tool.At("again.png"), film = _tool.At("way.gif");
        _tool.Run("generate", _run, "--interpolate", "1,2,3", "--class", "red-circle,blue-square,red-circle", "--count",
            "4", "--out", rows).Code.ShouldBe(0);
        Size(rows).ShouldBe(((4 * 34) - 2, (2 * 34) - 2), "a row a way, of four pictures of 32 pixels, 2 between");
        _tool.Run("generate", "--like", rows, "--out", again).Code.ShouldBe(0);
        File.ReadAllBytes(again).ShouldBe(File.ReadAllBytes(rows));
        _tool.Run("generate", _run, "--interpolate", "1,2", "--out", film).Code.ShouldBe(0);
        File.ReadAllBytes(film).AsSpan(0, 6).SequenceEqual("GIF89a"u8).ShouldBeTrue();

        string folder = _tool.At("ends");
        _tool.Run("generate", _run, "--count", "2", "--out", folder + "/").Code.ShouldBe(0);
        _tool.Run("generate", _run, "--interpolate", folder, "--class", "red-circle", "--strength", "0.5", "--count",
            "3", "--out", rows).Code.ShouldBe(0);
        Size(rows).ShouldBe(((3 * 34) - 2, 32));
        _tool.Run("generate", "--like", rows, "--out", again).Code.ShouldBe(0);
        File.ReadAllBytes(again).ShouldBe(File.ReadAllBytes(rows));
        File.Copy(Path.Combine(folder, "00.png"), Path.Combine(folder, "01.png"), overwrite: true);
        ToolResult changed = _tool.Run("generate", "--like", rows, "--out", again);
        (changed.Code, changed.Error.Contains("01.png", StringComparison.Ordinal)).ShouldBe((2, true), changed.Error);
        Refused("--sampler", "generate", _run, "--interpolate", "1,2", "--sampler", "ancestral", "--out", rows);
        Refused("--class", "generate", _run, "--interpolate", folder, "--out", rows);
        Refused("nor a list of seeds", "generate", _run, "--interpolate", "7", "--out", rows);
        Refused("2 classes are named for 3 end points", "generate", _run, "--interpolate", "1,2,3", "--class",
            "red-circle,blue-square", "--out", rows);
    }

    [Fact]
    public void Ways_between_the_latents_of_pictures_have_as_many_pictures_as_are_asked_for()
    {
        string vae = _tool.At("vae"), ends = _tool.At("ends"), rows = _tool.At("rows.png");
        ToolResult trained = _tool.Run("train", "shapes-vae", "--out", vae, "--json", "--set", "training.steps=2",
            "--set", "data.worldDocuments=40", "--set", "training.batchSize=4", "--set", "model.channels=[8]",
            "--set", "training.sampleEvery=0", "--set", "evaluation.importanceSamples=1");
        Unit(trained, "trainingLoss").ShouldBe("nats per picture");
        _tool.Run("generate", _run, "--count", "2", "--out", ends + "/").Code.ShouldBe(0);

        _tool.Run("generate", vae, "--interpolate", ends, "--count", "4", "--out", rows).Code.ShouldBe(0);
        Size(rows).ShouldBe(((4 * 34) - 2, 32));
        _tool.Run("generate", vae, "--interpolate", ends, "--out", rows).Code.ShouldBe(0);
        Size(rows).ShouldBe(((11 * 34) - 2, 32), "the usual number");
    }

    [Theory]
    [InlineData("shapes-diffusion", "mean squared error", "model.samplerSteps=2", "model.channels=[8]",
        "evaluation.likelihoodPictures=0")]
    [InlineData("shapes-gan", "loss", "model.family=gan", "model.channels=[8]")]
    public void A_loss_is_labelled_with_the_models_own_unit(string name, string unit, params string[] settings)
    {
        ToolResult trained = _tool.Run(["train", "shapes-diffusion", "--out", _tool.At(name), "--json",
            .. ((string[])[.. settings, "training.steps=2", "data.worldDocuments=40", "training.batchSize=4",
                "training.sampleEvery=0", "evaluation.features=none", "evaluation.pictures=10"])
                .SelectMany(setting => (string[])["--set", setting])]);
        foreach (string loss in (string[])["trainingLoss", "validationLoss", "bestValidationLoss"])
            Unit(trained, loss).ShouldBe(unit);
    }

    [Fact]
    public void A_recipe_with_keys_of_an_earlier_version_is_sound_and_its_check_says_their_present_names()
    {
        string recipe = _tool.At("earlier.yaml");
        File.WriteAllText(recipe, "model: {family: diffusion, sampler: euler, samplerSteps: 3}\n");
        ToolResult result = _tool.Run("recipes", "check", recipe);
        (result.Code, result.Out).ShouldBe((0, "run: valid\n"));
        result.Error.ShouldContain(
            "model.sampler is now generation.sampler, model.samplerSteps is now generation.steps");
    }

    [Fact]
    public void What_a_second_model_enlarged_is_made_again_by_both()
    {
        string small = Train("small", "data.image.width=16", "data.image.height=16", "model.patchSize=2"),
            up = Train("up", "model.upscale=2", "model.conditional=false");
        string grid = _tool.At("grid.png"), again = _tool.At("again.png"), one = _tool.At("one.png");
        _tool.Run("generate", small, "--upscale", up, "--class", "red-circle", "--count", "4", "--out",
            grid).Code.ShouldBe(0);
        Size(grid).ShouldBe((66, 66), "four pictures of 32 pixels");
        _tool.Run("generate", "--like", grid, "--out", again).Code.ShouldBe(0);
        File.ReadAllBytes(again).ShouldBe(File.ReadAllBytes(grid));
        Refused("is not the model that enlarged the file", "generate", "--like", grid, "--upscale",
            Train("other", "model.upscale=2", "model.conditional=false", "seed=5"), "--out", again);

        _tool.Run("generate", small, "--out", one).Code.ShouldBe(0);
        _tool.Run("generate", up, "--from", one, "--out", again).Code.ShouldBe(0);
        Size(again).ShouldBe((32, 32));
        Refused("does not enlarge images", "generate", up, "--upscale", small, "--from", one, "--out", again);
        Refused("and none is named", "generate", up, "--out", again);
        Refused("leave --upscale out", "generate", small, "--upscale", up, "--out", _tool.At("film.gif"));
    }

    [Fact]
    public void A_picture_is_not_made_again_from_a_file_that_has_changed()
    {
        string begin = _tool.At("begin.png"), drawn = _tool.At("drawn.png"), again = _tool.At("again.png");
        _tool.Run("generate", _run, "--seed", "3", "--out", begin).Code.ShouldBe(0);
        _tool.Run("generate", _run, "--from", begin, "--out", drawn).Code.ShouldBe(0);
        _tool.Run("generate", "--like", drawn, "--out", again).Code.ShouldBe(0);
        File.ReadAllBytes(again).ShouldBe(File.ReadAllBytes(drawn));
        _tool.Run("generate", _run, "--seed", "4", "--out", begin).Code.ShouldBe(0);
        Refused("has changed since", "generate", "--like", drawn, "--out", again);
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
        Refused("is not a PNG file", "generate", "--like", Path.Combine(_run, "recipe.yaml"));
        Refused("no model was named", "generate", "--count", "2");
        string strange = Directory.GetFiles(Path.Combine(_run, "samples"), "*.png")[0];
        Refused("does not record how it was generated", "generate", "--like", strange);
    }

    private static string? Unit(ToolResult trained, string metric)
    {
        trained.Code.ShouldBe(0, trained.Error);
        return trained.Json.GetProperty("metrics").GetProperty(metric).GetProperty("unit").GetString();
    }

    private static (int, int) Size(string png)
    {
        byte[] bytes = File.ReadAllBytes(png);
        return (BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(16)),
            BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(20)));
    }

    [Fact]
    public void A_copy_that_samples_in_fewer_steps_is_a_run_next_to_its_original()
    {
        ToolResult made = _tool.Run("compress", _run, "--steps", "2", "--recover", "3", "--json");
        made.Code.ShouldBe(0, made.Error);
        JsonElement report = made.Json;
        report.GetProperty("run").GetString().ShouldBe(_run + "-2-steps");
        report.GetProperty("after").GetProperty("imagesPerSecond").GetDouble().ShouldBeGreaterThan(0);
        report.GetProperty("after").GetProperty("metrics").TryGetProperty("loss", out _).ShouldBeFalse();
        _tool.Run("generate", _run + "-2-steps", "--out", _tool.At("few.png")).Code.ShouldBe(0);

        Refused("in 2 steps of its own", "generate", _run + "-2-steps", "--steps", "3", "--out", _tool.At("few.png"));
        Refused("--to is not for fewer sampling steps", "compress", _run, "--steps", "2", "--to", "q4");
        Refused("finished run", "compress", _run, "--steps", "2");
        Refused("allowed: 1 to 64", "compress", _run, "--steps", "65");
        Refused("--recover", "compress", _run, "--steps", "1", "--recover", "0");
        Directory.Exists(_run + "-1-steps").ShouldBeFalse();
    }

    private string Train(string name, params string[] settings)
    {
        string run = _tool.At(name);
        ToolResult trained = _tool.Run(
        [
            "train", "shapes-diffusion", "--out", run, "--set", "training.steps=2", "--set", "data.worldDocuments=40",
                "--set", "training.batchSize=4",
            "--set", "model.channels=[8]", "--set", "model.patchSize=4", "--set", "generation.steps=3", "--set",
                "training.evaluateEvery=0", "--set", "training.sampleEvery=2",
            "--set", "evaluation.features=none", .. settings.SelectMany(setting => (string[])["--set", setting]),
        ]);
        trained.Code.ShouldBe(0, trained.Error);
        return run;
    }

    private void Refused(string why, params string[] arguments)
    {
        ToolResult result = _tool.Run(arguments);
        (result.Code, result.Error.Trim().Split('\n')[^1].Contains(why, StringComparison.Ordinal))
            .ShouldBe((2, true), result.Error);
    }
}
