using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Evaluation;
using Atelier.Models;
using Atelier.Models.AudioCodec.Vocoder;
using Atelier.Recipes;
using Atelier.Tasks;
using Atelier.Tasks.Audio;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tests.Tasks.Audio;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.AudioCodec;

public sealed class VocoderTests : IDisposable
{
    private static readonly SpectrogramFormat Format =
        new(new MelSettings(8000, 8, 64, 16, 0, 4000, MelScale.Slaney), Samples: 160, -60, 20);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(128, new[] { 2, 8, 8 })]
    [InlineData(250, new[] { 2, 5, 5, 5 })]
    [InlineData(16, new[] { 2, 8 })]
    public void Levels_multiply_to_the_hop(int hop, int[] strides)
    {
        var mel = new MelSettings(8000, 16, 2 * hop, hop, 0, 4000, MelScale.Slaney);
        new VocoderConfig().Decoder(mel).Strides.Order().ShouldBe(strides.Order());
        new VocoderConfig().Decoder(mel).Strides.Aggregate((a, b) => a * b).ShouldBe(hop);
        Should.Throw<AtelierException>(() => new VocoderConfig().Decoder(mel with { Hop = 121 })).ToLine()
            .ShouldContain("no factors of at most 8");
    }

    [Fact]
    public void Levels_are_those_of_the_decibels_whatever_range_an_image_shows()
    {
        using var scope = NewDisposeScope();
        using var model = new VocoderModel(new VocoderConfig { Width = 2, Adversarial = false },
            SpectrogramData.SchemaOf(Format, []), Precision.Fp32, seed: 1);
        var image = new byte[8 * Format.Width];
        image[(7 * Format.Width) + 2] = 255; // the lowest band of frame 2
        SpectrogramFormat louder = Format with { LowestDecibels = -40, HighestDecibels = 40 },
            quieter = Format with { LowestDecibels = -140, HighestDecibels = -60 };
        float Level(SpectrogramFormat format, int frame, int band) =>
            model.Levels([image], format)[0, frame, band].ToSingle();
        model.Levels([image], Format).shape.ShouldBe([1, Format.Frames, 8]);
        Level(Format, 2, 0).ShouldBe(1);
        Level(Format, 2, 1).ShouldBe(-1);
        Level(louder, 2, 0).ShouldBe(1, "40 dB are above the highest level");
        Level(louder, 2, 1).ShouldBe(-0.5f, 1e-5f, "-40 dB are a quarter of the range from -60 to 20");
        Level(quieter, 2, 0).ShouldBe(-1);
    }

    /// <summary>A frame of the spectrogram reaches the samples around its centre, and no others far away.</summary>
    [Fact]
    public void A_frame_sounds_where_it_is_centred()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var model = new VocoderModel(new VocoderConfig { Width = 4, Adversarial = false, Blocks = 0 },
            SpectrogramData.SchemaOf(Format, []), Precision.Fp32, seed: 1);
        Tensor silent = ones(1, Format.Frames, 8).neg(), loud = silent.clone();
        loud[0, 5].fill_(1);
        Tensor difference = (model.Synthesise(loud, 160) - model.Synthesise(silent, 160)).abs()[0, 0];
        difference.shape.ShouldBe([160]);
        float[] energies = [.. Enumerable.Range(0, 10).Select(block => difference.narrow(0, block * 16, 16).sum()
            .ToSingle())];
        (energies[4] + energies[5]).ShouldBeGreaterThan(0.5f * energies.Sum(), "frame 5 is centred at sample 80");
        energies[0].ShouldBe(0);
        energies[9].ShouldBe(0);
    }

    [Fact]
    public async Task A_trained_vocoder_computes_the_sounds_of_a_model_and_is_evaluated()
    {
        string[] spectrogram = ["data.audio.spectrogram={melCount: 16, window: 512, hop: 125}"];
        await TinySounds.TrainAsync(_folder["model"], [.. spectrogram, "model.channels=[8]"]);
        await Train("vocoder", spectrogram);
        var workshop = new Workshop();
        using ITrainedModel model = workshop.Open(_folder["model"]), opened = workshop.Open(_folder["vocoder"]);
        var generator = model.Require<ImageGenerator>();
        var task = (AudioTask)workshop.TaskOf(model);
        float[] Sound() => ((AudioSample)task.GenerateAsync(model, new() { Class = "tone-low" }).ToBlockingEnumerable()
            .Single()).Samples.ToArray();
        float[] plain = Sound();
        generator.Vocoder = opened.Require<IVocoder>();
        float[] computed = Sound();
        computed.Length.ShouldBe(plain.Length);
        computed.ShouldNotBe(plain);
        computed.ShouldAllBe(value => float.IsFinite(value));
        Sound().ShouldBe(computed);
        AudioTask.OriginOf(model, new())!.Vocoder.ShouldBe(((IIdentifiedModel)opened).Identity);

        Should.Throw<AtelierException>(() => task.GenerateAsync(opened, new()).ToBlockingEnumerable().ToList())
            .ToLine().ShouldContain("generates none");
        EvaluationReport report = await workshop.EvaluateAsync(_folder["vocoder"]);
        report.Headline.Metric.ShouldBe("melDistance");
        report.Metrics["melDistance"].Value.ShouldBeGreaterThan(0);
        report.Baselines["griffinLim"]["melDistance"].Value.ShouldBeInRange(0.1, 20);

        await Train("other", ["data.audio.spectrogram={melCount: 16, window: 512, hop: 128}"]);
        using ITrainedModel other = workshop.Open(_folder["other"]);
        Should.Throw<AtelierException>(() => generator.Vocoder = other.Require<IVocoder>()).ToLine()
            .ShouldContain("trained on other spectrograms");
    }

    private Task Train(string run, string[] more) => new Workshop().TrainAsync(RecipeReader.Read("fsdd-vocoder",
        ModelFamilies.All,
    [
        "data.source=world:sounds", "data.worldDocuments=60", "data.split={train: 0.7, validation: 0.1, test: 0.2}",
        "data.audio.clipSeconds=0.5", "data.audio.loudness=null", "model.width=2", "model.blocks=1",
        "model.discriminatorChannels=2", "model.adversarialStart=2", "training.steps=5", "training.batchSize=4",
        "training.evaluateEvery=5", "training.evaluationBatches=1", "training.sampleEvery=5", "training.device=cpu",
        "training.schedule.warmupSteps=1", .. more,
    ]), new(_folder[run]));
}
