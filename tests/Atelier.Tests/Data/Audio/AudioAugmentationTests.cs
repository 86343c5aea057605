using Atelier.Data.Audio;
using Atelier.Recipes;
using Atelier.TestSupport;

namespace Atelier.Tests.Data.Audio;

public sealed class AudioAugmentationTests : IDisposable
{
    private const int Rate = 8000, Count = 24;
    private const double Seconds = 0.25;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Speed_plays_clips_faster_and_slower()
    {
        const double Frequency = 400;
        float[][] clips = Clips(Frequency, new AudioAugmentSection { Speed = 0.2 });
        var speeds = new List<double>();
        foreach (float[] clip in clips)
        {
            // until a slower clip would have ended, less the filter
            int heard = (int)(Rate * Seconds / 1.2) - 100;
            double Error(double speed) => Enumerable.Range(100, heard - 100)
                .Max(i => Math.Abs(clip[i] - (0.5 * Math.Sin(Math.Tau * Frequency * speed * i / Rate))));
            double best = Enumerable.Range(0, 17).Select(step => 0.8 + (step / 40.0)).MinBy(Error);
            Error(best).ShouldBeLessThan(0.002);
            speeds.Add(best);
        }
        speeds.Distinct().Count().ShouldBeGreaterThan(5);
        speeds.Min().ShouldBeLessThan(0.9);
        speeds.Max().ShouldBeGreaterThan(1.1);
    }

    [Fact]
    public void Tilt_amplifies_low_frequencies_against_high_ones_or_the_reverse()
    {
        var augment = new AudioAugmentSection { Tilt = 12 };
        double[] low = Levels(4, augment), high = Levels(3996, augment);
        for (int i = 0; i < Count; i++)
        {
            low[i].ShouldBe(-high[i], 0.3, "half of the decibels up, half down");
            Math.Abs(low[i]).ShouldBeLessThan(6.05);
        }
        low.Max().ShouldBeGreaterThan(3);
        low.Min().ShouldBeLessThan(-3);
    }

    /// <summary>The change in dB of a tone's level, for each clip.</summary>
    private double[] Levels(double frequency, AudioAugmentSection augment) =>
        [.. Clips(frequency, augment).Zip(Clips(frequency, null), (with, without) =>
            10 * Math.Log10(with.Skip(200).Sum(x => (double)x * x) / without.Skip(200).Sum(x => (double)x * x)))];

    private float[][] Clips(double frequency, AudioAugmentSection? augment)
    {
        for (int i = 0; i < Count; i++)
            _folder.Write($"in-{frequency}/{i:00}.wav", WavFile.Sine(Rate, frequency, Seconds * 1.25));
        var section = new AudioSection { ClipSeconds = Seconds, ClipStride = 1 };
        using var data = AudioData.Prepare(new DataSection
        {
            Source = _folder[$"in-{frequency}"], Audio = section, Split = SplitSection.None,
        }, 1, _folder[$"out-{frequency}"]);
        using AudioBatch batch = new AudioBatches(data.Train, Count, 1, shuffled: false, augment).Get(0);
        return [.. batch.Samples.data<float>().ToArray().Chunk((int)(Rate * Seconds))];
    }
}
