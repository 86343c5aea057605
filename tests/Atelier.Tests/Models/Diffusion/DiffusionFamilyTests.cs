using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Tasks.Images;
using Atelier.Tests.Data;
using Atelier.Training;

namespace Atelier.Tests.Models.Diffusion;

/// <summary>
/// From the world of shapes to a bundle, to pictures and to a report, with a network that is as small as goes.
/// </summary>
public sealed class DiffusionFamilyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("model.network=unet")]
    [InlineData("model.network=dit model.hiddenSize=16 model.headCount=2 model.layerCount=1")]
    public async Task A_trained_bundle_draws_the_class_it_is_asked_for_and_the_same_pictures_again(string network)
    {
        await Train(network.Split(' '));
        using var generator = new Workshop().Open(_folder["run"]).Require<ImageGenerator>();
        var request = new GenerationRequest { Count = 3, Class = "red-circle",
            Drawing = new SamplingOptions { Steps = 2, Guidance = 2 } };
        ImageSample[] pictures = [.. generator.GenerateAsync(request).ToBlockingEnumerable().Cast<ImageSample>()];
        pictures.ShouldAllBe(p => p.Width == 32 && p.Pixels.Length == 3 * 32 * 32 && p.Class == "red-circle");
        pictures[0].Pixels.Span.SequenceEqual(pictures[1].Pixels.Span).ShouldBeFalse();
        ImageSample again = generator.GenerateAsync(request).ToBlockingEnumerable().Cast<ImageSample>().Last();
        again.Pixels.Span.SequenceEqual(pictures[2].Pixels.Span).ShouldBeTrue();

        Directory.GetFiles(_folder["run"], "step-*.png", SearchOption.AllDirectories).ShouldNotBeEmpty();

        Refused(new GenerationRequest { Class = "pink-cat" }, "red-circle");
        Refused(new GenerationRequest { Drawing = new SamplingOptions { Sampler = "magic" } }, "ddim");
        Refused(new GenerationRequest { Drawing = new SamplingOptions { Steps = 0 } }, "steps: ");
        Refused(new GenerationRequest { Prompt = "a cat" }, "prompt");

        void Refused(GenerationRequest wrong, string why) =>
            Should.Throw<AtelierException>(() => generator.GenerateAsync(wrong).ToBlockingEnumerable().ToList())
                .ToLine().ShouldContain(why);
    }

    [Fact]
    public async Task How_images_are_drawn_stands_in_generation_config_and_gives_way_to_a_request()
    {
        await Train("generation.sampler=euler", "generation.steps=3", "generation.guidance=1.5");
        string file = _folder["run/bundle/generation_config.json"];
        using JsonDocument defaults = JsonDocument.Parse(File.ReadAllBytes(file));
        defaults.RootElement.EnumerateObject().Select(p => $"{p.Name}: {p.Value}")
            .ShouldBe(["sampler: euler", "num_inference_steps: 3", "guidance_scale: 1.5"]);
        var asked = new SamplingOptions { Sampler = "euler", Steps = 3, Guidance = 1.5 };
        byte[] usual = Draw(null);
        Draw(asked).ShouldBe(usual);
        Draw(asked with { Steps = 4 }).ShouldNotBe(usual);
        Draw(asked with { Guidance = 100 }).ShouldNotBe(usual, "classes hardly matter to a model of a few steps");

        // Bundles of earlier versions held them in config.json.
        string config = Path.Combine(Path.GetDirectoryName(file)!, "config.json");
        JsonObject earlier = JsonNode.Parse(File.ReadAllText(config))!.AsObject();
        (earlier["sampler"], earlier["sampler_steps"], earlier["guidance"]) = ("euler", 3, 1.5);
        File.WriteAllText(config, earlier.ToJsonString());
        File.Delete(file);
        Draw(null).ShouldBe(usual);

        File.WriteAllText(file, """{"num_inference_steps": 0}""");
        Should.Throw<AtelierException>(() => Draw(null)).Where.ShouldBe(file);

        byte[] Draw(SamplingOptions? drawing)
        {
            using var generator = new Workshop().Open(_folder["run"]).Require<ImageGenerator>();
            return [.. generator.GenerateAsync(new GenerationRequest { Count = 2, Drawing = drawing })
                .ToBlockingEnumerable().Cast<ImageSample>().SelectMany(image => image.Pixels.ToArray())];
        }
    }

    [Fact]
    public async Task A_recipe_of_an_earlier_version_trains_the_same_model_and_the_run_says_what_is_renamed()
    {
        var (present, earlier) = (new Messages(), new Messages());
        await TinyShapes.TrainAsync(_folder["present"], present, "training.threads=1", "generation.sampler=euler",
            "generation.guidance=1.5");
        await TinyShapes.TrainAsync(_folder["earlier"], earlier, "training.threads=1", "model.sampler=euler",
            "model.guidance=1.5");
        present.ShouldNotContain(message => message.Contains("is now", StringComparison.Ordinal));
        earlier.Count(message => message.Contains("model.sampler is now generation.sampler", StringComparison.Ordinal))
            .ShouldBe(1);
        foreach (string name in (string[])["bundle/model.safetensors", "bundle/config.json",
            "bundle/generation_config.json", "recipe.yaml", "samples/step-10.png"])
            File.ReadAllBytes(_folder[$"earlier/{name}"]).ShouldBe(File.ReadAllBytes(_folder[$"present/{name}"]), name);
    }

    [Fact]
    public async Task A_picture_to_begin_from_stays_where_the_mask_is_black_and_nearly_where_the_strength_is_small()
    {
        await Train();
        using var generator = new Workshop().Open(_folder["run"]).Require<ImageGenerator>();
        byte[] red = [.. Enumerable.Range(0, 3 * 32 * 32).Select(i => (byte)(i % 3 == 0 ? 200 : 40))];
        byte[] upper = [.. Enumerable.Range(0, 32 * 32).Select(i => (byte)(i < 16 * 32 ? 255 : 0))];
        ImageFiles.WritePng(_folder["red.png"], 32, 32, 3, red);
        ImageFiles.WritePng(_folder["mask.png"], 32, 32, 1, upper);

        InputImage given = ImageFiles.Load(_folder["red.png"]), mask = ImageFiles.Load(_folder["mask.png"]);
        byte[] masked = Sample(new SamplingOptions { From = given, Mask = mask });
        masked.AsSpan(3 * 16 * 32).SequenceEqual(red.AsSpan(3 * 16 * 32)).ShouldBeTrue();
        masked.AsSpan(0, 3 * 16 * 32).SequenceEqual(red.AsSpan(0, 3 * 16 * 32)).ShouldBeFalse();
        double little = Apart(new SamplingOptions { From = given, Strength = 0.02 }),
            much = Apart(new SamplingOptions { From = given, Strength = 1 });
        little.ShouldBeLessThan(5);
        much.ShouldBeGreaterThan(4 * little);

        Refused(new SamplingOptions { From = given, Strength = 2 }, "strength: ");
        Refused(new SamplingOptions { Mask = mask }, "from: ");
        Refused(new SamplingOptions { From = new(new byte[9], "none.png") }, "none.png: ");
        Should.Throw<AtelierException>(() => ImageFiles.Load(_folder["none.png"])).ToLine().ShouldContain("none.png: ");

        double Apart(SamplingOptions drawing) => Sample(drawing).Zip(red, (a, b) => Math.Abs(a - b)).Average();
        byte[] Sample(SamplingOptions drawing) =>
            generator.GenerateAsync(new GenerationRequest { Drawing = drawing }).ToBlockingEnumerable()
                .Cast<ImageSample>().Single().Pixels.ToArray();
        void Refused(SamplingOptions drawing, string where) =>
            Should.Throw<AtelierException>(() => Sample(drawing)).ToLine().ShouldContain(where);
    }

    [Fact]
    public async Task A_way_between_seeds_begins_and_ends_at_the_pictures_that_they_draw()
    {
        await Train();
        using var generator = new Workshop().Open(_folder["run"]).Require<ImageGenerator>();
        ImageSample[] way =
            [.. Sample(new GenerationRequest { Count = 5, Drawing = new() { Interpolate = new([7, 8]) } })];
        byte[] first = Sample(new GenerationRequest { Seed = 7 }).Single().Pixels.ToArray(),
            last = Sample(new GenerationRequest { Seed = 8 }).Single().Pixels.ToArray();
        Apart(way[0], first).ShouldBeLessThan(2, "rounding alone");
        Apart(way[4], last).ShouldBeLessThan(2, "rounding alone");
        Apart(way[2], first).ShouldBeGreaterThan(10);
        Apart(way[2], last).ShouldBeGreaterThan(10);

        IEnumerable<ImageSample> Sample(GenerationRequest request) =>
            generator.GenerateAsync(request).ToBlockingEnumerable().Cast<ImageSample>();
        static double Apart(ImageSample sample, byte[] other) =>
            sample.Pixels.ToArray().Zip(other, (a, b) => Math.Abs(a - b)).Average();
    }

    [Theory]
    [InlineData("ddim")]
    [InlineData("heun")]
    public async Task Drawing_and_likelihoods_stop_at_the_next_step_of_a_batch(string sampler)
    {
        await Train();
        using var generator = new Workshop().Open(_folder["run"]).Require<ImageGenerator>();
        using var stop = new CancellationTokenSource();
        int looks = 0;
        generator.Watch = _ =>
        {
            if (++looks == 3)
                stop.Cancel();
        };
        var drawing = new SamplingOptions { Steps = 1000, Sampler = sampler };
        var request = new GenerationRequest { Count = 8, Drawing = drawing };
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            await foreach (Sample sample in generator.GenerateAsync(request, stop.Token))
                throw new InvalidOperationException("nothing is whole yet");
        });
        looks.ShouldBe(3);

        stop.IsCancellationRequested.ShouldBeTrue();
        using var data = (ImageData)new Workshop().OpenData(_folder["run"]);
        using ImageBatch batch = new ImageBatches(data.Validation, 4, seed: 1, shuffled: false).Get(0);
        Should.Throw<OperationCanceledException>(() => generator.Model.Likelihood(batch, seed: 1, stop.Token));
    }

    [Fact]
    public async Task It_is_judged_by_reading_classes_back_from_what_it_draws()
    {
        await Train();
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["run"]);
        report.Metrics["bitsPerDimension"].Value.ShouldBeInRange(1, 60,
            "8 bits say everything, and ten steps teach little");
        report.Metrics["elbo"].Value.ShouldBe(-report.Metrics["bitsPerDimension"].Value * 3 * 32 * 32 * Math.Log(2), 1);
        report.Metrics["loss"].Value.ShouldBeInRange(0.01, 2.2,
            "the velocity is the difference of noise and pictures, each of a variance of about one");
        report.Metrics["classAccuracy"].Value.ShouldBeInRange(0, 0.6, "ten steps teach little");
        report.Baselines["heldOutPictures"]["classAccuracy"].Value.ShouldBe(1);
        report.Verdict.ShouldContain("not beaten");
    }

    [Theory]
    [InlineData("\"blocks\": 1", "\"blocks\": 16", "describes at least")]
    [InlineData("\"network\": \"unet\"", "\"network\": \"dit\"", "describes at least")]
    [InlineData("\"image_width\": 32", "\"image_width\": 100000000", "impossible images")]
    [InlineData("\"blocks\": 1", "\"blocks\": 1000000", "blocks")]
    public async Task A_config_that_claims_another_size_is_refused_before_such_a_model_is_made(string from, string to,
        string why)
    {
        await Train();
        string config = Directory.GetFiles(_folder["run"], "config.json", SearchOption.AllDirectories).First();
        string text = File.ReadAllText(config);
        text.ShouldContain(from);
        File.WriteAllText(config, text.Replace(from, to, StringComparison.Ordinal));
        Should.Throw<AtelierException>(() => new Workshop().Open(_folder["run"])).Message.ShouldContain(why,
            Case.Insensitive);
    }

    [Theory]
    [InlineData("model.channels=[12]", "a multiple of 8")]
    [InlineData("model.patchSize=5", "do not divide")]
    [InlineData("model.sampler=magic", "there is no sampler")]
    [InlineData("generation.sampler=magic", "generation.sampler: there is no sampler")]
    [InlineData("model.network=dit model.hiddenSize=18", "not a multiple of 4")]
    [InlineData("model.network=dit model.headCount=5", "not divisible")]
    [InlineData("model.network=dot", "dit")]
    public async Task An_impossible_recipe_is_refused(string settings, string why) =>
        (await Should.ThrowAsync<AtelierException>(() => Train(settings.Split(' ')))).ToLine().ShouldContain(why);

    private Task Train(params string[] more) => TinyShapes.TrainAsync(_folder["run"], more);

    private sealed class Messages : List<string>, IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => Add(value.Message ?? "");
    }
}
