using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Tasks.Audio;
using Atelier.Tests.Data;
using Microsoft.Extensions.AI;

namespace Atelier.Tests.Tasks.Audio;

#pragma warning disable MEAI001 // the interface is marked as one that may still change
public sealed class TextToSpeechClientTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Words_are_classes_and_become_sounds_one_after_another()
    {
        await TinySounds.TrainAsync(_folder["run"]);
        using ITrainedModel model = new Workshop().Open(_folder["run"]);
        ITextToSpeechClient client = new TextToSpeechClient(model);
        TextToSpeechResponse two = await client.GetAudioAsync("vowel-a  tone-low");
        var wav = (DataContent)two.Contents.Single();
        wav.MediaType.ShouldBe("audio/wav");
        Sound sound = AudioFiles.Read(new InputData(wav.Data.ToArray(), "speech.wav"), 8000, 1, default);
        sound.Frames.ShouldBe((2 * SoundsWorld.Frames) + (8000 / 5), "two sounds with 0.2 s between them");
        byte[] again = ((DataContent)(await new TextToSpeechClient(model).GetAudioAsync("vowel-a tone-low"))
            .Contents.Single()).Data.ToArray();
        again.ShouldBe(wav.Data.ToArray(), "the same seed");
        ((DataContent)(await client.GetAudioAsync("vowel-a tone-low")).Contents.Single()).Data.ToArray()
            .ShouldNotBe(again, "the next seed");

        var opus = (DataContent)(await client.GetAudioAsync("vowel-a", new() { AudioFormat = "opus" })).Contents[0];
        opus.Data.ToArray().AsSpan(0, 4).ToArray().ShouldBe("OggS"u8.ToArray());
        int updates = 0;
        await foreach (TextToSpeechResponseUpdate update in client.GetStreamingAudioAsync("vowel-a vowel-i"))
        {
            updates++;
            byte[] word = ((DataContent)update.Contents.Single()).Data.ToArray();
            AudioFiles.Read(new InputData(word, "word.wav"), 8000, 1, default).Frames.ShouldBe(SoundsWorld.Frames);
        }
        updates.ShouldBe(2);
        client.GetService<TextToSpeechClientMetadata>()!.ProviderName.ShouldBe("atelier");

        await Refused("bark", null, "'bark' is no class");
        await Refused(" ", null, "the text is empty");
        await Refused("vowel-a", new() { Speed = 2 }, "Speed");
        await Refused("vowel-a", new() { AudioFormat = "mp3" }, "wav or opus");
        async Task Refused(string text, TextToSpeechOptions? options, string why) =>
            (await Should.ThrowAsync<AtelierException>(() => client.GetAudioAsync(text, options))).ToLine()
                .ShouldContain(why);
    }
}
