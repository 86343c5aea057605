using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Models.Diffusion;
using Atelier.Recipes;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Atelier.Tests.Data;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Diffusion;

/// <summary>A model that enlarges is shown the small picture, and what it draws follows from it.</summary>
public sealed class UpscalingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Small_pictures_are_made_by_the_filter_that_resizes_pictures_of_files()
    {
        using var scope = NewDisposeScope();
        ImageSchema schema = new(12, 8, 1, []);
        var upscaling =
            new Upscaling(new DiffusionConfig { Upscale = 2 }, schema, new NoiseSchedule(ScheduleKind.Flow));
        using var random = new Generator(1, CPU);
        Tensor picture = empty(1, 1, 8, 12).uniform_(-1, 1, random);
        float[] expected = ImageResizer.Resize(picture.data<float>().ToArray(), 12, 8, 6, 4, ResizeFilter.Triangle);
        upscaling.Shrink(picture).sub(tensor(expected, 1, 1, 4, 6)).abs().max().item<float>().ShouldBeLessThan(1e-5f);
        upscaling.Enlarge(full([1, 1, 4, 6], 0.3f)).sub(0.3f).abs().max().item<float>()
            .ShouldBeLessThan(1e-5f, "weights of a filter sum to one");
    }

    [Fact]
    public void The_network_is_shown_the_enlarged_picture_with_the_noise_that_it_is_told_of()
    {
        using var scope = NewDisposeScope();
        var upscaling = new Upscaling(new DiffusionConfig { Upscale = 4, UpscaleNoise = 0.5 },
            new ImageSchema(16, 16, 3, []), new NoiseSchedule(ScheduleKind.Flow));
        using var random = new Generator(1, CPU);
        Tensor small = full([200, 3, 4, 4], 0.5f), times = full([200], 0.25f);
        Tensor condition = upscaling.Condition(small, times, random);
        condition.shape.ShouldBe([200, 4, 16, 16]);
        condition.narrow(1, 3, 1).sub(0.25f).abs().max().item<float>().ShouldBe(0);
        condition.narrow(1, 0, 3).mean().item<float>().ShouldBe(0.75f * 0.5f, 0.01f, "α of the flow is 1 − t");
        condition.narrow(1, 0, 3).std().item<float>()
            .ShouldBeInRange(0.1f, 0.25f, "σ is t, and enlarging averages neighbours");
        Tensor clean = upscaling.Condition(small, zeros(200), random);
        clean.narrow(1, 0, 3).sub(0.5f).abs().max().item<float>().ShouldBeLessThan(1e-5f);
    }

    [Fact]
    public async Task A_model_that_enlarges_is_taught_from_large_pictures_alone_and_judged_beside_bicubic_interpolation(
        )
    {
        await Train("up", "model.upscale=2");
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["up"]);
        report.Metrics["peakSignalToNoise"].Value.ShouldBeInRange(0, 30, "ten steps teach little");
        report.Baselines["bicubic"]["peakSignalToNoise"].Value.ShouldBeInRange(15, 40);
        report.Baselines["bicubic"]["meanSquaredError"].Value.ShouldBeLessThan(
            report.Metrics["meanSquaredError"].Value);
        report.Sections.SelectMany(section => section.Images)
            .ShouldContain(image => image.File.EndsWith("enlarged.png", StringComparison.Ordinal));
        Directory.GetFiles(_folder["up"], "step-*.png", SearchOption.AllDirectories).ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("model.network=unet")]
    [InlineData("model.network=dit", "model.hiddenSize=16", "model.headCount=2", "model.layerCount=1")]
    public async Task A_small_picture_is_enlarged_and_one_of_another_size_is_refused(params string[] network)
    {
        await Train("up", ["model.upscale=4", .. network]);
        using var generator = new Workshop().Open(_folder["up"]).Require<ImageGenerator>();
        ImageFiles.WritePng(_folder["small.png"], 8, 8, 3, [.. Enumerable.Repeat((byte)90, 8 * 8 * 3)]);
        ImageFiles.WritePng(_folder["other.png"], 9, 8, 3, [.. Enumerable.Repeat((byte)90, 9 * 8 * 3)]);
        InputImage small = ImageFiles.Load(_folder["small.png"]);
        ImageSample[] drawn =
            Sample(new GenerationRequest { Count = 2, Drawing = new SamplingOptions { From = small } });
        drawn.ShouldAllBe(picture => picture.Width == 32 && picture.Height == 32);
        Refused(new SamplingOptions { From = ImageFiles.Load(_folder["other.png"]) }, "9 × 8");
        Refused(new SamplingOptions(), "from: ");
        Refused(new SamplingOptions { From = small, Strength = 0.8 }, "strength: ");
        Refused(new SamplingOptions { From = small, Mask = small }, "mask: ");

        ImageSample[] Sample(GenerationRequest request) =>
            [.. generator.GenerateAsync(request).ToBlockingEnumerable().Cast<ImageSample>()];
        void Refused(SamplingOptions drawing, string why) =>
            Should.Throw<AtelierException>(() => Sample(new GenerationRequest { Drawing = drawing })).ToLine()
            .ShouldContain(why);
    }

    [Fact]
    public async Task What_one_model_draws_a_second_enlarges()
    {
        await Train("small", "data.image.width=16", "data.image.height=16", "model.patchSize=2");
        await Train("up", "model.upscale=2", "model.conditional=false");
        using var small = new Workshop().Open(_folder["small"]).Require<ImageGenerator>();
        using var up = new Workshop().Open(_folder["up"]).Require<ImageGenerator>();
        Should.Throw<AtelierException>(() => small.Upscaler = small).ToLine().ShouldContain("does not enlarge images");
        Should.Throw<AtelierException>(() => up.Upscaler = up).ToLine()
            .ShouldContain("enlarges colour images of 16 × 16, but the generated images are colour images of 32 × 32");
        small.Upscaler = up;
        ImageSample[] drawn = [.. small.GenerateAsync(new GenerationRequest { Count = 3, Class = "red-circle" })
            .ToBlockingEnumerable().Cast<ImageSample>()];
        drawn.ShouldAllBe(picture => picture.Width == 32 && picture.Class == "red-circle");
        drawn[0].Pixels.Span.SequenceEqual(drawn[1].Pixels.Span).ShouldBeFalse();
    }

    [Fact]
    public void Latents_are_not_enlarged() =>
        Should.Throw<AtelierException>(() =>
            new DiffusionModel(new DiffusionConfig { Upscale = 2 }, ShapesWorld.Schema, latents: null, [4, 8, 8],
            Precision.Fp32, seed: 1))
            .Message.ShouldContain("works on latents");

    [Fact]
    public async Task Pictures_that_cannot_be_halved_are_refused() =>
        (await Should.ThrowAsync<AtelierException>(() =>
            Train("up", "model.upscale=3"))).Message.ShouldContain("not divisible by 3");

    private Task Train(string run, params string[] more) => TinyShapes.TrainAsync(_folder[run], more);
}
