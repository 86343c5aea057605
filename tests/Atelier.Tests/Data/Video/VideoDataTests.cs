using Atelier.Data;
using Atelier.Data.Images;
using Atelier.Data.Video;
using Atelier.Recipes;
using Atelier.TestSupport;
using Atelier.Tests.Data.Audio;

namespace Atelier.Tests.Data.Video;

public sealed class VideoDataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Frames_are_those_that_ffmpeg_writes_as_images()
    {
        Film("a.mp4", "testsrc2=size=64x32:rate=10:duration=2");
        Command.Ffmpeg("-i", _folder["a.mp4"], "-vf", "crop=32:32,scale=16:16:flags=area", _folder["f%02d.png"]);
        using VideoData data = Prepare("a.mp4", new VideoSection { Width = 16, Height = 16, Frames = 5 }, All);
        (data.Schema.Fps, data.Train.Count, data.Train.Films[0].Frames).ShouldBe((10, 4, 20));
        var clip = new byte[data.Schema.Size];
        for (int number = 0; number < 4; number++)
        {
            data.Train.Read(number, clip);
            for (int frame = 0; frame < 5; frame++)
            {
                byte[] png = ImageFiles.Read(_folder[$"f{(5 * number) + frame + 1:00}.png"], 16, 16, 3);
                for (int i = 0; i < png.Length; i++)
                    Math.Abs(png[i] - clip[(frame * data.Schema.FrameSize) + i]).ShouldBeLessThanOrEqualTo(2);
            }
        }
    }

    [Fact]
    public void Frames_are_cropped_or_padded_with_square_pixels_and_the_rate_is_converted()
    {
        // Anamorphic: 32 × 32 pixels that are shown as 64 × 32, the left half white.
        Film("wide.mp4", "color=white:size=16x32:rate=8:duration=1,pad=32:32:0:0:black,setsar=2");
        byte[] cropped = First(VideoFit.Crop), padded = First(VideoFit.Pad);
        int white = cropped.Count(value => value > 200), black = cropped.Count(value => value < 50);
        (white, black).ShouldBe((128, 128), "the middle half of the width");
        padded.Take(16 * 4).ShouldAllBe(value => value < 50);
        padded.Skip(16 * 4).Take(16 * 8).Count(value => value > 200).ShouldBe(64);
        using VideoData slow = Prepare("wide.mp4", new VideoSection { Width = 16, Height = 16, Channels = 1, Fps = 4,
            Frames = 2 }, All);
        slow.Train.Films[0].Frames.ShouldBe(4);

        byte[] First(VideoFit fit)
        {
            using VideoData data = Prepare("wide.mp4",
                new VideoSection { Width = 16, Height = 16, Channels = 1, Frames = 2, Fit = fit }, All);
            var clip = new byte[data.Schema.Size];
            data.Train.Read(0, clip);
            return clip[..data.Schema.FrameSize];
        }
    }

    [Fact]
    public void The_chosen_stream_is_read_and_a_stream_that_is_missing_is_refused()
    {
        Command.Ffmpeg("-f", "lavfi", "-i", "color=black:size=32x32:rate=5:duration=1", "-f", "lavfi", "-i",
            "color=white:size=48x32:rate=5:duration=1", "-f", "lavfi", "-i", "sine=duration=1", "-map", "2:a", "-map",
            "0:v", "-map", "1:v", _folder["two.mkv"]);
        for (int stream = 0; stream < 2; stream++)
        {
            using VideoData data = Prepare("two.mkv", new VideoSection { Stream = stream, Frames = 2 }, All);
            var clip = new byte[data.Schema.Size];
            data.Train.Read(0, clip);
            (clip.Average(value => value) > 128).ShouldBe(stream == 1);
            data.Notes.ShouldContain(note => note.Contains("2 video streams", StringComparison.Ordinal));
        }
        Should.Throw<AtelierException>(() => Prepare("two.mkv", new VideoSection { Stream = 2 }, All)).ToLine()
            .ShouldContain("data.video.stream to 0 to 1");
    }

    [Fact]
    public void One_film_is_cut_into_parts_in_time_and_no_frame_is_in_two()
    {
        Film("one.mp4", "testsrc2=size=32x32:rate=10:duration=20");
        using VideoData data = Prepare("one.mp4", new VideoSection { Frames = 8, Stride = 2 },
            new SplitSection { Train = 0.6, Validation = 0.2, Test = 0.2 });
        VideoFilm train = data.Train.Films.Single(), validation = data.Validation.Films.Single(),
            test = data.Test.Films.Single();
        (train.Start, train.Frames, validation.Start, validation.Frames, test.Start, test.Frames)
            .ShouldBe((0, 120, 120, 40, 160, 40));
        data.Train.Count.ShouldBe(1 + ((120 - 8) / 2));
        (data.Train.Count, data.Train.ContentHash).ShouldNotBe((data.Test.Count, data.Test.ContentHash));
        using VideoData again = VideoData.Open(_folder["out"]);
        again.Train.ContentHash.ShouldBe(data.Train.ContentHash);
    }

    [Fact]
    public void Folders_of_numbered_frames_and_gif_files_are_videos_with_classes()
    {
        Command.Ffmpeg("-version");
        var rising = new List<byte[]>();
        for (int frame = 0; frame < 12; frame++)
        {
            byte[] pixels = [.. Enumerable.Repeat((byte)(20 * frame), 32 * 32)];
            rising.Add(pixels);
            foreach (string film in (string[])["up/first", "up/second", "flat/third"])
                _folder.Write($"frames/{film}/frame{frame}.png", ImageFiles.EncodePng(32, 32, 1, pixels));
        }
        using (VideoData data = Prepare("frames", new VideoSection { Frames = 12, Channels = 1 }, All))
        {
            data.Schema.Classes.ShouldBe(["flat", "up"]);
            data.Train.Count.ShouldBe(3);
            var clip = new byte[data.Schema.Size];
            data.Train.Read(0, clip);
            clip.Chunk(data.Schema.FrameSize).Select(frame => (int)frame[0]).ShouldBe(rising.Select(f => (int)f[0]));
        }
        var delay = TimeSpan.FromMilliseconds(200);
        _folder.Write("gifs/a.gif", GifFile.Encode(32, 32, 1, rising, delay, delay));
        using (VideoData data = Prepare("gifs", new VideoSection { Frames = 12, Channels = 1 }, All))
        {
            data.Schema.Fps.ShouldBe(5);
            var clip = new byte[data.Schema.Size];
            data.Train.Read(0, clip);
            clip.Chunk(data.Schema.FrameSize).Select(frame => (int)frame[0]).ShouldBe(rising.Select(f => (int)f[0]));
        }
    }

    [Fact]
    public void What_is_no_video_is_named_in_one_line_and_good_files_are_kept()
    {
        Film("in/good.mp4", "testsrc2=size=32x32:rate=10:duration=3");
        File.Copy(_folder["in/good.mp4"], _folder["in/wrong.avi"]);
        _folder.Write("in/text.mp4", "this is a text"u8.ToArray());
        _folder.Write("in/empty.webm", []);
        Command.Ffmpeg("-f", "lavfi", "-i", "sine=duration=1", _folder["in/sound.mp4"]);
        byte[] bytes = File.ReadAllBytes(_folder["in/good.mp4"]);
        _folder.Write("in/cut.mp4", bytes[..(bytes.Length / 3)]);
        using VideoData data = Prepare("in", new VideoSection { Frames = 4 }, All);
        data.Train.Films.Select(film => film.Name).ShouldBe(["good.mp4", "wrong.avi"]);
        foreach (string name in (string[])["text.mp4", "empty.webm", "sound.mp4", "cut.mp4"])
            data.Notes.Count(note => note.Contains(name, StringComparison.Ordinal)
                && !note.Contains('\n', StringComparison.Ordinal)).ShouldBe(1, name);
        foreach (string name in (string[])["text.mp4", "empty.webm", "sound.mp4"])
        {
            string line = Should.Throw<AtelierException>(() => Prepare("in/" + name, new(), All)).ToLine();
            (line.Contains(name, StringComparison.Ordinal), line.Contains('\n', StringComparison.Ordinal))
                .ShouldBe((true, false), line);
        }
        File.Exists(_folder["out/facts.json"]).ShouldBeFalse();
    }

    [Fact]
    public void A_missing_ffmpeg_is_said_with_what_to_install()
    {
        _folder.Write("a.mp4", [0]);
        AtelierException missing = Should.Throw<AtelierException>(() => VideoProbe.Read(_folder["a.mp4"], "a.mp4", 0,
            TestContext.Current.CancellationToken, "no-such-program"));
        FfmpegProcess.IsMissing(missing).ShouldBeTrue();
        missing.ToLine().ShouldContain("apt-get install ffmpeg");
    }

    [Fact]
    public void A_variable_frame_rate_becomes_constant_and_8K_is_reduced_while_it_is_decoded()
    {
        Film("vfr.mkv", "testsrc2=size=32x32:rate=20:duration=4,select='lt(t,2)+not(mod(n,4))'", "-fps_mode", "vfr");
        using (VideoData data = Prepare("vfr.mkv", new VideoSection { Fps = 10, Frames = 4 }, All))
            data.Train.Films[0].Frames.ShouldBeInRange(38, 42, "4 seconds");
        Film("8k.mp4", "color=gray:size=7680x4320:rate=2:duration=1", "-preset", "ultrafast");
        using (VideoData data = Prepare("8k.mp4", new VideoSection { Frames = 2 }, All))
            data.Train.Films[0].Frames.ShouldBe(2);
    }

    [Fact]
    public void Memory_does_not_grow_with_the_length_of_a_film()
    {
        // Other tests of the process use memory too, though not each time.
        long[] growths = [.. Enumerable.Range(0, 5).Select(i => Growth(_folder[$"frames-{i}"]))
            .TakeWhile(growth => growth >= 8 << 20)];
        growths.Length.ShouldBeLessThan(5, string.Join(", ", growths));
    }

    private static long Growth(string path)
    {
        const int frames = 20_000;
        long before = GC.GetTotalMemory(forceFullCollection: true), most = 0;
        var item = new VideoItem(new VideoEntry("long", "long", (_, _, _) => new Long(frames), Probe: null), 0, false);
        var format = new FrameFormat(32, 32, 3, 10, VideoFit.Crop);
        VideoFilm film = new VideoPreparation(format, 0, new(), null, CancellationToken.None)
            .Write(path, [item]).Single().Film;
        most = GC.GetTotalMemory(forceFullCollection: true) - before;
        film.Frames.ShouldBe(frames);
        new FileInfo(path).Length.ShouldBe((long)frames * format.Size);
        return most;
    }

    [Fact]
    public void Moving_digits_are_the_same_for_a_seed_and_the_test_digits_are_held_out()
    {
        DataFolder.File("mnist", "train-images-idx3-ubyte.gz");
        var section = new DataSection { Source = MovingDigits.Name, WorldDocuments = 60 };
        using VideoData data = VideoData.Prepare(section, 3, _folder["out"]),
            again = VideoData.Prepare(section, 3, _folder["again"]);
        (data.Train.Count, data.Validation.Count, data.Test.Count).ShouldBe((54, 3, 3));
        data.Train.ContentHash.ShouldBe(again.Train.ContentHash);
        (data.Schema.Channels, data.Schema.Frames).ShouldBe((1, 16));
        var clip = new byte[data.Schema.Size];
        data.Train.Read(0, clip);
        clip.Count(value => value > 128).ShouldBeInRange(16 * 30, 16 * 200);
    }

    [Fact]
    public void The_two_streams_of_a_real_film_have_the_published_numbers_of_frames()
    {
        string film = DataFolder.File("video", "nasa_13013.mp4");
        Command.Ffmpeg("-version");
        foreach ((int stream, int frames, double fps) in ((int, int, double)[])[(0, 325, 25), (1, 390, 29.97)])
        {
            using VideoData data = VideoData.Prepare(new DataSection { Source = film, Split = All,
                Video = new VideoSection { Stream = stream } }, 1, _folder[$"out{stream}"]);
            data.Train.Films.Single().Frames.ShouldBe(frames);
            data.Schema.Fps.ShouldBe(fps, 0.001);
        }
    }

    private static SplitSection All { get; } = new() { Train = 1, Validation = 0, Test = 0, Shuffle = false };

    private VideoData Prepare(string name, VideoSection section, SplitSection split) => VideoData.Prepare(
        new DataSection { Source = _folder[name], Video = section, Split = split }, 1, _folder["out"]);

    private void Film(string name, string source, params string[] more)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        Command.Ffmpeg(["-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", .. more, _folder[name]]);
    }

    private sealed class Long(int frames) : IFrameStream
    {
        private int _at;

        public string? Fault => null;

        public bool Read(Span<byte> frame)
        {
            frame.Fill((byte)_at);
            return _at++ < frames;
        }

        public void Dispose()
        {
        }
    }
}
