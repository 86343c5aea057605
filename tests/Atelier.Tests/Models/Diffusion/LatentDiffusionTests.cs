using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Models;
using Atelier.Models.Diffusion;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Diffusion;

/// <summary>
/// Diffusion in the latents of a VAE, both as small as go, from drawn shapes to a bundle that stands by itself.
/// </summary>
public sealed class LatentDiffusionTests(LatentDiffusionTests.Trained trained)
    : IClassFixture<LatentDiffusionTests.Trained>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_bundle_needs_no_other_folder_and_draws_the_pictures_that_the_model_drew_when_training_ended()
    {
        string moved = _folder["bundle"];
        CopyTo(Path.Combine(trained.Diffusion, "bundle"), moved);
        File.ReadAllText(Path.Combine(moved, "config.json"))
            .ShouldNotContain(trained.Vae, Case.Sensitive, "a bundle names no folder");
        using var generator = new Workshop().Open(moved).Require<ImageGenerator>();
        ImageSample[] pictures = [.. generator.GenerateAsync(new GenerationRequest { Count = 64 })
            .ToBlockingEnumerable().Cast<ImageSample>()];
        pictures.ShouldAllBe(p => p.Width == 32 && p.Pixels.Length == 3 * 32 * 32);
        pictures[0].Pixels.Span.SequenceEqual(pictures[1].Pixels.Span).ShouldBeFalse();
        ImageGrid.Write(_folder["grid.png"], generator.Schema, [.. pictures.Select(p => p.Pixels)]);
        File.ReadAllBytes(_folder["grid.png"])
            .ShouldBe(File.ReadAllBytes(Directory.GetFiles(trained.Diffusion, "step-6.png", SearchOption.AllDirectories)
            .Single()));
    }

    [Fact]
    public void Its_autoencoder_is_the_trained_one_to_the_last_bit_and_latents_of_training_have_unit_variance()
    {
        using var scope = NewDisposeScope();
        using var generator = new Workshop().Open(trained.Diffusion).Require<ImageGenerator>();
        using var vae = new Workshop().Open(trained.Vae).Require<ImageGenerator>();
        FrozenAutoencoder latents = Model(generator).Latents!;
        Dictionary<string, Tensor> kept = latents.Model.state_dict();
        foreach ((string name, Tensor tensor) in vae.Model.state_dict())
            kept[name].equal(tensor).all().item<bool>().ShouldBeTrue(name);

        byte[][] shapes = [.. Enumerable.Range(0, 3).Select(n => ShapesWorld.Sample(5, n).Pixels)];
        IReadOnlyList<byte[]> again = new LatentImages(vae.Model).Reconstruct(shapes);
        ImageGenerator.Bytes(latents.Decode(latents.Encode(ImageBatches.Scaled([.. shapes.SelectMany(p => p)],
            ShapesWorld.Schema)))).Chunk(shapes[0].Length).Zip(again)
            .ShouldAllBe(pair => pair.First.Zip(pair.Second, (a, b) => Math.Abs(a - b)).Max() <= 1,
                "but for the scale's rounding");

        using var data = (ImageData)new Workshop().OpenData(trained.Diffusion);
        using ImageBatch all = new ImageBatches(data.Train, data.Train.Count, seed: 0, shuffled: false).Get(0);
        Tensor encoded = latents.Encode(all.Images);
        encoded.shape.ShouldBe([data.Train.Count, 3, 8, 8]);
        encoded.std().item<float>().ShouldBe(1, 1e-2f);
    }

    [Fact]
    public void A_picture_is_encoded_once_and_its_batches_are_the_latents_of_the_pictures_batches()
    {
        using var scope = NewDisposeScope();
        using var generator = new Workshop().Open(trained.Diffusion).Require<ImageGenerator>();
        FrozenAutoencoder latents = Model(generator).Latents!;
        using var data = (ImageData)new Workshop().OpenData(trained.Diffusion);
        ImageBatches pictures = new(data.Train, 40, seed: 3, shuffled: true),
            varied = new(data.Train, 40, seed: 3, shuffled: true, new AugmentSection { Shift = 4 });
        var encoded = new EncodedBatches(pictures, latents);
        var expected = new List<float[]>();
        for (long number = 0; number < 2 * encoded.BatchesPerEpoch; number++)
        {
            using ImageBatch seen = pictures.Get(number), batch = encoded.Get(number);
            batch.Labels.equal(seen.Labels).all().item<bool>().ShouldBeTrue();
            expected.Add(batch.Images.data<float>().ToArray());
            latents.Encode(seen.Images).sub(batch.Images).abs().max().item<float>()
                .ShouldBeLessThan(0.05f, "bf16, perhaps in other groups of rows");
        }
        using var gradients = no_grad();
        latents.state_dict()["scale"].zero_();
        encoded.Get(0).Images.data<float>().ToArray().ShouldBe(expected[0], "they are known");
        new EncodedBatches(varied, latents).Get(0).Images.abs().max().item<float>()
            .ShouldBe(0, "what is varied is encoded each time");
    }

    [Fact]
    public async Task Codes_are_latents_too_and_what_lies_between_them_is_rounded()
    {
        await new Workshop().TrainAsync(VaeRecipe("model.codes=8", "model.codePriorSize=8"), new(_folder["codes"]));
        await new Workshop().TrainAsync(DiffusionRecipe(_folder["codes"]), new(_folder["run"]));
        using var scope = NewDisposeScope();
        using var generator = new Workshop().Open(_folder["run"]).Require<ImageGenerator>();
        FrozenAutoencoder latents = Model(generator).Latents!;
        latents.Shape.ShouldBe([3, 8, 8]);
        Tensor encoded = latents.Encode(ImageBatches.Scaled(ShapesWorld.Sample(5, 1).Pixels, ShapesWorld.Schema)),
            decoded = latents.Decode(encoded);
        latents.Decode(encoded.add(1e-5)).equal(decoded).all().item<bool>().ShouldBeTrue();
        latents.Decode(encoded.add(10)).equal(decoded).all().item<bool>().ShouldBeFalse();
    }

    [Fact]
    public void What_a_mask_keeps_of_a_picture_is_kept_to_the_last_pixel_and_little_strength_changes_little()
    {
        using var generator = new Workshop().Open(trained.Diffusion).Require<ImageGenerator>();
        byte[] shape = generator.Schema.Interleave(ShapesWorld.Sample(5, 1).Pixels).ToArray();
        ImageFiles.WritePng(_folder["shape.png"], 32, 32, 3, shape);
        // ends within a latent place
        ImageFiles.WritePng(_folder["mask.png"], 32, 32, 1,
            [.. Enumerable.Range(0, 32 * 32).Select(i => (byte)(i < 13 * 32 ? 255 : 0))]);
        InputImage given = ImageFiles.Load(_folder["shape.png"]), mask = ImageFiles.Load(_folder["mask.png"]);
        byte[] masked = Sample(new SamplingOptions { From = given, Mask = mask });
        masked.AsSpan(3 * 13 * 32).SequenceEqual(shape.AsSpan(3 * 13 * 32)).ShouldBeTrue();
        masked.AsSpan(0, 3 * 13 * 32).SequenceEqual(shape.AsSpan(0, 3 * 13 * 32)).ShouldBeFalse();

        byte[] again = [.. new LatentImages(Model(generator).Latents!.Model)
            .Reconstruct([ShapesWorld.Sample(5, 1).Pixels]).Select(p => generator.Schema.Interleave(p).ToArray())
            .Single()];
        double little = Apart(0.01), much = Apart(1);
        little.ShouldBeLessThan(5);
        much.ShouldBeGreaterThan(2 * little);

        double Apart(double strength) =>
            Sample(new SamplingOptions { From = given, Strength = strength })
            .Zip(again, (a, b) => Math.Abs(a - b)).Average();
        byte[] Sample(SamplingOptions drawing) =>
            generator.GenerateAsync(new GenerationRequest { Drawing = drawing }).ToBlockingEnumerable()
                .Cast<ImageSample>().Single().Pixels.ToArray();
    }

    [Fact]
    public async Task It_is_judged_as_one_of_pixels_is_and_its_animation_shows_pictures()
    {
        EvaluationReport report = await new Workshop().EvaluateAsync(trained.Diffusion);
        report.Metrics["loss"].Value.ShouldBeInRange(0.5, 3,
            "the velocity is the difference of noise and latents, each of a variance of about one");
        report.Metrics.Keys.ShouldContain("classAccuracy");
        using var generator = new Workshop().Open(trained.Diffusion).Require<ImageGenerator>();
        EncodedImages film =
            await ImageOutput.SampleAsync(generator, new GenerationRequest { Count = 2 }, ImageForm.Animation);
        film.Samples.Count.ShouldBe(2);
        film.Files.ShouldHaveSingleItem().Content.Length.ShouldBeGreaterThan(1000);
    }

    [Fact]
    public async Task A_run_that_was_cut_goes_on_to_the_same_bundle_byte_for_byte()
    {
        using var cancel = new CancellationTokenSource();
        var watch = new Watch(step =>
        {
            if (step >= 3)
                cancel.Cancel();
        });
        await new Workshop().TrainAsync(DiffusionRecipe(trained.Vae), new(_folder["cut"]) { Progress = watch },
            cancel.Token);
        (await new Workshop().ResumeAsync(new(_folder["cut"]))).Report.Steps.ShouldBe(6);
        Weights(_folder["cut"]).ShouldBe(Weights(trained.Diffusion));

        static byte[] Weights(string run) => File.ReadAllBytes(Path.Combine(run, "bundle", "model.safetensors"));
    }

    [Theory]
    [InlineData("\"latent_size\": 3", "\"latent_size\": 4000", "describes at least")]
    [InlineData("\"model_type\": \"atelier_vae\"", "\"model_type\": \"atelier_gan\"", "are not image autoencoders")]
    [InlineData("\"model_type\": \"atelier_vae\"", "\"model_type\": \"gpt2\"", "are not image autoencoders")]
    [InlineData("\"patch_size\": 1", "\"patch_size\": 3", "do not divide")]
    [InlineData("\"autoencoder\":", "\"other\":", "does not belong")]
    public void A_config_that_tells_another_autoencoder_is_refused(string from, string to, string why)
    {
        string bundle = _folder["bundle"];
        CopyTo(Path.Combine(trained.Diffusion, "bundle"), bundle);
        string config = Path.Combine(bundle, "config.json"), text = File.ReadAllText(config);
        text.ShouldContain(from);
        File.WriteAllText(config, text.Replace(from, to, StringComparison.Ordinal));
        Should.Throw<AtelierException>(() => new Workshop().Open(bundle)).ToLine().ShouldContain(why);
    }

    [Fact]
    public async Task An_autoencoder_that_does_not_fit_is_refused_in_a_line()
    {
        await new Workshop().TrainAsync(VaeRecipe("model.conditional=true"), new(_folder["told"]));
        await new Workshop().TrainAsync(VaeRecipe("model.latents=vector"), new(_folder["vector"]));
        Refused(DiffusionRecipe(_folder["told"]), "model.conditional: false");
        Refused(DiffusionRecipe(_folder["vector"]), "model.latents: grid");
        Refused(DiffusionRecipe(_folder["nothing"]), "no such folder");
        Refused(DiffusionRecipe(trained.Diffusion), "family vae");
        Refused(DiffusionRecipe(trained.Vae, "model.patchSize=3"), "latents of 8 × 8");
        for (int i = 0; i < 40; i++)
            ImageFiles.WritePng(Path.Combine(Directory.CreateDirectory(_folder["grey"]).FullName, $"{i}.png"), 16, 16,
                1, [.. Enumerable.Repeat((byte)(6 * i), 16 * 16)]);
        Refused(DiffusionRecipe(trained.Vae, $"data.source={_folder["grey"]}", "model.conditional=false"),
            "trained on images of 32 × 32 in colour, but these are 16 × 16 in grey");

        void Refused(Recipe recipe, string why) =>
            Should.Throw<AtelierException>(() =>
                new Workshop().TrainAsync(recipe, new(_folder[Guid.NewGuid().ToString("N")])).GetAwaiter().GetResult())
                .ToLine()
                .ShouldContain(why);
    }

    private static DiffusionModel Model(ImageGenerator generator) => (DiffusionModel)generator.Model;

    private static void CopyTo(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private static Recipe VaeRecipe(params string[] more) => RecipeReader.Read("shapes-vae", ModelFamilies.All,
        ["data.worldDocuments=200", "model.channels=[8, 8]", "model.latentSize=3", "training.steps=6", .. Small,
            .. more]);

    private static Recipe DiffusionRecipe(string vae, params string[] more) =>
        RecipeReader.Read("shapes-latent", ModelFamilies.All,
        ["data.worldDocuments=200", $"model.autoencoder={vae}", "model.channels=[8]", "generation.steps=2",
            "training.steps=6", .. Small, .. more]);

    private static string[] Small =>
    [
        "training.batchSize=8", "training.evaluateEvery=3", "training.evaluationBatches=1", "training.sampleEvery=6",
            "training.ema=0.5",
        "training.device=cpu", "training.threads=1", "evaluation.pictures=18", "evaluation.features=none",
        // as bundles sample: in bf16 where the processor multiplies in bf16
        $"training.precision={(ComputeDevice.HasBf16Products ? "bf16" : "fp32")}",
    ];

    /// <summary>A VAE of drawn shapes and a diffusion model of its latents.</summary>
    public sealed class Trained : IAsyncLifetime
    {
        private readonly TemporaryFolder _folder = new();

        public string Vae => _folder["vae"];

        public string Diffusion => _folder["diffusion"];

        public async ValueTask InitializeAsync()
        {
            await new Workshop().TrainAsync(VaeRecipe(), new(Vae));
            await new Workshop().TrainAsync(DiffusionRecipe(Vae), new(Diffusion));
        }

        public ValueTask DisposeAsync()
        {
            _folder.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Watch(Action<long> step) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => step(value.Step);
    }
}
