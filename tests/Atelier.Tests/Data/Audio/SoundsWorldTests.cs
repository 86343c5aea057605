using Atelier.Data.Audio;
using Atelier.Recipes;

namespace Atelier.Tests.Data.Audio;

public sealed class SoundsWorldTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    public void All_attributes_can_be_measured_from_the_samples(double noise)
    {
        const int Count = 600;
        int right = 0;
        var random = new SplitMix64(5);
        for (int n = 0; n < Count; n++)
        {
            (float[] samples, SoundAttributes drawn) = SoundsWorld.Sample(3, n);
            double level = noise * Math.Sqrt(samples.Average(sample => sample * sample));
            for (int i = 0; i < samples.Length; i++)
                samples[i] += (float)(level * random.NextNormal());
            if (SoundsWorldReader.Read(samples, SoundsWorld.SampleRate) is not { } read || read.Label != drawn.Label)
                continue;
            right++;
            read.Pitch.ShouldBe(drawn.Pitch, Math.Max(0.04 * drawn.Pitch, 1e-9), $"{drawn}");
            read.Span.ShouldBe(drawn.Span, 0.15, $"{drawn}");
            read.Tempo.ShouldBe(drawn.Tempo, (0.06 * drawn.Tempo) + 1e-9, $"{drawn}");
        }
        (right / (double)Count).ShouldBeGreaterThanOrEqualTo(0.99);
    }

    [Fact]
    public void Silence_and_noise_are_no_sounds_of_the_world()
    {
        SoundsWorldReader.Classify(new float[4000], 8000).ShouldBe(-1);
        var random = new SplitMix64(1);
        for (int n = 0; n < 20; n++)
        {
            float[] noise = [.. Enumerable.Range(0, 4000).Select(_ => (float)(0.2 * random.NextNormal()))];
            SoundsWorldReader.Classify(noise, 8000).ShouldBe(-1);
        }
    }

    [Fact]
    public void The_world_is_prepared_as_any_source()
    {
        using AudioData data = AudioData.Prepare(
            new DataSection { Source = SoundsWorld.Name, WorldDocuments = 200 }, 7, _folder["out"]);
        data.Schema.SampleRate.ShouldBe(8000);
        data.Schema.Classes.ShouldBe(SoundsWorld.Classes);
        SoundsWorld.Reads(data.Schema).ShouldBeTrue();
        data.Train.Count.ShouldBe(180);
        var clip = new float[data.Schema.Size];
        for (int i = 0; i < 20; i++)
        {
            data.Train.Read(i, clip);
            SoundsWorldReader.Classify(clip, 8000).ShouldBe(data.Train.Labels[i]);
        }
    }
}
