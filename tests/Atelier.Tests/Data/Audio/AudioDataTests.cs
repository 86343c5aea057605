using System.Formats.Tar;
using System.IO.Compression;
using Atelier.Data;
using Atelier.Data.Audio;
using Atelier.Recipes;
using Atelier.TestSupport;

namespace Atelier.Tests.Data.Audio;

public sealed class AudioDataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_folder_of_folders_is_classes_and_a_broken_sound_is_skipped_and_named()
    {
        foreach ((string name, double frequency) in ((string, double)[])[("high", 1000), ("low", 200)])
        {
            for (int i = 0; i < 10; i++)
                _folder.Write($"in/{name}/{i}.wav", WavFile.Sine(8000, frequency, 0.1 + (0.01 * i)));
        }
        _folder.Write("in/low/empty.wav", []);
        _folder.Write("in/low/broken.wav", "RIFFxxxxWAVEfmt "u8.ToArray());
        using AudioData data = Prepare("in", new AudioSection());
        data.Schema.Classes.ShouldBe(["high", "low"]);
        (data.Schema.SampleRate, data.Schema.Channels, data.Schema.ClipFrames).ShouldBe((8000, 1, 1520));
        (data.Train.Count + data.Validation.Count + data.Test.Count).ShouldBe(20);
        data.Notes.ShouldContain(note => note.Contains("empty.wav is empty", StringComparison.Ordinal));
        data.Notes.ShouldContain(note => note.Contains("broken.wav", StringComparison.Ordinal));
        var clip = new float[data.Schema.Size];
        for (int i = 0; i < data.Train.Count; i++)
        {
            data.Train.Read(i, clip);
            int crossings = Enumerable.Range(1, 799).Count(t => clip[t - 1] < 0 != clip[t] < 0); // in 0.1 s
            crossings.ShouldBeInRange(data.Train.Labels[i] == 0 ? 195 : 36, data.Train.Labels[i] == 0 ? 200 : 40);
            clip.AsSpan(data.Train.Frames(i)).ToArray().ShouldAllBe(sample => sample == 0);
        }
    }

    [Fact]
    public void Prepared_sounds_open_again_and_damage_to_them_is_reported()
    {
        for (int i = 0; i < 20; i++)
            _folder.Write($"in/{i}.wav", WavFile.Of(8000, (short)i, 1000, -1000));
        string hash;
        using (AudioData data = Prepare("in", new AudioSection { ClipSeconds = 0.01 }))
            hash = data.Train.ContentHash;
        using (AudioData again = AudioData.Open(_folder["out"]))
        {
            again.Train.ContentHash.ShouldBe(hash);
            again.Schema.ClipFrames.ShouldBe(80);
        }
        File.WriteAllText(_folder["out/train-recordings.json"],
            """[{"name":"a","label":0,"start":0,"frames":9999999,"gain":1}]""");
        Should.Throw<AtelierException>(() => AudioData.Open(_folder["out"])).Message.ShouldContain("damaged");
    }

    [Fact]
    public void Sounds_in_a_tar_are_split_by_their_names()
    {
        Directory.CreateDirectory(_folder["in"]);
        using (var file = File.Create(_folder["in/digits.tar.gz"]))
        using (var gzip = new GZipStream(file, CompressionLevel.Fastest))
        using (var tar = new TarWriter(gzip))
        {
            foreach (string name in (string[])
                ["3_jackson_0", "3_theo_1", "3_theo_12", "7_jackson_0", "7_theo_5", "odd"])
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, $"digits/recordings/{name}.wav")
                {
                    DataStream = new MemoryStream(WavFile.Sine(8000, 100, 0.1)),
                });
            }
        }
        var section = new AudioSection { Labels = "{class}_{speaker}_{index}", TestWhere = "index < 5" };
        using AudioData data = Prepare("in/digits.tar.gz", section);
        data.Schema.Classes.ShouldBe(["3", "7"]);
        data.Test.Recordings.Select(r => (r.Name, r.Label, r.Speaker)).ShouldBe(
        [
            ("recordings/3_jackson_0.wav", 0, "jackson"), ("recordings/3_theo_1.wav", 0, "theo"),
            ("recordings/7_jackson_0.wav", 1, "jackson"),
        ]);
        data.Train.Count.ShouldBe(2);
        data.Notes.ShouldContain(
            "Left out because their names do not match {class}_{speaker}_{index}: 1 sound.");
        using AudioData theo = Prepare("in/digits.tar.gz", section with { TestWhere = "speaker = theo" });
        theo.Test.Count.ShouldBe(3);
        using AudioData both = Prepare("in/digits.tar.gz",
            section with { ClassParts = ["class", "speaker"], TestWhere = "index = 1, 12" });
        both.Schema.Classes.ShouldBe(["3-jackson", "3-theo", "7-jackson", "7-theo"]);
        both.Test.Recordings.Select(r => r.Label).ShouldBe([1, 1]);
        Should.Throw<AtelierException>(() => Prepare("in/digits.tar.gz", section with { ClassParts = ["voice"] }))
            .Message.ShouldContain("no part 'voice'");
    }

    [Theory]
    [InlineData("{class", null, "is not a pattern")]
    [InlineData("{class}_{class}", null, "is not a pattern")]
    [InlineData("{class}-{index}", null, "no file name matches")]
    [InlineData("{class}_{index}", "index", "is not a condition")]
    [InlineData("{class}_{index}", "speaker = theo", "has no part 'speaker'")]
    [InlineData("{class}_{index}", "index > 100", "no sound meets")]
    [InlineData("{class}_{index}", "index < 100", "all sounds meet")]
    [InlineData(null, "index < 5", "needs a pattern")]
    public void A_pattern_or_condition_that_does_not_fit_is_refused(string? labels, string? test, string why)
    {
        _folder.Write("in/3_1.wav", WavFile.Of(8000, 1, 2, 3));
        Should.Throw<AtelierException>(() => Prepare("in", new AudioSection { Labels = labels, TestWhere = test }))
            .Message.ShouldContain(why);
    }

    [Fact]
    public void A_table_names_the_class_of_each_sound()
    {
        for (int i = 0; i < 4; i++)
            _folder.Write($"in/{i}.wav", WavFile.Of(8000, 100, 200));
        _folder.Write("in/labels.csv", "file,label\n0.wav,cat\n1.wav,cat\n2.wav,dog\n3.wav,dog\n");
        using AudioData data = Prepare("in", new AudioSection());
        data.Schema.Classes.ShouldBe(["cat", "dog"]);
        using AudioData none = Prepare("in", new AudioSection { Labels = "none" });
        none.Schema.Classes.ShouldBeEmpty();
    }

    [Fact]
    public void A_long_recording_is_cut_into_clips_and_parts()
    {
        short[] ramp = [.. Enumerable.Range(0, 10_000).Select(i => (short)i)];
        _folder.Write("in/long.wav", WavFile.Of(1000, ramp));
        using AudioData data = Prepare("in", new AudioSection { ClipSeconds = 0.3, ClipStride = 0.2 });
        data.Train.Recordings.Single().Frames.ShouldBe(9000);
        data.Train.Count.ShouldBe(1 + ((9000 - 300) / 200));
        var clip = new float[300];
        data.Train.Read(3, clip);
        clip[5].ShouldBe(605 / 32768f);
        data.Validation.Read(0, clip);
        clip[0].ShouldBe(9000 / 32768f);
        data.Test.Recordings.Single().Start.ShouldBe(9500);

        using AudioData rest = Prepare("in", new AudioSection { ClipSeconds = 4 }, SplitSection.None);
        rest.Train.Count.ShouldBe(3, "half of the third clip is sound");
        (rest.Train.Frames(1), rest.Train.Frames(2)).ShouldBe((4000, 2000));
    }

    [Fact]
    public void Batches_depend_on_the_seed_and_number_alone()
    {
        for (int i = 0; i < 10; i++)
            _folder.Write($"in/{(i % 2 == 0 ? "a" : "b")}/{i}.wav", WavFile.Sine(8000, 300 + (50 * i), 0.1));
        using AudioData data = Prepare("in", new AudioSection(), SplitSection.None);
        var augment = new AudioAugmentSection { Noise = -20, Gain = 6, Shift = 0.01 };
        float[] Batch(long number, AudioAugmentSection? with, long seed = 1)
        {
            using AudioBatch batch = new AudioBatches(data.Train, 4, seed, shuffled: true, with).Get(number);
            batch.Samples.shape.ShouldBe([4, 1, 800]);
            return batch.Samples.data<float>().ToArray();
        }
        Batch(7, augment).ShouldBe(Batch(7, augment));
        Batch(7, augment).ShouldNotBe(Batch(7, augment, seed: 2));
        Batch(7, augment).ShouldNotBe(Batch(7, null));
        new AudioBatches(data.Train, 4, 1, shuffled: false).BatchesPerEpoch.ShouldBe(3);
        using AudioBatch last = new AudioBatches(data.Train, 4, 1, shuffled: false).Get(2);
        last.Labels.data<long>().ToArray().ShouldBe([data.Train.Labels[8], data.Train.Labels[9]]);
    }

    [Fact]
    public void The_memory_for_a_long_recording_does_not_depend_on_its_length()
    {
        // Other tests of the process use memory too, though not each time.
        long[] growths = [.. Enumerable.Range(0, 5).Select(i => Growth(_folder[$"samples-{i}"]))
            .TakeWhile(growth => growth > 12 << 20)];
        growths.Length.ShouldBeLessThan(5, string.Join(", ", growths));
    }

    private static long Growth(string folder)
    {
        long before = GC.GetTotalMemory(forceFullCollection: true), most = 0;
        int blocks = 0;
        const long Frames = 44_100L * 60 * 8; // 85 MB
        var item = new AudioItem(new AudioEntry("long.wav", "long.wav", _ => new LongSound(Frames, () =>
        {
            if (++blocks % 400 == 0)
                most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
        })), 0, null, IsTest: false);
        AudioRecording recording = new AudioPreparation(new AudioSection { TrimSilence = 60, Loudness = -30 }, 8000,
            new(), null, CancellationToken.None).Write(folder, [item]).Single().Recording;
        recording.Frames.ShouldBe(8000 * 60 * 8);
        blocks.ShouldBeGreaterThan(400);
        return most;
    }

    [Fact]
    public void Fsdd_has_2700_training_digits_and_the_published_300_test_digits()
    {
        DataFolder.File("fsdd", "fsdd.tar.gz");
        using AudioData data = AudioData.Prepare(
            new DataSection { Source = "fsdd", Audio = new() { ClipSeconds = 1 }, Split = new() { Validation = 0 } }, 1,
            _folder["out"]);
        SourceKind.Of("fsdd").ShouldBe(Modality.Audio);
        (data.Schema.SampleRate, data.Schema.ClipFrames).ShouldBe((8000, 8000));
        data.Schema.Classes.ShouldBe(Enumerable.Range(0, 10).Select(digit => $"{digit}"));
        (data.Train.Recordings.Count, data.Test.Recordings.Count).ShouldBe((2700, 300));
        data.Test.Recordings.CountBy(recording => recording.Speaker!).Select(speaker => speaker.Value)
            .ShouldBe([50, 50, 50, 50, 50, 50]);
    }

    private AudioData Prepare(string name, AudioSection section, SplitSection? split = null) => AudioData.Prepare(
        new DataSection { Source = _folder[name], Audio = section, Split = split ?? new() }, 1, _folder["out"]);

    private sealed class LongSound(long frames, Action onRead) : ISampleStream
    {
        private long _at;

        public int SampleRate => 44_100;

        public int Channels => 1;

        public string? Fault => null;

        public int Read(Span<float> samples)
        {
            onRead();
            int count = (int)Math.Min(samples.Length, frames - _at);
            for (int i = 0; i < count; i++)
                samples[i] = ((_at + i) % 441 / 441f) - 0.5f;
            _at += count;
            return count;
        }

        public void Dispose()
        {
        }
    }
}
