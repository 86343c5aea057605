using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Data.Video;
using Atelier.Evaluation;
using Atelier.Layers;
using Atelier.Models;
using Atelier.Models.Diffusion;
using Atelier.Models.Diffusion.Video;
using Atelier.Recipes;
using Atelier.Tasks.Video;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tests.Data.Audio;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Diffusion;

/// <summary>
/// From the world of moving shapes to a bundle, to videos and to a report, with a network that is as small as goes.
/// </summary>
public sealed class VideoDiffusionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_trained_bundle_generates_continues_and_fills_in_and_is_evaluated()
    {
        Command.Ffmpeg("-version");
        await new Workshop().TrainAsync(RecipeReader.Read("moving-shapes", ModelFamilies.All,
        [
            "data.worldDocuments=60", "data.video.frames=6", "model.patchSize=4", "model.channels=[8]",
            "model.headCount=1", "generation.steps=2", "training.steps=4", "training.batchSize=4",
            "training.evaluateEvery=2", "training.evaluationBatches=1", "training.sampleEvery=4", "training.device=cpu",
            "training.checkpointEvery=4", "training.schedule.warmupSteps=1", "evaluation.pictures=10",
        ]), new(_folder["run"]));
        Directory.GetFiles(_folder["run"], "step-*.png", SearchOption.AllDirectories).ShouldNotBeEmpty();
        using (var generator = new Workshop().Open(_folder["run"]).Require<VideoGenerator>())
        {
            var request = new GenerationRequest { Count = 3, Class = "red-circle" };
            VideoSample[] videos = await Draw(generator, request);
            videos.ShouldAllBe(video => video.Frames.Count == 6 && video.Class == "red-circle");
            Same(videos[0].Frames[0], videos[1].Frames[0]).ShouldBeFalse();
            Same((await Draw(generator, request with { Only = 2 })).Single().Frames[5], videos[2].Frames[5])
                .ShouldBeTrue();

            byte[] gif = GifFile.Encode(32, 32, 3, [.. videos[0].Frames.Select(frame => frame.ToArray())],
                TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(100));
            var input = new InputData(gif, "given.gif");
            VideoSample between = (await Draw(generator, request with { Count = 1, Seed = 99,
                Input = input, GivenFrames = [0, 5] })).Single();
            (Near(between, videos[0], 0), Near(between, videos[0], 5), Near(between, videos[0], 2))
                .ShouldBe((true, true, false));
            // 6 frames at 10 a second, then clips that begin with the last 3 frames of the one before
            VideoSample longer = (await Draw(generator, request with { Count = 1, Seconds = 1.4 })).Single();
            longer.Frames.Count.ShouldBe(14);
            VideoSample first = (await Draw(generator, request with { Count = 1 })).Single();
            Enumerable.Range(0, 6).ShouldAllBe(frame => Same(longer.Frames[frame], first.Frames[frame]));
            Same(longer.Frames[13], longer.Frames[12]).ShouldBeFalse();
            VideoSample again = (await Draw(generator, request with { Count = 1, Seconds = 1.4 })).Single();
            Same(longer.Frames[13], again.Frames[13]).ShouldBeTrue();
            VideoSample shorter = (await Draw(generator, request with { Count = 1, Seconds = 0.2 })).Single();
            shorter.Frames.Count.ShouldBe(2);
            Same(shorter.Frames[1], first.Frames[1]).ShouldBeTrue();
            Refused(request with { Seconds = 0 }, "a video of 0 s");
            Refused(request with { Seconds = 601 }, "up to 600");
            Refused(request with { Input = input }, "none is left");
            Refused(request with { Input = input, GivenFrames = [6] }, "0 to 5");
            Refused(request with { GivenFrames = [0] }, "no video is given");
            Refused(request with { Input = new InputData("text"u8.ToArray(), "a.mp4") }, "a.mp4");
            Refused(request with { Class = "pink-cat" }, "red-circle");
            Refused(request with { Prompt = "a cat" }, "prompt");

            foreach ((VideoForm form, string start) in ((VideoForm, string)[])[(VideoForm.Gif, "GIF89a"),
                (VideoForm.Sheet, "PNG"), (VideoForm.Mp4, "ftyp"), (VideoForm.Webm, "webm")])
            {
                EncodedVideos encoded = await VideoOutput.SampleAsync(generator, request, form);
                System.Text.Encoding.Latin1.GetString(encoded.Files.Single().Content.Span[..64]).ShouldContain(start);
            }

            void Refused(GenerationRequest wrong, string why) =>
                Should.Throw<AtelierException>(() => generator.GenerateAsync(wrong).ToBlockingEnumerable().ToList())
                    .ToLine().ShouldContain(why);
        }
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["run"]);
        report.Metrics.Keys.ShouldBe(["loss", "peakSignalToNoise", "peakSignalToNoiseGain", "structuralSimilarity",
            "attributesRight", "persists", "keepsColour", "keepsForm", "keepsVelocity", "classAccuracy"],
            ignoreOrder: true);
        report.Baselines["heldOutClips"]["attributesRight"].Value.ShouldBe(1);
        double last = report.Baselines["lastFrameRepeated"]["peakSignalToNoise"].Value;
        (report.Metrics["peakSignalToNoise"].Value - last)
            .ShouldBe(report.Metrics["peakSignalToNoiseGain"].Value, 1e-9);
    }

    [Fact]
    public void Given_frames_are_returned_as_they_are_and_change_the_others_and_the_loss_leaves_them_out()
    {
        using var scope = NewDisposeScope();
        var schema = new VideoSchema(8, 8, 1, 4, 10, []);
        using var model = new VideoDiffusionModel(new VideoDiffusionConfig { Channels = [8], HeadCount = 1,
            NextShare = 1, BetweenShare = 0 }, schema, Precision.Fp32, 1);
        using var random = new Generator(3, CPU);
        foreach (var parameter in model.parameters())
        {
            using var gradients = no_grad();
            parameter.normal_(0, 0.2, random); // away from the zeros of a new network
        }
        model.eval();
        using (no_grad())
        {
            Tensor clips = rand([2, 4, 1, 8, 8], generator: random).mul(2).sub(1);
            Tensor noise = randn([2, schema.Size], generator: random);
            VideoSampling sampling =
                new(model.Check(new SamplingOptions { Steps = 3 }, new SamplingDefaults()), new DecodingOptions());
            Tensor continued = model.Sample(noise, GivenFrames.First(clips, 2), null, sampling, random),
                free = model.Sample(noise, null, null, sampling, random),
                other = model.Sample(noise, GivenFrames.First(clips.mul(0.5), 2), null, sampling, random);
            continued.narrow(1, 0, 2).allclose(clips.narrow(1, 0, 2)).ShouldBeTrue();
            continued.narrow(1, 2, 2).allclose(other.narrow(1, 2, 2)).ShouldBeFalse();
            continued.narrow(1, 2, 2).allclose(free.narrow(1, 2, 2)).ShouldBeFalse();
        }
        model.train();
        var batch = new VideoBatch(rand([2, 4, 1, 8, 8], generator: random), zeros([2], int64));
        double loss = model.Evaluate(batch)["loss"];
        double.IsFinite(loss).ShouldBeTrue();
    }

    [Fact]
    public void Latents_have_unit_mean_square_and_a_given_frame_is_returned_as_it_is()
    {
        using var scope = NewDisposeScope();
        var schema = new VideoSchema(8, 8, 1, 4, 10, []);
        var config = new VideoDiffusionConfig
        {
            LatentLevels = [8, 16], LatentSize = 4, PatchSize = 1, Network = DenoiserKind.Dit, HiddenSize = 16,
            LayerCount = 1, HeadCount = 2,
        };
        config.NoisyShape(schema).ShouldBe([4, 4, 2, 2]);
        Should.Throw<AtelierException>(() => (config with { LatentSize = 17 }).Check(schema)).ToLine()
            .ShouldContain("64 values would have 68 latents");
        Should.Throw<AtelierException>(() => (config with { PatchSize = 4 }).Check(schema)).ToLine()
            .ShouldContain("do not divide latents of 2 × 2");
        Should.Throw<AtelierException>(() => (config with { LatentLevels = [8, 8, 8, 8] }).Check(schema)).ToLine()
            .ShouldContain("model.latentLevels");
        using var random = new Generator(3, CPU);
        using var latents = new FrameLatents(config, schema, Precision.Fp32, random);
        Tensor clips = rand([2, 4, 1, 8, 8], generator: random).mul(2).sub(1), encoded = latents.Encode(clips);
        encoded.shape.ShouldBe([2, 4, 4, 2, 2]);
        encoded.square().mean([1]).sub(1).abs().max().item<float>().ShouldBeLessThan(1e-3f);
        // a frame has latents of its own: those of the others stay when it changes
        Tensor changed = clips.clone();
        changed[0, 2].neg_();
        Tensor difference = (latents.Encode(changed) - encoded).abs().sum([1, 3, 4]); // [batch, frames]
        difference[0, 2].item<float>().ShouldBeGreaterThan(1e-3f);
        difference.sum().item<float>().ShouldBe(difference[0, 2].item<float>(), 1e-4f);
        latents.Decode(encoded.mul(3)).allclose(latents.Decode(encoded), atol: 1e-4)
            .ShouldBeTrue("only directions count");

        using var model = new VideoDiffusionModel(config, schema, Precision.Fp32, 1);
        model.eval();
        using var gradients = no_grad();
        VideoSampling sampling =
            new(model.Check(new SamplingOptions { Steps = 2 }, new SamplingDefaults()), new DecodingOptions());
        Tensor noise = randn([2, schema.Size], generator: random);
        Tensor continued = model.Sample(noise, GivenFrames.First(clips, 2), null, sampling, random);
        continued.shape.ShouldBe(clips.shape);
        continued.narrow(1, 0, 2).allclose(clips.narrow(1, 0, 2)).ShouldBeTrue();
    }

    [Fact]
    public void A_transformer_attends_from_each_place_to_all_places_of_all_frames_of_a_clip()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var random = new Generator(2, CPU);
        var config = new VideoDiffusionConfig { PatchSize = 2, HiddenSize = 16, LayerCount = 1, HeadCount = 2 };
        using var network = new VideoTransformer(config, [1, 3, 4, 4], classes: 0, Precision.Fp32, random);
        foreach (var parameter in network.parameters())
            parameter.normal_(0, 0.3, random); // away from the zeros of a new network
        Tensor x = randn([2, 2, 3, 4, 4], generator: random), changed = x.clone();
        changed[0, 0, 0, 0, 0].add_(3); // a pixel of the first patch of the first frame of the first clip
        Tensor times = full([2], 0.5f);
        Tensor difference = (network.Predict(changed, times, null) - network.Predict(x, times, null)).abs();
        difference.shape.ShouldBe([2, 1, 3, 4, 4]);
        difference[0].min().item<float>().ShouldBeGreaterThan(0);
        difference[1].max().item<float>().ShouldBe(0, "the other clip");
    }

    [Fact]
    public void Space_time_layers_attend_from_each_place_to_all_places_of_all_frames_of_a_clip()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var product = new AttentionProduct(causal: false);
        using var random = new Generator(1, CPU);
        using var layer = new SpaceTimeAttention(1, 8, 1, frames: 3, places: 4, product, Precision.Fp32, random);
        foreach (var parameter in layer.parameters())
            parameter.normal_(0, 0.5, random);
        Tensor x = randn([2 * 3, 8, 2, 2], generator: random), changed = x.clone();
        changed[0, 0, 0, 0].add_(5); // of the first place of the first frame of the first clip
        Tensor difference = (layer.Forward(changed) - layer.Forward(x)).abs().sum([1]); // [frames, 2, 2]
        difference.narrow(0, 0, 3).min().item<float>().ShouldBeGreaterThan(1e-5f);
        difference.narrow(0, 3, 3).max().item<float>().ShouldBe(0, "the other clip");
    }

    [Fact]
    public void Attention_over_time_mixes_the_frames_of_a_place_and_of_no_other()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var random = new Generator(5, CPU);
        using var product = new Atelier.Layers.AttentionProduct(causal: false);
        using var layer = new TemporalAttention(8, 2, 3, product, Precision.Fp32, random);
        Tensor x = randn([2 * 3, 8, 2, 2], generator: random);
        layer.Forward(x).allclose(x).ShouldBeTrue("it is the identity at first");
        foreach ((string name, var parameter) in layer.named_parameters())
        {
            if (!name.Contains("norm", StringComparison.Ordinal))
                parameter.normal_(0, 0.5, random);
        }
        Tensor y = layer.Forward(x), changed = x.clone();
        changed[1, 3, 0, 1] = tensor(9f); // frame 1 of clip 0: its norm covers the frame
        Tensor difference = layer.Forward(changed).sub(y).abs().sum(1); // [frames, height, width]
        difference.narrow(0, 3, 3).max().item<float>().ShouldBe(0, "the other clip");
        difference[0].gt(1e-6).all().item<bool>().ShouldBeTrue("an earlier frame");
    }

    private static async Task<VideoSample[]> Draw(VideoGenerator generator, GenerationRequest request)
    {
        var samples = new List<VideoSample>();
        await foreach (Sample sample in generator.GenerateAsync(request))
            samples.Add((VideoSample)sample);
        return [.. samples];
    }

    private static bool Same(ReadOnlyMemory<byte> one, ReadOnlyMemory<byte> other) =>
        one.Span.SequenceEqual(other.Span);

    /// <summary>A GIF has a palette of 256 colours.</summary>
    private static bool Near(VideoSample one, VideoSample other, int frame) =>
        one.Frames[frame].ToArray().Zip(other.Frames[frame].ToArray(), (a, b) => Math.Abs(a - b)).Average() < 20;
}
