using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Atelier.Tests.Data;

namespace Atelier.Tests.Models.Vae;

/// <summary>
/// From the world of shapes to a bundle, to pictures and to a report, with networks that are as small as go.
/// </summary>
public sealed class VaeFamilyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("model.blocks=1")]
    [InlineData("model.codes=8 model.codePriorSize=8")]
    [InlineData("model.latents=grid")]
    [InlineData("model.network=dense model.hidden=[16] model.conditional=false model.likelihood=bernoulli")]
    public async Task A_bundle_draws_the_pictures_that_the_model_drew_when_training_ended(string kind)
    {
        // A bundle samples in bf16 where the processor multiplies in bf16, and in fp32 elsewhere.
        await Train([.. kind.Split(' '), $"training.precision={(ComputeDevice.HasBf16Products ? "bf16" : "fp32")}"]);
        using var generator = new Workshop().Open(_folder["run"]).Require<ImageGenerator>();
        ImageSample[] pictures = [.. generator.GenerateAsync(new GenerationRequest { Count = 64 })
            .ToBlockingEnumerable().Cast<ImageSample>()];
        pictures.ShouldAllBe(p => p.Width == 32 && p.Pixels.Length == 3 * 32 * 32);
        pictures[0].Pixels.Span.SequenceEqual(pictures[1].Pixels.Span).ShouldBeFalse();
        ImageGrid.Write(_folder["grid.png"], generator.Schema, [.. pictures.Select(p => p.Pixels)]);
        File.ReadAllBytes(_folder["grid.png"]).ShouldBe(File.ReadAllBytes(Preview("step-10.png")));
        Preview("step-10-reconstructions.png").ShouldNotBeNull();
    }

    [Fact]
    public async Task It_is_judged_by_its_bounds()
    {
        await Train();
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["run"]);
        report.Metrics["elbo"].Value.ShouldBe(report.Metrics["reconstruction"].Value
            - report.Metrics["divergence"].Value, 0.01);
        report.Metrics["importanceWeightedBound"].Value.ShouldBeGreaterThan(report.Metrics["elbo"].Value);
        report.Metrics["elbo"].Unit.ShouldBe("nats per picture");
    }

    [Fact]
    public async Task Ways_between_pictures_begin_and_end_with_their_reconstructions_and_each_latent_number_has_its_row(
        )
    {
        await Train();
        using var generator = new Workshop().Open(_folder["run"]).Require<ImageGenerator>();
        var latents = new LatentImages(generator.Model);
        byte[][] pictures = [.. Enumerable.Range(0, 2).Select(n => ShapesWorld.Sample(1, n).Pixels)];
        IReadOnlyList<byte[]> again = latents.Reconstruct(pictures), way = latents.Interpolate(pictures, 5);
        way.Count.ShouldBe(5);
        way[0].ShouldBe(again[0]);
        way[4].ShouldBe(again[1]);
        way[2].ShouldNotBe(way[0]);
        latents.Traverse(pictures[0], 7).Count.ShouldBe(4 * 7);
        Should.Throw<AtelierException>(() => latents.Interpolate(pictures[..1], 5)).ToLine()
            .ShouldContain("two or more");
    }

    [Theory]
    [InlineData("\"latent_size\": 4", "\"latent_size\": 1000", "describes at least")]
    [InlineData("\"image_width\": 32", "\"image_width\": 100000000", "impossible images")]
    [InlineData("\"latent_size\": 4", "\"latent_size\": 1000000", "latent")]
    [InlineData("\"prior_components\": 2", "\"prior_components\": 900", "describes at least")]
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
    [InlineData("a multiple of 8", "model.channels=[12]")]
    [InlineData("cannot be halved", "model.channels=[8,8,8,8,8,8]")]
    [InlineData("a single code", "model.codes=1")]
    [InlineData("codes need the spatial grid", "model.codes=8 model.network=dense")]
    [InlineData("grid latents need the spatial grid", "model.latents=grid model.network=dense")]
    [InlineData("hidden needs", "model.network=dense model.hidden=[0]")]
    [InlineData("the prior too large", "model.priorComponents=1000 model.latentSize=4000")]
    public async Task An_impossible_recipe_is_refused(string why, string settings) =>
        (await Should.ThrowAsync<AtelierException>(() => Train(settings.Split(' ')))).Message.ShouldContain(why);

    private string Preview(string name) =>
        Directory.GetFiles(_folder["run"], name, SearchOption.AllDirectories).Single();

    private async Task Train(params string[] more)
    {
        bool isDense = more.Contains("model.network=dense"), hasGrid = more.Contains("model.latents=grid"),
            hasCodes = more.Any(setting => setting.StartsWith("model.codes=", StringComparison.Ordinal));
        Recipe recipe = RecipeReader.Read("mnist-vae", ModelFamilies.All,
        [
            "data.source=world:shapes", "data.worldDocuments=200", "model.latentSize=4",
            .. isDense ? (string[])[] : ["model.channels=[8]"],
            .. hasGrid || hasCodes ? (string[])[] : ["model.priorComponents=2"],
            .. hasCodes ? (string[])[] : ["evaluation.importanceSamples=3"],
            "training.steps=10", "training.batchSize=8", "training.ema=0", "training.evaluateEvery=5",
                "training.evaluationBatches=1", "training.sampleEvery=10",
            "training.checkpointEvery=0", "training.device=cpu", "training.threads=1", "data.split.train=0.8",
                "data.split.test=0.1",
            "evaluation.pictures=18", "evaluation.features=none", .. more,
        ]);
        await new Workshop().TrainAsync(recipe, new(_folder["run"]));
    }
}
