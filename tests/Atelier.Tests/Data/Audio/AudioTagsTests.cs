using Atelier.Data.Audio;
using Atelier.Tests.Data;
using CsCheck;

namespace Atelier.Tests.Data.Audio;

public sealed class AudioTagsTests
{
    private static readonly Sound Tone =
        new([[.. Enumerable.Range(0, 801).Select(i => 0.3f * MathF.Sin(i * 0.4f))]], 8000);

    [Fact]
    public void Any_text_comes_back_from_both_formats() =>
        Gen.Dictionary(Gen.String[Gen.Char['A', 'z'], 1, 12], Gen.String).Sample(texts =>
        {
            AudioTags.Read(Wav(texts), "a.wav").ShouldBe(texts, ignoreOrder: true);
            AudioTags.Read(Opus(texts), "a.opus").ShouldBe(texts, ignoreOrder: true);
        }, iter: 100);

    [Fact]
    public void The_sound_stays_the_same_and_another_program_reads_the_texts()
    {
        using var folder = new TemporaryFolder();
        var texts = new Dictionary<string, string> { ["Seed"] = "7", ["Request"] = "vowel 元音" };
        File.WriteAllBytes(folder["a.wav"], Wav(texts));
        File.WriteAllBytes(folder["a.opus"], Opus(texts));
        AudioFiles.WriteWav(folder["plain.wav"], Tone);
        AudioFiles.Read(folder["a.wav"]).Samples[0].ShouldBe(AudioFiles.Read(folder["plain.wav"]).Samples[0]);
        Command.Ffmpeg("-i", folder["a.wav"], "-f", "ffmetadata", folder["wav.txt"]);
        string wav = File.ReadAllText(folder["wav.txt"]);
        wav.ShouldContain("\"Seed\":\"7\"");
        Command.Ffmpeg("-i", folder["a.opus"], "-map_metadata", "0:s:0", "-f", "ffmetadata", folder["opus.txt"]);
        string opus = File.ReadAllText(folder["opus.txt"]);
        opus.ShouldContain("Seed=7");
        opus.ShouldContain("Request=vowel 元音");
    }

    [Fact]
    public void Files_without_texts_have_none_and_those_cut_short_are_named()
    {
        AudioTags.Read(AudioFiles.EncodeWav(Tone), "a.wav").ShouldBeEmpty();
        AudioTags.Read(Opus(new Dictionary<string, string>()), "a.opus").ShouldBeEmpty();
        var texts = new Dictionary<string, string> { ["Request"] = new string('x', 900) };
        foreach (byte[] whole in new[] { Wav(texts), Opus(texts) })
        {
            for (int length = 4; length < Math.Min(whole.Length, 1200); length += 7)
            {
                try
                {
                    AudioTags.Read(whole.AsSpan(0, length), "cut").Keys.ShouldBeSubsetOf(["Request"]);
                }
                catch (AtelierException e)
                {
                    e.ToLine().ShouldStartWith("cut: is damaged or truncated");
                }
            }
        }
        Should.Throw<AtelierException>(() => AudioTags.Read(Wav(texts).AsSpan()[..^100], "cut.wav"));
    }

    private static byte[] Wav(IReadOnlyDictionary<string, string> texts) =>
        AudioTags.AddToWav(AudioFiles.EncodeWav(Tone), texts);

    private static byte[] Opus(IReadOnlyDictionary<string, string> texts)
    {
        using var file = new MemoryStream();
        OpusCoding.Encode(Tone, 12_000).Write(file, texts);
        return file.ToArray();
    }
}
