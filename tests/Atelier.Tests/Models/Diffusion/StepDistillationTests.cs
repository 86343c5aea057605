using Atelier.Abstractions;
using Atelier.Compress;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tests.Data;

namespace Atelier.Tests.Models.Diffusion;

/// <summary>A model that learns to sample in fewer steps from another one.</summary>
public sealed class StepDistillationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_student_draws_in_two_steps_what_its_teacher_draws_in_eight()
    {
        await TinyShapes.TrainAsync(_folder["teacher"], "generation.steps=8", "generation.guidance=2",
            "training.steps=150", "training.evaluateEvery=150", "training.sampleEvery=0",
            "training.schedule.name=cosine", "training.schedule.warmupSteps=40");
        byte[] whole = Draw("teacher", null);
        double before = Distance(Draw("teacher", new() { Sampler = "ddim", Steps = 2 }), whole);

        StepDistillationReport report = await new Workshop().DistillStepsAsync(_folder["teacher"], _folder["student"],
            samplingSteps: 2, trainingSteps: 150);
        double after = Distance(Draw("student", null), whole);
        after.ShouldBeLessThan(before / 2, "the same noise leads to nearly the same images");
        report.After.Metrics.Keys.ShouldBeSubsetOf(report.Before.Metrics.Keys);
        report.ImagesPerSecondAfter.ShouldBeGreaterThan(0);
        TrainingSection own = Run.ReadRecipe(_folder["teacher"], ModelFamilies.All).Training,
            learned = Run.ReadRecipe(_folder["student"], ModelFamilies.All).Training;
        learned.Schedule.WarmupSteps.ShouldBe(15, "a tenth of its own steps, not the warmup of more");
        learned.Optimizer.LearningRate.ShouldBe(own.Optimizer.LearningRate / 4, tolerance: 1e-12);

        using var generator = new Workshop().Open(_folder["student"]).Require<ImageGenerator>();
        generator.Defaults.ShouldBe(new SamplingDefaults { Sampler = "ddim", Steps = 2, Guidance = 1 });
        foreach (var wrong in (SamplingOptions[])[new() { Steps = 3 }, new() { Sampler = "heun" },
            new() { Guidance = 2 }, new() { Strength = 0.5 }])
            Should.Throw<AtelierException>(() => Draw("student", wrong)).Message.ShouldContain("in 2 steps");

        byte[] usual = Draw("student", null);
        File.WriteAllText(_folder["student/bundle/generation_config.json"],
            """{"sampler": "heun", "num_inference_steps": 9}""");
        Draw("student", null).ShouldBe(usual, "it knows nothing but its own steps");

        AtelierException twice = await Should.ThrowAsync<AtelierException>(() =>
            new Workshop().DistillStepsAsync(_folder["student"], _folder["again"], 1, 10));
        twice.Message.ShouldContain("is distilled itself");
        Directory.Exists(_folder["again"]).ShouldBeFalse();
    }

    [Theory]
    [InlineData("generation.steps", "model.distilledSteps=2")]
    [InlineData("distilledSteps", "model.distilledSteps=2", "model.classDropout=0.2")]
    [InlineData("not distilled", "training.teacher=somewhere")]
    [InlineData("family vae", "model.family=vae", "training.teacher=somewhere")]
    public async Task Keys_without_a_use_are_refused(string expected, params string[] keys) =>
        (await Should.ThrowAsync<AtelierException>(() => TinyShapes.TrainAsync(_folder["run"], keys)))
            .ToLine().ShouldContain(expected);

    [Fact]
    public async Task Only_models_that_sample_in_steps_and_have_a_run_are_distilled()
    {
        await TinyShapes.TrainAsync(_folder["teacher"]);
        (await Refusal(_folder["teacher/bundle"], 2)).ShouldContain("name the run");
        (await Refusal(_folder["teacher"], 0)).ShouldContain("allowed: 1 to 64");
        (await Refusal(_folder["nothing"], 2)).ShouldContain("nothing");

        async Task<string> Refusal(string source, int steps) => (await Should.ThrowAsync<AtelierException>(() =>
            new Workshop().DistillStepsAsync(source, _folder["student"], steps))).ToLine();
    }

    private byte[] Draw(string run, SamplingOptions? drawing)
    {
        using var generator = new Workshop().Open(_folder[run]).Require<ImageGenerator>();
        return [.. generator.GenerateAsync(new GenerationRequest { Count = 8, Drawing = drawing, Seed = 5 })
            .ToBlockingEnumerable().Cast<ImageSample>().SelectMany(image => image.Pixels.ToArray())];
    }

    private static double Distance(byte[] one, byte[] other) =>
        one.Zip(other).Average(pair => (double)(pair.First - pair.Second) * (pair.First - pair.Second));
}
