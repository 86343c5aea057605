using Atelier.Abstractions;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tests.Data;
using Atelier.Training;

namespace Atelier.Tests.Models.Gan;

/// <summary>From the world of shapes to a bundle and to pictures, with networks that are as small as goes.</summary>
public sealed class GanFamilyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_trained_bundle_draws_the_class_it_is_asked_for_and_the_same_pictures_again()
    {
        await Train("run");
        using var generator = new Workshop().Open(_folder["run"]).Require<ImageGenerator>();
        var request = new GenerationRequest { Count = 3, Class = "red-circle" };
        ImageSample[] pictures = [.. generator.GenerateAsync(request).ToBlockingEnumerable().Cast<ImageSample>()];
        pictures.ShouldAllBe(p => p.Width == 32 && p.Pixels.Length == 3 * 32 * 32 && p.Class == "red-circle");
        pictures[0].Pixels.Span.SequenceEqual(pictures[1].Pixels.Span).ShouldBeFalse();
        using var again = new Workshop().Open(_folder["run"]).Require<ImageGenerator>();
        ImageSample last = again.GenerateAsync(request).ToBlockingEnumerable().Cast<ImageSample>().Last();
        last.Pixels.Span.SequenceEqual(pictures[2].Pixels.Span).ShouldBeTrue();
        Directory.GetFiles(_folder["run"], "step-*.png", SearchOption.AllDirectories).ShouldNotBeEmpty();
        Should.Throw<AtelierException>(() =>
            generator.GenerateAsync(request with { Drawing = new SamplingOptions { Steps = 5 } }).ToBlockingEnumerable()
            .ToList())
            .ToLine().ShouldContain("draws in one step");
    }

    [Fact]
    public async Task A_way_goes_between_the_noises_of_two_seeds_and_between_their_classes_but_not_between_pictures()
    {
        await Train("run");
        using var generator = new Workshop().Open(_folder["run"]).Require<ImageGenerator>();
        ImageSample[] way =
            [.. Sample(new()
            {
                Count = 3, Class = "red-circle,blue-square", Drawing = new() { Interpolate = new([7, 8]) },
            })];
        way.Select(picture => picture.Class).ShouldBe(["red-circle", "blue-square", "blue-square"]);
        Apart(way[0], Sample(new() { Class = "red-circle", Seed = 7 })[0]).ShouldBeLessThan(1, "rounding alone");
        Apart(way[2], Sample(new() { Class = "blue-square", Seed = 8 })[0]).ShouldBeLessThan(1, "rounding alone");
        Should.Throw<AtelierException>(() =>
            Sample(new() { Count = 3, Drawing = new() { Interpolate = new([new InputImage(default)]) } })).ToLine()
            .ShouldContain("give seeds");

        ImageSample[] Sample(GenerationRequest request) =>
            [.. generator.GenerateAsync(request).ToBlockingEnumerable().Cast<ImageSample>()];
        static double Apart(ImageSample one, ImageSample other) =>
            one.Pixels.ToArray().Zip(other.Pixels.ToArray(), (a, b) => Math.Abs(a - b)).Average();
    }

    [Fact]
    public async Task The_game_is_told_while_it_is_played()
    {
        await Train("run");
        string last = File.ReadLines(Directory.GetFiles(_folder["run"], "metrics.jsonl", SearchOption.AllDirectories)
            .Single()).Last();
        foreach (string figure in (string[])["loss", "loss.generator", "gradientNorm", "gradientNorm.generator",
            "realRight", "madeRight", "validationDiversity"])
            last.ShouldContain($"\"{figure}\":");
    }

    [Fact]
    public async Task A_run_that_was_cut_goes_on_to_the_same_bundle_byte_for_byte()
    {
        await Train("whole");
        using var cancel = new CancellationTokenSource();
        var watch = new Watch(step =>
        {
            if (step >= 3)
                cancel.Cancel();
        });
        await new Workshop().TrainAsync(Recipe(), new(_folder["cut"]) { Progress = watch }, cancel.Token);
        (await new Workshop().ResumeAsync(new(_folder["cut"]))).Report.Steps.ShouldBe(6);
        byte[] whole = Weights("whole"), cut = Weights("cut");
        cut.ShouldBe(whole);

        byte[] Weights(string run) =>
            File.ReadAllBytes(Directory.GetFiles(Path.Combine(_folder[run], "bundle"), "model.safetensors",
            SearchOption.AllDirectories).Single());
    }

    [Theory]
    [InlineData("\"noise_size\": 64", "\"noise_size\": 4096", "tells a shape of at least")]
    [InlineData("\"noise_size\": 64", "\"noise_size\": 100000", "noise")]
    [InlineData("\"image_width\": 32", "\"image_width\": 100000000", "impossible pictures")]
    [InlineData("\"image_width\": 32", "\"image_width\": 33", "cannot be halved")]
    public async Task A_config_that_claims_another_size_is_refused_before_such_a_model_is_made(string from, string to,
        string why)
    {
        await Train("run");
        string config = Directory.GetFiles(_folder["run"], "config.json", SearchOption.AllDirectories).First();
        string text = File.ReadAllText(config);
        text.ShouldContain(from);
        File.WriteAllText(config, text.Replace(from, to, StringComparison.Ordinal));
        Should.Throw<AtelierException>(() => new Workshop().Open(_folder["run"])).Message.ShouldContain(why,
            Case.Insensitive);
    }

    [Theory]
    [InlineData("model.channels=[12]", "multiples of 8")]
    [InlineData("model.channels=[8, 8, 8, 8, 8, 8]", "cannot be halved")]
    [InlineData("model.loss=wasserstein", "bounded slope", "model.spectralNorm=false")]
    public async Task An_impossible_recipe_is_refused(string setting, string why, params string[] more) =>
        (await Should.ThrowAsync<AtelierException>(() => Train("run", [setting, .. more]))).Message.ShouldContain(why);

    private Task Train(string run, params string[] more) => new Workshop().TrainAsync(Recipe(more), new(_folder[run]));

    private static Recipe Recipe(params string[] more) => RecipeReader.Read("mnist-gan", ModelFamilies.All,
    [
        "data.source=world:shapes", "data.worldDocuments=200", "model.channels=[8, 8]", "training.steps=6",
            "training.batchSize=8", "training.replicas=1", "training.threads=1",
        "training.reportEvery=1", "training.evaluateEvery=3", "training.evaluationBatches=1", "training.sampleEvery=3",
            "training.checkpointEvery=0", "training.device=cpu", .. more,
    ]);

    private sealed class Watch(Action<long> step) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => step(value.Step);
    }
}
