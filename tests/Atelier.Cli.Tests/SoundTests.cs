using System.Text.Json;

namespace Atelier.Cli.Tests;

/// <summary>Sounds of a model of μ-law samples, which needs no codec, from the command line.</summary>
[Collection(nameof(ToolCollection))]
public sealed class SoundTests : IDisposable
{
    private readonly ToolRunner _tool = new();
    private readonly string _run;

    public SoundTests()
    {
        _run = _tool.At("run");
        ToolResult trained = _tool.Run("train", "sounds-lm", "--out", _run, "--set", "model.codec=null", "--set",
            "data.worldDocuments=40", "--set", "data.audio.sampleRate=1000", "--set", "data.audio.clipSeconds=0.05",
            "--set", "model.layerCount=1", "--set", "model.headCount=1", "--set", "model.hiddenSize=8", "--set",
            "training.steps=2", "--set", "training.device=cpu", "--set", "generation.topK=7");
        trained.Code.ShouldBe(0, trained.Error);
    }

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void A_sound_is_continued_and_written_in_each_form()
    {
        string first = _tool.At("first.wav"), longer = _tool.At("longer.wav");
        _tool.Run("generate", _run, "--class", "tone-low", "--temperature", "0.9", "--out", first).Code.ShouldBe(0);
        JsonElement continued = _tool.Run("generate", _run, "--input", first, "--seconds", "0.2", "--guidance", "2",
            "--out", longer, "--json").Json.GetProperty("samples")[0];
        continued.GetProperty("file").GetString().ShouldBe(longer);
        continued.GetProperty("seconds").GetDouble().ShouldBe(0.2);
        JsonElement compared = continued.GetProperty("continuation");
        compared.GetProperty("givenSeconds").GetDouble().ShouldBe(0.05);
        compared.GetProperty("tempo").ValueKind.ShouldBe(JsonValueKind.Null, "it is too short");
        BitConverter.ToInt32(File.ReadAllBytes(longer).AsSpan(40)).ShouldBe(2 * 200, "bytes of samples");
        _tool.Run("generate", _run, "--input", first, "--seconds", "0.2", "--out", longer).Out
            .ShouldContain("continues 0.05 s");

        foreach (string place in (string[])["all.opus", "all.png", "each/"])
            _tool.Run("generate", _run, "--count", "2", "--out", _tool.At(place)).Code.ShouldBe(0);
        File.ReadAllBytes(_tool.At("all.opus"))[..4].ShouldBe("OggS"u8.ToArray());
        Directory.GetFiles(_tool.At("each")).Select(Path.GetFileName).Order().ShouldBe(["00.wav", "01.wav"]);
    }

    [Fact]
    public void A_file_records_how_it_was_generated_and_is_generated_again()
    {
        string first = _tool.At("first.wav"), again = _tool.At("again.wav");
        _tool.Run("generate", _run, "--count", "2", "--seed", "9", "--out", _tool.At("each/")).Code.ShouldBe(0);
        File.Copy(_tool.At("each/01.wav"), first);
        foreach ((string[] made, string file) in ((string[], string)[])
        [
            (["--count", "3", "--temperature", "0.7", "--guidance", "2", "--seconds", "0.1"], "a.wav"),
            (["--class", "tone-low", "--seed", "4"], "a.opus"), (["--count", "2"], "a.png"),
            (["--input", first, "--seconds", "0.2"], "b.wav"),
        ])
        {
            _tool.Run(["generate", _run, .. made, "--out", _tool.At(file)]).Code.ShouldBe(0);
            again = _tool.At("again" + Path.GetExtension(file));
            ToolResult same = _tool.Run("generate", "--like", _tool.At(file), "--out", again);
            same.Code.ShouldBe(0, same.Error);
            File.ReadAllBytes(again).ShouldBe(File.ReadAllBytes(_tool.At(file)), file);
        }
        _tool.Run("generate", _run, "--like", first, "--out", _tool.At("again/")).Code.ShouldBe(0);
        File.ReadAllBytes(_tool.At("again/01.wav")).ShouldBe(File.ReadAllBytes(first), "one of several");

        File.WriteAllBytes(first, File.ReadAllBytes(_tool.At("a.wav")));
        ToolResult refused = _tool.Run("generate", "--like", _tool.At("b.wav"));
        refused.Code.ShouldBe(2);
        refused.Error.ShouldContain("has changed since");
    }

    [Fact]
    public void Help_shows_what_the_model_supports_and_mistakes_are_told_in_one_line()
    {
        string help = _tool.Run("generate", _run, "--help").Out;
        foreach (string option in (string[])["--input", "--seconds", "--guidance", "--temperature", "--top-k",
            "--top-p", "--min-p", "--typical-p", "--class", "--count", "--out"])
            help.ShouldContain(option);
        help.ShouldMatch(@"--top-k <N>[^\[]*\[default: 7\]");
        help.ShouldMatch(@"--seconds <S>[^\[]*\[default: 0\.05\]");
        help.ShouldNotContain("--beam-width");
        foreach ((string[] more, string says) in ((string[], string)[])
        [
            (["--seconds", "0"], "--seconds"), (["--beam-width", "2"], "leave all out but --temperature"),
            (["--out", _tool.At("a.mp3")], "an .opus"), (["--sampler", "ddim"], "no sampler"),
            (["--input", _tool.At("none.wav")], "none.wav"), (["--class", "bark"], "tone-low"),
            (["--gap", "x"], "no range of seconds"), (["--gap", "0-0.02"], "does not support a gap"),
            (["--vocoder", _run], "generates no spectrograms"),
        ])
        {
            ToolResult result = _tool.Run(["generate", _run, .. more]);
            result.Code.ShouldBe(2, result.Error);
            result.Error.Trim().Split('\n')[^1].ShouldContain(says);
        }
    }
}
