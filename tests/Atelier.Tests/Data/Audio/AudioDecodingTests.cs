using System.Buffers.Binary;
using Atelier.Data.Audio;

namespace Atelier.Tests.Data.Audio;

public sealed class AudioDecodingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Samples_of_every_depth_are_read_as_shares_of_full_scale()
    {
        Read(1, 8, [0, 128, 192]).ShouldBe([-1f, 0, 0.5f]);
        Read(1, 16, [0, 0x80, 0, 0, 0, 0x40]).ShouldBe([-1f, 0, 0.5f]);
        Read(1, 24, [0, 0, 0x80, 0, 0, 0, 0, 0, 0x40]).ShouldBe([-1f, 0, 0.5f]);
        Read(1, 32, [0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x40]).ShouldBe([-1f, 0, 0.5f]);
        Read(3, 32, [.. BitConverter.GetBytes(-1f), .. BitConverter.GetBytes(float.NaN), .. BitConverter.GetBytes(0.5f)])
            .ShouldBe([-1f, 0, 0.5f]);
        Read(3, 64, [.. BitConverter.GetBytes(-1.0), .. BitConverter.GetBytes(0.5)]).ShouldBe([-1f, 0.5f]);

        float[] Read(int format, int bits, byte[] data) =>
            AudioFiles.Read(_folder.Write("a.wav", WavFile.Of(format, bits, 1, 8000, data))).Samples[0];
    }

    [Fact]
    public void A_written_file_is_read_back()
    {
        var sound = new Sound([[0.5f, -0.25f, 2f], [0f, 1 / 32768f, -1f]], 44_100);
        AudioFiles.WriteWav(_folder["a.wav"], sound);
        Sound again = AudioFiles.Read(_folder["a.wav"]);
        (again.SampleRate, again.Channels, again.Frames).ShouldBe((44_100, 2, 3));
        again.Samples[0].ShouldBe([0.5f, -0.25f, 32767 / 32768f]);
        again.Samples[1].ShouldBe([0f, 1 / 32768f, -1f]);
    }

    [Fact]
    public void A_header_that_lies_is_not_trusted()
    {
        byte[] data = [0, 0x40, 0, 0x40];
        // The header announces 2 GB, nothing, or an unknown length, and 4 bytes follow.
        foreach (uint claimed in (uint[])[2_000_000_000, 0, uint.MaxValue])
        {
            using ISampleStream sound = AudioDecoder.Open(WavFile.Of(1, 16, 1, 8000, data, claimed), "a.wav");
            AudioFiles.ReadAll(sound).Samples[0].ShouldBe([0.5f, 0.5f]);
            (sound.Fault is not null).ShouldBe(claimed == 2_000_000_000);
        }
        Refused(WavFile.Of(1, 16, 0, 8000, data)).ShouldContain("0 channels");
        Refused(WavFile.Of(1, 16, 9999, 8000, data)).ShouldContain("9999 channels");
        Refused(WavFile.Of(1, 16, 1, 0, data)).ShouldContain("a sample rate of 0 Hz");
        Refused(WavFile.Of(1, 16, 1, 2_000_000_000, data)).ShouldContain("a sample rate of 2000000000 Hz");
        byte[] align = WavFile.Of(1, 16, 1, 8000, data);
        align[32] = 7;
        Refused(align).ShouldContain("7 bytes for 1 samples");
        byte[] large = WavFile.Of(1, 16, 1, 8000, data);
        BinaryPrimitives.WriteUInt32LittleEndian(large.AsSpan(16), 3_000_000_000); // the length of the format
        Refused(large).ShouldContain("3000000000 bytes for its format");
        Refused(WavFile.Of(1, 16, 1, 8000, data)[..30]).ShouldContain("ends before its first sample");
        Refused([]).ShouldContain("is empty");

        string Refused(byte[] file) =>
            Should.Throw<AtelierException>(() => AudioFiles.Read(_folder.Write("b.wav", file))).ToLine();
    }

    [Fact]
    public void Any_damage_to_a_file_is_one_line_or_still_a_sound()
    {
        byte[] file = WavFile.Sine(8000, 440, 0.01);
        var random = new SplitMix64(1);
        for (int n = 0; n < 500; n++)
        {
            byte[] damaged = file[..(int)(13 + random.Next(file.Length - 12))];
            for (int k = 0; k < 3; k++)
                damaged[12 + (int)random.Next(Math.Min(32, damaged.Length - 12))] = (byte)random.Next(256);
            try
            {
                using WavStream? sound = WavStream.Open(new MemoryStream(damaged));
                if (sound is not null)
                    AudioFiles.ReadAll(sound).Frames.ShouldBeLessThanOrEqualTo(file.Length);
            }
            catch (AtelierException e)
            {
                e.ToLine().ShouldNotContain('\n');
            }
        }
    }

    [Theory]
    [InlineData("a.flac", 0)]
    [InlineData("a.w64", 0)]
    [InlineData("a.ogg", 0.02)]
    [InlineData("a.opus", 0.05)]
    [InlineData("a.mp3", 0.05)]
    [InlineData("a.m4a", 0.05)]
    public void Other_formats_are_decoded_whatever_their_names(string name, double bound)
    {
        _folder.Write("a.wav", WavFile.Sine(48_000, 440, 1));
        Command.Ffmpeg("-i", _folder["a.wav"], "-b:a", "128k", _folder[name]);
        Sound expected = AudioFiles.Read(_folder["a.wav"]);
        File.Move(_folder[name], _folder["wrong.wav"]);
        foreach (Sound sound in (Sound[])[AudioFiles.Read(_folder["wrong.wav"]), Streamed()])
        {
            (sound.SampleRate, sound.Channels).ShouldBe((48_000, 1));
            sound.Frames.ShouldBeInRange(47_500, 50_500); // encoders add or drop parts of frames
            int delay = Enumerable.Range(0, 2500).FirstOrDefault(d => sound.Samples[0].Skip(d).Take(20_000)
                .Zip(expected.Samples[0], (x, y) => Math.Abs(x - y)).Skip(5000).Max() <= Math.Max(bound, 1e-6), -1);
            delay.ShouldBeGreaterThanOrEqualTo(0);
        }

        Sound Streamed() // MP4 files of ffmpeg have their index at the end and cannot be read from a pipe
        {
            if (name.EndsWith("m4a", StringComparison.Ordinal))
                return AudioFiles.Read(_folder["wrong.wav"]);
            using ISampleStream sound = AudioDecoder.Open(File.ReadAllBytes(_folder["wrong.wav"]), "in.tar:a");
            return AudioFiles.ReadAll(sound);
        }
    }

    [Fact]
    public void A_sound_of_eight_channels_at_192_kHz_becomes_mono_at_16_kHz()
    {
        Command.Ffmpeg("-f", "lavfi", "-i", "sine=440:d=0.5:r=192000", "-af", "pan=7.1|c0=c0|c1=c0", "-c:a", "pcm_s24le",
            _folder["a.wav"]);
        Sound all = AudioFiles.Read(_folder["a.wav"]);
        (all.Channels, all.SampleRate, all.Frames).ShouldBe((8, 192_000, 96_000));
        Sound mono = AudioFiles.Read(_folder["a.wav"], 16_000, 1);
        (mono.Channels, mono.SampleRate, mono.Frames).ShouldBe((1, 16_000, 8000));
        // Left and right are 1 of 1 + 1/√2 + 1 + 1 (front, centre, back and side, all at their weights).
        double expected = 0.125 / (1 + (3 * Math.Sqrt(0.5))); // ffmpeg's sine has an amplitude of 1/8
        mono.Samples[0].Skip(1000).Take(6000).Max().ShouldBe((float)expected, 2e-4f);
    }

    [Fact]
    public void A_file_that_is_cut_short_gives_what_it_has()
    {
        _folder.Write("a.wav", WavFile.Sine(44_100, 440, 2));
        Command.Ffmpeg("-i", _folder["a.wav"], _folder["a.flac"]);
        byte[] bytes = File.ReadAllBytes(_folder["a.flac"]);
        _folder.Write("b.flac", bytes[..(bytes.Length / 2)]);
        using ISampleStream sound = AudioDecoder.Open(_folder["b.flac"]);
        AudioFiles.ReadAll(sound).Frames.ShouldBeInRange(20_000, 88_200);
        sound.Fault.ShouldNotBeNull();
    }

    [Fact]
    public void What_is_no_sound_is_refused_in_one_line()
    {
        Command.Ffmpeg("-version");
        _folder.Write("a.mp3", "This is a text.\nIt has two lines.\n");
        // A playlist could make a decoder read other files.
        _folder.Write("b.mp3", $"#EXTM3U\n#EXTINF:1,\n{_folder["c.wav"]}\n#EXT-X-ENDLIST\n");
        _folder.Write("c.wav", WavFile.Sine(8000, 440, 1));
        _folder.Write("d.mp3", $"ffconcat version 1.0\nfile '{_folder["c.wav"]}'\n");
        foreach (string name in (string[])["a.mp3", "b.mp3", "d.mp3"])
        {
            string line = Should.Throw<AtelierException>(() => AudioFiles.Read(_folder[name])).ToLine();
            line.ShouldContain("has no sound that ffmpeg decodes");
            line.ShouldNotContain('\n');
        }
    }

    [Fact]
    public async Task Cancelling_ends_the_decoder()
    {
        Command.Ffmpeg("-f", "lavfi", "-i", "sine=440:d=600", "-c:a", "flac", _folder["long.flac"]);
        using var source = new CancellationTokenSource();
        using ISampleStream sound = AudioDecoder.Open(_folder["long.flac"], source.Token);
        var block = new float[1000];
        sound.Read(block).ShouldBe(1000);
        await source.CancelAsync();
        Should.Throw<OperationCanceledException>(() =>
        {
            while (sound.Read(block) > 0)
                source.Token.ThrowIfCancellationRequested();
        });
    }

    [Fact]
    public void Without_ffmpeg_the_message_says_how_to_get_it()
    {
        _folder.Write("a.mp3", "no sound");
        Should.Throw<AtelierException>(() => FfmpegStream.Open(_folder["a.mp3"], CancellationToken.None,
            _folder["no-such-program"])).ToLine().ShouldContain("apt-get install ffmpeg");
    }
}
