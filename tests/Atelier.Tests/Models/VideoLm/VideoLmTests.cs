using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Data.Video;
using Atelier.Evaluation;
using Atelier.Layers;
using Atelier.Models;
using Atelier.Models.VideoLm;
using Atelier.Recipes;
using Atelier.Tasks.Video;
using Atelier.Tensors;
using Atelier.Tests.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.VideoLm;

public sealed class VideoLmTests : IDisposable
{
    private static readonly VideoLmConfig Tiny = new()
    {
        Channels = [8, 8], Codes = 12, LatentSize = 4, LayerCount = 2, HeadCount = 2, HiddenSize = 16,
        Conditional = true,
    };

    private static readonly VideoSchema Schema = new(8, 8, 1, 3, 10, ["a", "b"]);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>With a temperature of 0, each code is the likeliest one given all codes before it.</summary>
    [Fact]
    public void Cached_steps_choose_what_the_whole_sequence_predicts()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using VideoLanguageModel model = Learned();
        Tensor labels = tensor(new long[] { 0, 1 }), noise = randn([2, Schema.Size]);
        var greedy = new VideoSampling(new SamplingOptions { Guidance = 1 }, new DecodingOptions { Temperature = 0 });
        Tensor codes = new ClipSampler(model, greedy).Run(noise, null, labels, default);
        codes.shape.ShouldBe([2, 3 * 4]);
        Tensor before = cat([full(2, 1, model.Start, ScalarType.Int64), codes], 1);
        for (int position = 0; position < codes.shape[1]; position++)
        {
            KeyValueCache[] caches = [new(), new()];
            Tensor logits = model.NextLogits(before.narrow(1, 0, position + 1), labels, caches);
            logits.argmax(1).data<long>().ToArray().ShouldBe(codes.select(1, position).data<long>().ToArray());
            foreach (KeyValueCache cache in caches)
                cache.Dispose();
        }
    }

    [Fact]
    public void Guidance_of_one_is_that_of_the_class_and_of_zero_that_of_any()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using VideoLanguageModel model = Learned();
        Tensor labels = tensor(new long[] { 0, 1 }), noise = randn([2, Schema.Size]);
        Tensor Codes(double guidance, Tensor? asked) => new ClipSampler(model, new VideoSampling(
            new SamplingOptions { Guidance = guidance }, new DecodingOptions())).Run(noise, null, asked, default);
        Codes(0, labels).eq(Codes(1, null)).all().ToBoolean().ShouldBeTrue("without weight the class has no effect");
        Codes(1, labels).eq(Codes(1, null)).all().ToBoolean().ShouldBeFalse();
    }

    [Fact]
    public void Given_frames_stay_as_they_are_and_frames_between_are_refused()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using VideoLanguageModel model = Learned();
        Tensor clips = rand([2, 3, 1, 8, 8]).mul(2).sub(1);
        VideoSampling sampling = new(model.Check(new(), new SamplingDefaults()), new DecodingOptions());
        using var random = new Generator(1, CPU);
        Tensor made = model.Sample(randn([2, Schema.Size]), GivenFrames.First(clips, 2), null, sampling, random);
        made.shape.ShouldBe(clips.shape);
        made.narrow(1, 0, 2).eq(clips.narrow(1, 0, 2)).all().ToBoolean().ShouldBeTrue();
        Should.Throw<AtelierException>(() => model.Sample(randn([2, Schema.Size]),
            new GivenFrames(clips, [true, false, true]), null, sampling, random))
            .ToLine().ShouldContain("fills in none");
    }

    [Fact]
    public async Task A_trained_bundle_generates_continues_and_is_evaluated()
    {
        await new Workshop().TrainAsync(RecipeReader.Read("moving-shapes-lm", ModelFamilies.All,
        [
            "data.worldDocuments=400", "data.video.frames=4", "data.split={train: 0.6, validation: 0.2, test: 0.2}",
            "model.hiddenSize=32", "model.headCount=1", "model.layerCount=1", "model.channels=[8, 8, 8]",
            "training.steps=6", "training.batchSize=4", "training.evaluateEvery=3", "training.evaluationBatches=1",
            "training.sampleEvery=6", "training.device=cpu", "training.checkpointEvery=6",
            "training.schedule.warmupSteps=1", "evaluation.pictures=70", "generation.temperature=0.7",
        ]), new(_folder["run"]));
        using (var generator = new Workshop().Open(_folder["run"]).Require<VideoGenerator>())
        {
            generator.Decoding.Temperature.ShouldBe(0.7);
            byte[][] Frames(GenerationRequest request) => [.. generator.GenerateAsync(request).ToBlockingEnumerable()
                .SelectMany(sample => ((VideoSample)sample).Frames).Select(frame => frame.ToArray())];
            var request = new GenerationRequest { Class = "red-circle", Count = 2 };
            byte[][] first = Frames(request);
            first.Length.ShouldBe(8);
            Frames(request).ShouldBe(first);
            Frames(request with { Decoding = new() { Temperature = 0 } }).ShouldNotBe(first);
            Frames(new() { Seconds = 1 }).Length.ShouldBe(10, "longer videos are continued clip by clip");
            Should.Throw<AtelierException>(() => Frames(request with { Drawing = new() { Steps = 5 } }))
                .ToLine().ShouldContain("no sampler");
            Should.Throw<AtelierException>(() => Frames(request with { Decoding = new() { BeamWidth = 3 } }))
                .ToLine().ShouldContain("some decoding options alone");
        }
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["run"]);
        report.Metrics["peakSignalToNoise"].Value.ShouldBeInRange(0, 100);
        double made = report.Metrics["frechetDistance"].Value,
            real = report.Baselines["trainingClips"]["frechetDistance"].Value;
        made.ShouldBeGreaterThan(real, "six steps of training do not make real clips");
    }

    [Theory]
    [InlineData("cannot be halved", "model.channels=[8, 8, 8, 8, 8, 8]")]
    [InlineData("codes, and at most", "model.channels=[8]", "data.video.frames=100")]
    public async Task Impossible_shapes_are_one_line(string message, params string[] changes)
    {
        AtelierException e = await Should.ThrowAsync<AtelierException>(() => new Workshop().TrainAsync(
            RecipeReader.Read("moving-shapes-lm", ModelFamilies.All,
                ["data.worldDocuments=40", "training.device=cpu", .. changes]), new(_folder["run"])));
        e.ToLine().ShouldContain(message);
        e.ToLine().ShouldNotContain("\n");
    }

    /// <summary>A model whose weights are large enough that codes depend on what was before.</summary>
    private static VideoLanguageModel Learned()
    {
        var model = new VideoLanguageModel(Tiny, Schema, Precision.Fp32, seed: 3);
        model.eval();
        using var gradients = no_grad();
        foreach (var parameter in model.parameters().Where(parameter => parameter.dim() == 2))
            parameter.mul_(15);
        using Tensor frames = rand([6, 1, 8, 8]);
        model.train();
        using (VideoBatch batch = new(frames.view(2, 3, 1, 8, 8), tensor(new long[] { 0, 1 })))
            model.Objectives[0].Loss(batch).Dispose();
        model.Conclude(0);
        model.eval();
        return model;
    }
}
