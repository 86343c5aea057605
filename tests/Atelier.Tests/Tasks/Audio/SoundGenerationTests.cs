using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Evaluation;
using Atelier.Tasks.Audio;
using Atelier.Tests.Data;

namespace Atelier.Tests.Tasks.Audio;

/// <summary>From the world of sounds to a bundle, to sounds and to a report.</summary>
public sealed class SoundGenerationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_trained_bundle_generates_the_class_it_is_asked_for_and_the_same_sounds_again()
    {
        await TinySounds.TrainAsync(_folder["run"]);
        Directory.GetFiles(_folder["run"], "step-*.png", SearchOption.AllDirectories).ShouldNotBeEmpty();
        var workshop = new Workshop();
        using ITrainedModel model = workshop.Open(_folder["run/bundle"]);
        var task = workshop.TaskOf(model).ShouldBeOfType<AudioTask>();
        AudioSample[] Sounds(GenerationRequest request) =>
            [.. task.GenerateAsync(model, request).ToBlockingEnumerable().Cast<AudioSample>()];
        AudioSample[] sounds = Sounds(new() { Count = 3, Class = "vowel-a" });
        sounds.ShouldAllBe(s => s.SampleRate == 8000 && s.Channels == 1 && s.Samples.Length == SoundsWorld.Frames
            && s.Class == "vowel-a" && s.Seconds == 0.5);
        sounds[0].Samples.Span.SequenceEqual(sounds[1].Samples.Span).ShouldBeFalse();
        sounds.SelectMany(s => s.Samples.ToArray()).ShouldAllBe(value => float.IsFinite(value));
        Sounds(new() { Count = 3, Class = "vowel-a" })[2].Samples.Span.SequenceEqual(sounds[2].Samples.Span)
            .ShouldBeTrue();
        Sounds(new() { Count = 3, Class = "vowel-a", Only = 1 }).Single().Samples.Span
            .SequenceEqual(sounds[1].Samples.Span).ShouldBeTrue();

        Refused(new() { Class = "bark" }, "tone-low");
        Refused(new() { Prompt = "a dog" }, "prompt");
        Refused(new() { Drawing = new() { From = new InputImage(new byte[] { 1 }) } }, "do not begin from images");
        void Refused(GenerationRequest wrong, string why) =>
            Should.Throw<AtelierException>(() => Sounds(wrong)).ToLine().ShouldContain(why);
    }

    [Fact]
    public async Task A_report_compares_sounds_as_they_are_heard_and_reads_the_world_back()
    {
        await TinySounds.TrainAsync(_folder["run"]);
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["run"]);
        report.Headline.Metric.ShouldBe("classAccuracy");
        report.Metrics.Keys.ShouldBeSubsetOf(["loss", "frechetDistance", "kernelDistance", "precision", "recall",
            "density", "coverage", "inceptionScore", "classAccuracy", "copiedByFeatures", "copiedByPixels"]);
        report.Metrics["frechetDistance"].Value.ShouldBeGreaterThan(
            report.Baselines["reconstructedSounds"]["frechetDistance"].Value);
        report.Metrics["classAccuracy"].Value.ShouldBeLessThan(0.6);
        report.Metrics["classAccuracy"].Unit.ShouldBe("share of sounds");
        File.Exists(_folder["run/plots/evaluation-samples.wav"]).ShouldBeTrue();
        AudioFiles.Read(_folder["run/plots/evaluation-samples.wav"]).SampleRate.ShouldBe(8000);

        EvaluationReport other = await new Workshop().EvaluateAsync(_folder["run"], "world:sounds");
        other.Data.ShouldBe("world:sounds, all of it");
    }

    [Fact]
    public async Task A_bundle_with_an_impossible_spectrogram_is_refused_in_one_line()
    {
        await TinySounds.TrainAsync(_folder["run"]);
        string path = _folder["run/bundle/config.json"];
        string config = File.ReadAllText(path);
        foreach ((string key, JsonNode? value) in new (string, JsonNode?)[]
        {
            ("hop_length", 0), ("hop_length", 400), ("samples", -1), ("feature_size", 20), ("sampling_rate", "fast"),
            ("max_frequency", 9000), ("mel_scale", "bark"), ("max_db", null), ("min_db", 99),
        })
        {
            JsonNode edited = JsonNode.Parse(config)!;
            edited["spectrogram"]![key] = value;
            File.WriteAllText(path, edited.ToJsonString());
            AtelierException e = Should.Throw<AtelierException>(() => new Workshop().Open(_folder["run/bundle"]));
            e.ToLine().ShouldContain("config.json");
            e.Message.ShouldNotContain("\n");
        }
    }

    [Fact]
    public void Stereo_and_clips_too_long_for_an_image_are_refused_before_training()
    {
        foreach ((string setting, string why) in ((string, string)[])
            [("data.audio.channels=2", "data.audio.channels"),
                ("data.audio.spectrogram={melCount: 16, window: 16, hop: 2}", "data.audio.clipSeconds")])
            Should.Throw<AtelierException>(() => TinySounds.TrainAsync(_folder[$"{why}"], setting))
                .ToLine().ShouldContain(why);
    }
}
