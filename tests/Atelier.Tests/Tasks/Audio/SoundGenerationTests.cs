using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Evaluation;
using Atelier.Tasks;
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
    public async Task A_gap_is_filled_in_and_the_rest_stays_to_the_sample()
    {
        await TinySounds.TrainAsync(_folder["run"]);
        var workshop = new Workshop();
        using ITrainedModel model = workshop.Open(_folder["run/bundle"]);
        var task = (AudioTask)workshop.TaskOf(model);
        float[] sine = [.. Enumerable.Range(0, 3600).Select(i => 0.5f * MathF.Sin(0.3f * i))];
        InputData Wav(float[] samples) => new(AudioFiles.EncodeWav(new Sound([samples], 8000)), "given.wav");
        AudioSample Filled(GenerationRequest request) =>
            (AudioSample)task.GenerateAsync(model, request).ToBlockingEnumerable().Single();
        var request = new GenerationRequest { Input = Wav(sine), Gap = new(0.2, 0.3), Class = "tone-low" };
        float[] filled = Filled(request).Samples.ToArray(),
            given = AudioFiles.Read(request.Input, 8000, 1, default).Samples[0];
        filled.Length.ShouldBe(3600);
        filled[..1600].ShouldBe(given[..1600]);
        filled[2400..].ShouldBe(given[2400..]);
        filled[1700..2300].ShouldNotBe(given[1700..2300]);
        Filled(request).Samples.ToArray().ShouldBe(filled, "the same seed");
        Filled(request with { Seed = 2 }).Samples.ToArray()[1700..2300].ShouldNotBe(filled[1700..2300]);

        byte[] tagged = AudioOutput.Joined([Filled(request)], AudioTask.OriginOf(model, request));
        SampleOrigin.Read(new InputData(tagged, "filled.wav"), _ => [], _ => request.Input).Request.Gap
            .ShouldBe(request.Gap);

        Refused(request with { Gap = null }, "needs a sound and its gap");
        Refused(request with { Input = null }, "needs a sound and its gap");
        Refused(request with { Gap = new(0.4, 0.6) }, "not within a sound of 0.45 s");
        Refused(request with { Gap = new(0.3, 0.3) }, "not within");
        Refused(request with { Input = Wav(new float[4100]) }, "the sounds of the model last 0.5 s");
        void Refused(GenerationRequest wrong, string why) =>
            Should.Throw<AtelierException>(() => Filled(wrong)).ToLine().ShouldContain(why);
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
