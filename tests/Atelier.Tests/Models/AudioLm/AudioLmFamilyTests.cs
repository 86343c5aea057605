using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Evaluation;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Tasks.Audio;
using Atelier.Tests.Data;
using Atelier.Training;

namespace Atelier.Tests.Models.AudioLm;

/// <summary>From the world of sounds to a codec, to a language model of its codes, and to sounds.</summary>
public sealed class AudioLmFamilyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_bundle_contains_its_codec_and_generates_without_the_codec_s_folder()
    {
        await TrainCodec();
        await Train("run");
        Directory.GetFiles(_folder["run"], "step-*.wav", SearchOption.AllDirectories).ShouldNotBeEmpty();
        Directory.GetFiles(_folder["run"], "step-*.png", SearchOption.AllDirectories).ShouldNotBeEmpty();
        Directory.Delete(_folder["codec"], recursive: true);
        Directory.Move(_folder["run/bundle"], _folder["moved"]);
        File.ReadAllText(_folder["moved/config.json"]).ShouldNotContain(_folder["codec"]);
        var workshop = new Workshop();
        using ITrainedModel model = workshop.Open(_folder["moved"]);
        var task = workshop.TaskOf(model).ShouldBeOfType<AudioTask>();
        AudioSample[] Sounds(GenerationRequest request) =>
            [.. task.GenerateAsync(model, request).ToBlockingEnumerable().Cast<AudioSample>()];
        AudioSample[] sounds = Sounds(new() { Count = 3, Class = "vowel-a" });
        sounds.ShouldAllBe(s => s.SampleRate == 8000 && s.Channels == 1 && s.Samples.Length == SoundsWorld.Frames
            && s.Class == "vowel-a" && s.Continuation == null);
        sounds[0].Samples.Span.SequenceEqual(sounds[1].Samples.Span).ShouldBeFalse();
        Sounds(new() { Count = 3, Class = "vowel-a", Only = 1 }).Single().Samples.Span
            .SequenceEqual(sounds[1].Samples.Span).ShouldBeTrue();
        Sounds(new() { Seconds = 1.3 }).Single().Seconds.ShouldBe(1.3);

        AudioFiles.WriteWav(_folder["in.wav"], new Sound([SoundsWorld.Sample(1, 3).Samples], 8000));
        var input = new InputData(File.ReadAllBytes(_folder["in.wav"]), "in.wav");
        AudioSample longer = Sounds(new() { Input = input, Seconds = 1 }).Single();
        longer.Seconds.ShouldBe(1);
        longer.Class.ShouldBeNull("the class of the given sound is unknown");
        Sounds(new() { Input = input, Seconds = 1, Class = "vowel-a" }).Single().Class.ShouldBe("vowel-a");
        longer.Continuation!.GivenSeconds.ShouldBe(0.5);
        longer.Continuation.GivenTempo.ShouldBeNull("half a second has no tempo");
        longer.ToJson()["continuation"]!["givenSeconds"]!.GetValue<double>().ShouldBe(0.5);
        var generator = model.Require<SoundGenerator>();
        Sound given = AudioFiles.Read(_folder["in.wav"]);
        float[] alone = generator.Codec.Decode(generator.Codec.Encode(given.Samples), 4000)[0];
        longer.Samples.Span[..3000].ToArray().Zip(alone, (a, b) => Math.Abs(a - b)).Max()
            .ShouldBeLessThan(1e-3f, "it begins with the codes of the given sound");

        Refused(new() { Class = "bark" }, "tone-low");
        Refused(new() { Prompt = "a dog" }, "prompt");
        Refused(new() { Input = input }, "nothing of 0.5 s is left");
        Refused(new() { Seconds = -1 }, "-1 s");
        Refused(new() { Decoding = new() { BeamWidth = 3 } }, "some decoding options alone");
        Refused(new() { Drawing = new() { Steps = 3 } }, "no sampler");
        Refused(new() { Drawing = new() { Guidance = -3 } }, "guidance of -3");
        Refused(new() { Input = new InputData(new byte[] { 1, 2, 3 }, "x.wav"), Seconds = 1 }, "x.wav");
        void Refused(GenerationRequest wrong, string why) =>
            Should.Throw<AtelierException>(() => Sounds(wrong)).ToLine().ShouldContain(why);
    }

    [Fact]
    public async Task A_report_compares_the_likelihood_of_codes_with_their_frequencies_and_reads_the_world_back()
    {
        await TrainCodec();
        await Train("run", "training.steps=60", "training.schedule.warmupSteps=0",
            "training.optimizer.learningRate=1e-2");
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["run"]);
        report.Headline.Metric.ShouldBe("classAccuracy");
        report.Metrics["classAccuracy"].Unit.ShouldBe("share of sounds");
        report.Baselines.Keys.ShouldBeSubsetOf(["unigram", "trainingSounds", "heldOutSounds", "noise",
            "reconstructedSounds"]);
        double own = report.Metrics["crossEntropyPerCode"].Value,
            unigram = report.Baselines["unigram"]["crossEntropyPerCode"].Value;
        unigram.ShouldBeInRange(0.1, Math.Log(16) + 0.1);
        own.ShouldBeLessThan(unigram + 0.1);
        report.Metrics["bitsPerSecond"].Value.ShouldBe(own / Math.Log(2) * 3 * 50, 1e-6);
        report.Baselines["reconstructedSounds"].Keys.ShouldContain("classAccuracy");
        File.Exists(_folder["run/plots/evaluation-samples.wav"]).ShouldBeTrue();
        Directory.Exists(Directory.GetDirectories(_folder["run"], "codes-*", SearchOption.AllDirectories).Single())
            .ShouldBeTrue();
    }

    [Fact]
    public async Task A_run_that_was_cut_goes_on_to_the_same_bundle_byte_for_byte()
    {
        await TrainCodec();
        await Train("whole");
        using var cancel = new CancellationTokenSource();
        var watch = new Watch(step =>
        {
            if (step >= 3)
                cancel.Cancel();
        });
        await new Workshop().TrainAsync(Recipe(Codec), new(_folder["cut"]) { Progress = watch }, cancel.Token);
        (await new Workshop().ResumeAsync(new(_folder["cut"]))).Report.Steps.ShouldBe(6);
        Weights("cut").ShouldBe(Weights("whole"));

        byte[] Weights(string run) => File.ReadAllBytes(Path.Combine(_folder[run], "bundle", "model.safetensors"));
    }

    [Fact]
    public async Task Samples_in_mu_law_are_modelled_without_a_codec()
    {
        await new Workshop().TrainAsync(Recipe("data.audio.sampleRate=1000", "data.audio.clipSeconds=0.05"),
            new(_folder["run"]));
        using ITrainedModel model = new Workshop().Open(_folder["run"]);
        var generator = model.Require<SoundGenerator>();
        generator.Model.Codes.ShouldBe(new CodeShape(1, 256, 50));
        generator.GenerateAsync(new() { Count = 2, Seconds = 0.12 }).ToBlockingEnumerable().Cast<AudioSample>()
            .ShouldAllBe(sample => sample.Samples.Length == 120);
    }

    [Fact]
    public async Task Impossible_recipes_are_refused_in_one_line()
    {
        await TrainCodec();
        foreach ((string why, string[] settings) in new (string, string[])[]
        {
            ("train one first", ["model.codec=" + _folder["none"]]),
            ("codes sounds of 8000 Hz", [Codec, "data.audio.sampleRate=4000"]),
            ("one channel", [Codec, "data.audio.channels=2"]),
            ("at most 4096", ["data.audio.clipSeconds=0.6"]),
            ("3 codebooks", [Codec, "model.codebookCount=4"]),
            ("use 30 or 32", [Codec, "model.hiddenSize=31"]),
            ("data.audio.augment", [Codec, "data.audio.augment.gain=3"]),
            ("generation.beamWidth", [Codec, "generation.beamWidth=3"]),
            ("generation.steps", [Codec, "generation.steps=3"]),
        })
            (await Should.ThrowAsync<AtelierException>(() => new Workshop().TrainAsync(Recipe(settings),
                new(_folder["refused"])), why)).ToLine().ShouldContain(why);
        await Train("run");
        (await Should.ThrowAsync<AtelierException>(() => Train("again", "model.codec=" + _folder["run"])))
            .ToLine().ShouldContain("no audio codecs");
    }

    [Fact]
    public async Task A_damaged_bundle_is_refused_in_one_line()
    {
        await TrainCodec();
        await Train("run");
        string path = _folder["run/bundle/config.json"], config = File.ReadAllText(path);
        foreach ((string why, Action<JsonNode> damage) in new (string, Action<JsonNode>)[]
        {
            ("implies [257, 16]", root => root.AsObject().Remove("codec")),
            ("no audio codecs", root => root["codec"]!["model_type"] = "gpt2"),
            ("describes at least", root => root["hidden_size"] = 65_536),
            ("codebooks", root => root["codebook_count"] = 9),
            ("impossible sounds", root => root["sampling_rate"] = 0),
        })
        {
            JsonNode edited = JsonNode.Parse(config)!;
            damage(edited);
            File.WriteAllText(path, edited.ToJsonString());
            AtelierException e = Should.Throw<AtelierException>(() => new Workshop().Open(_folder["run/bundle"]));
            e.ToLine().ShouldContain(why);
            e.Message.ShouldNotContain("\n");
        }
    }

    private string Codec => "model.codec=" + _folder["codec"];

    private Task TrainCodec() => new Workshop().TrainAsync(RecipeReader.Read("sounds-codec", ModelFamilies.All,
    [
        "data.worldDocuments=64", "model.channels=[8, 16]", "model.strides=[10, 16]", "model.codebookCount=3",
        "model.codebookSize=16", "model.codeDimension=8", "training.steps=20", "training.batchSize=8",
        "training.replicas=1", "training.threads=1", "training.device=cpu",
    ]), new(_folder["codec"]));

    private Task Train(string run, params string[] more) =>
        new Workshop().TrainAsync(Recipe([Codec, .. more]), new(_folder[run]));

    private static Recipe Recipe(params string[] more) => RecipeReader.Read("sounds-lm", ModelFamilies.All,
    [
        "data.worldDocuments=160", "data.split={train: 0.7, validation: 0.1, test: 0.2}", "model.codec=",
        "model.layerCount=1", "model.headCount=2", "model.hiddenSize=16", "training.steps=6", "training.batchSize=8",
        "training.replicas=1", "training.threads=1", "training.evaluateEvery=3", "training.evaluationBatches=1",
        "training.sampleEvery=6", "training.checkpointEvery=100", "training.device=cpu", "evaluation.pictures=32",
        .. more,
    ]);

    private sealed class Watch(Action<long> onStep) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => onStep(value.Step);
    }
}
