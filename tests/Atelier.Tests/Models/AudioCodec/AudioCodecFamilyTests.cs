using Atelier.Abstractions;
using Atelier.Compress.Sounds;
using Atelier.Data.Audio;
using Atelier.Evaluation;
using Atelier.Models;
using Atelier.Models.AudioCodec;
using Atelier.Recipes;
using Atelier.Tests.Data;
using Atelier.Training;

namespace Atelier.Tests.Models.AudioCodec;

/// <summary>From the world of sounds to a bundle and to files of codes, with tiny networks.</summary>
public sealed class AudioCodecFamilyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_trained_bundle_codes_sounds_of_any_length_and_its_stretches_fit_together()
    {
        await Train("run");
        using var codec = (LearnedCodec)new Workshop().Open(_folder["run"]);
        IAudioCodec shown = codec;
        (shown.SampleRate, shown.Channels, shown.FrameLength).ShouldBe((8000, 1, 160));
        shown.BitsPerSecond(3).ShouldBe(3 * 4 * 50);
        foreach (int length in (int[])[1, 159, 160, 161, 4000])
        {
            float[] sound = SoundsWorld.Sample(1, 3).Samples[..length];
            int[][] codes = codec.Encode([sound], 2);
            (codes.Length, codes[0].Length).ShouldBe((2, (length + 159) / 160));
            codec.Decode(codes, length).Single().Length.ShouldBe(length);
        }
        float[] longer = [.. Enumerable.Range(0, 4).SelectMany(i => SoundsWorld.Sample(1, i).Samples)];
        var stretched = new LearnedCodec(codec.Model) { StretchFrames = 7 };
        int[][] whole = codec.Encode([longer]), parts = stretched.Encode([longer]);
        whole[0].Zip(parts[0]).Count(pair => pair.First != pair.Second).ShouldBeLessThanOrEqualTo(1, "rounding alone");
        codec.Decode(whole, longer.Length)[0].Zip(stretched.Decode(whole, longer.Length)[0],
            (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThan(1e-4f);
        Should.Throw<AtelierException>(() => codec.Decode([[0, 16]], 200)).Message.ShouldContain("does not know");
        Should.Throw<AtelierException>(() => codec.Decode([[0]], 200)).Message.ShouldContain("too few codes");
    }

    [Fact]
    public async Task A_report_compares_held_out_sounds_with_Opus_and_generating_is_refused()
    {
        await Train("run");
        var workshop = new Workshop();
        EvaluationReport report = await workshop.EvaluateAsync(_folder["run"]);
        report.Headline.Metric.ShouldBe("melDistance");
        using ITrainedModel model = workshop.Open(_folder["run"]);
        var codec = model.Require<IAudioCodec>();
        report.Metrics["rate"].Value.ShouldBe(codec.BitsPerSecond(codec.CodebookCount) / 1000);
        IReadOnlyDictionary<string, Metric> opus = report.Baselines["opus"];
        opus["rate"].Value.ShouldBeInRange(4, 12);
        opus["melDistance"].Value.ShouldBeInRange(0.1, report.Metrics["melDistance"].Value);
        report.Comparisons.Keys.ShouldBe(["opus"]);
        Should.Throw<AtelierException>(() => workshop.TaskOf(model).GenerateAsync(model, new())
            .ToBlockingEnumerable().ToList()).ToLine().ShouldContain("generates none");
    }

    [Fact]
    public async Task Another_recording_is_evaluated_whatever_names_the_recipe_holds_out()
    {
        for (int i = 0; i < 12; i++)
            AudioFiles.WriteWav(_folder[$"own/a_{i}.wav"], new Sound([SoundsWorld.Sample(1, i).Samples], 8000));
        AudioFiles.WriteWav(_folder["b_7.wav"], new Sound([SoundsWorld.Sample(2, 1).Samples], 8000));
        await Train("run", $"data.source={_folder["own"]}", "data.audio.labels='{speaker}_{index}'",
            "data.audio.testWhere=index < 3");
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["run"], _folder["b_7.wav"]);
        double.IsFinite(report.Metrics["melDistance"].Value).ShouldBeTrue();
    }

    [Fact]
    public async Task A_file_of_codes_is_decoded_by_the_model_that_made_it_alone()
    {
        await Train("run");
        await Train("other", "seed=5");
        var workshop = new Workshop();
        float[] sound = SoundsWorld.Sample(1, 3).Samples;
        AudioFiles.WriteWav(_folder["a.wav"], new Sound([sound, [.. sound.Reverse()]], 8000));
        SoundCompressionReport report =
            await workshop.CompressSoundAsync(_folder["a.wav"], rate: 850, with: _folder["run"]);
        report.BitsPerSecond.ShouldBe(800, "two channels of two codebooks of 200 bits per second");
        report.Bytes.ShouldBe(32 + (2 * 2 * 25 * 4 / 8));
        report.EntropyBitsPerSecond!.Value.ShouldBeInRange(0, 800);
        double.IsFinite(report.Distortion!.MelDistance).ShouldBeTrue();

        SoundCompressionReport decoded =
            await workshop.CompressSoundAsync(_folder["a.codec"], with: _folder["run"]);
        Sound again = AudioFiles.Read(decoded.File);
        (again.Channels, again.Frames, again.SampleRate).ShouldBe((2, 4000, 8000));

        foreach ((string why, Func<Task> mistake) in (IEnumerable<(string, Func<Task>)>)
        [
            ("another model", () => workshop.CompressSoundAsync(_folder["a.codec"], with: _folder["other"])),
            ("a learned codec is needed", () => workshop.CompressSoundAsync(_folder["a.codec"])),
            ("decoded to wav alone", () => workshop.CompressSoundAsync(_folder["a.codec"], SoundFormat.Opus)),
            ("one codebook alone takes 0.4 kbit/s",
                () => workshop.CompressSoundAsync(_folder["a.wav"], rate: 300, with: _folder["run"])),
            ("Opus has no rate of 3",
                () => workshop.CompressSoundAsync(_folder["a.wav"], SoundFormat.Opus, rate: 3000)),
            ("has one rate", () => workshop.CompressSoundAsync(_folder["a.wav"], SoundFormat.MuLaw, rate: 3000)),
            ("replace its own source",
                () => workshop.CompressSoundAsync(_folder["a.wav"], SoundFormat.Wav, _folder["a.wav"])),
            ("cannot be read", () => workshop.CompressSoundAsync(_folder["none.wav"])),
        ])
            (await Should.ThrowAsync<AtelierException>(mistake)).ToLine().ShouldContain(why);
    }

    [Fact]
    public async Task The_discriminators_begin_with_their_step()
    {
        await Train("run");
        string[] lines = File.ReadAllLines(Directory.GetFiles(_folder["run"], "metrics.jsonl",
            SearchOption.AllDirectories).Single());
        lines.Count(line => line.Contains("\"featureDistance\":", StringComparison.Ordinal)).ShouldBe(3);
        foreach (string figure in (string[])["loss", "loss.discriminator", "spectralDistance", "codePerplexity",
            "validationSiSdr", "validationSpectralDistance"])
            lines[^1].ShouldContain($"\"{figure}\":");
        Directory.GetFiles(_folder["run"], "step-*.wav", SearchOption.AllDirectories).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_run_that_was_cut_goes_on_to_the_same_bundle_byte_for_byte()
    {
        await Train("whole");
        using var cancel = new CancellationTokenSource();
        var watch = new Watch(step =>
        {
            if (step >= 3)
                cancel.Cancel();
        });
        await new Workshop().TrainAsync(Recipe(), new(_folder["cut"]) { Progress = watch }, cancel.Token);
        (await new Workshop().ResumeAsync(new(_folder["cut"]))).Report.Steps.ShouldBe(6);
        Weights("cut").ShouldBe(Weights("whole"));

        byte[] Weights(string run) => File.ReadAllBytes(Path.Combine(_folder[run], "bundle", "model.safetensors"));
    }

    [Fact]
    public async Task Two_channels_can_be_coded_together()
    {
        await Train("run", "data.audio.channels=2");
        using var codec = (LearnedCodec)new Workshop().Open(_folder["run"]);
        float[] sound = SoundsWorld.Sample(1, 3).Samples;
        codec.Decode(codec.Encode([sound, sound]), 4000).Length.ShouldBe(2);
        AudioFiles.WriteWav(_folder["a.wav"], new Sound([sound], 8000));
        (await Should.ThrowAsync<AtelierException>(() =>
            new Workshop().CompressSoundAsync(_folder["a.wav"], with: _folder["run"]))).ToLine()
            .ShouldContain("the sound is mono");
    }

    [Theory]
    [InlineData("\"codebook_size\": 16", "\"codebook_size\": 65536", "describes at least")]
    [InlineData("\"sampling_rate\": 8000", "\"sampling_rate\": 0", "impossible sounds")]
    [InlineData("\"codebook_size\": 16", "\"codebook_size\": 17", "wastes bits")]
    public async Task A_config_that_claims_another_size_is_refused_before_such_a_model_is_made(string from, string to,
        string why)
    {
        await Train("run");
        string config = Path.Combine(_folder["run"], "bundle", "config.json"), text = File.ReadAllText(config);
        text.ShouldContain(from);
        File.WriteAllText(config, text.Replace(from, to, StringComparison.Ordinal));
        Should.Throw<AtelierException>(() => new Workshop().Open(_folder["run"])).Message.ShouldContain(why);
    }

    [Theory]
    [InlineData("model.strides=[8]", "do not fit 2 levels")]
    [InlineData("model.strides=[64, 64]", "longer than")]
    [InlineData("model.codebookSize=1000", "wastes bits")]
    public async Task An_impossible_recipe_is_refused(string setting, string why) =>
        (await Should.ThrowAsync<AtelierException>(() => Train("run", setting))).Message.ShouldContain(why);

    private Task Train(string run, params string[] more) => new Workshop().TrainAsync(Recipe(more), new(_folder[run]));

    private static Recipe Recipe(params string[] more) => RecipeReader.Read("fsdd-codec", ModelFamilies.All,
    [
        "data.source=world:sounds", "data.worldDocuments=64", "data.audio.clipSeconds=0.5", "model.channels=[8, 16]",
            "model.strides=[10, 16]", "model.codebookCount=3", "model.codebookSize=16", "model.codeDimension=8",
            "model.adversarialStart=3", "model.discriminatorChannels=4", "training.steps=6", "training.batchSize=4",
            "training.replicas=1", "training.threads=1", "training.evaluateEvery=3", "training.evaluationBatches=1",
            "training.sampleEvery=3", "training.checkpointEvery=100", "training.reportEvery=1",
            "training.device=cpu", .. more,
    ]);

    private sealed class Watch(Action<long> onStep) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => onStep(value.Step);
    }
}
