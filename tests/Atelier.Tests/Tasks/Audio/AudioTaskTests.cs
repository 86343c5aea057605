using Atelier.Data;
using Atelier.Data.Audio;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Tasks;
using Atelier.Tasks.Audio;
using Atelier.Tests.Data;
using Atelier.Tests.Data.Audio;

namespace Atelier.Tests.Tasks.Audio;

public sealed class AudioTaskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_recipe_s_sounds_are_prepared_and_opened_again()
    {
        var task = new AudioTask();
        var recipe = new Recipe { Data = new() { Source = SoundsWorld.Name, WorldDocuments = 40 } };
        int count;
        using (var data = (AudioData)task.Prepare(recipe, _folder["data"], null, CancellationToken.None))
            count = data.Train.Count;
        count.ShouldBe(36);
        using IDataSource again = task.Open(_folder["data"]);
        again.Modality.ShouldBe(Modality.Audio);
        again.Notes.ShouldContain(
            "40 sounds of together 20 s, 8000 Hz, mono, 16 classes, in clips of 0.5 s.");
    }

    [Fact]
    public void All_sounds_of_other_data_are_judged_and_those_of_the_run_are_what_baselines_see()
    {
        var split = new SplitSection { Train = 0.8, Validation = 0.1, Test = 0.1 };
        var section = new DataSection { Source = SoundsWorld.Name, WorldDocuments = 100, Split = split };
        AudioData.Prepare(section, 1, _folder["data"]).Dispose();
        var recipe = new Recipe { Data = section with { WorldDocuments = 30 } };
        var other = new OtherData(SoundsWorld.Name, recipe, null!, _folder["data"], _folder["other"], Seed: 2);
        using AudioData data = AudioData.Prepare(other.Section, other.Seed, other.Folder, SoundsWorld.Schema)
            .Learning(AudioData.Open(other.Learned!));
        (data.Train.Count, data.Validation.Count, data.Test.Count).ShouldBe((80, 0, 30));
        Should.Throw<AtelierException>(() => AudioData.Prepare(other.Section, 1, other.Folder,
            SoundsWorld.Schema with { Classes = ["a", "b"] })).Message.ShouldContain("other classes");
    }

    [Fact]
    public void The_sounds_of_a_model_are_described_in_its_configuration()
    {
        var schema = new AudioSchema(22_050, 2, 4410, ["cat", "dog"]);
        AudioSchema read = Read(AudioBundle.Write(schema).ToJsonString());
        (read with { Classes = schema.Classes }).ShouldBe(schema);
        read.Classes.ShouldBe(schema.Classes);
        Should.Throw<AtelierException>(() => Read(AudioBundle.Write(schema with { ClipFrames = 0 }).ToJsonString()))
            .Message.ShouldContain("impossible sounds");
        Should.Throw<AtelierException>(() => Read("{}"));

        AudioSchema Read(string json) => AudioBundle.ReadSchema(ConfigFile.Read(_folder.Write("config.json", json)));
    }

    [Fact]
    public void Settings_are_suggested_by_the_number_of_sounds()
    {
        for (int i = 0; i < 200; i++)
            _folder.Write($"in/{(i % 2 == 0 ? "a" : "b")}/{i}.wav", WavFile.Of(11_025, 1, 2, 3));
        DataAdvice advice = new AudioTask().Advise(_folder["in"], ModelFamilies.All[0]);
        advice.Amount.ShouldBe("200 sounds of together 10 kB, 11025 Hz, 2 classes");
        advice.Overrides.ShouldContain("data.kind=audio");
        advice.Overrides.ShouldContain("data.audio.sampleRate=11025");
        advice.Overrides.ShouldContain("training.steps=500");
    }
}
