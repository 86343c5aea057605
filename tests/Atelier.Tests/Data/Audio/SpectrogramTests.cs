using System.Numerics;
using Atelier.Data.Audio;
using Atelier.Recipes;
using MathNet.Numerics.IntegralTransforms;
using static TorchSharp.torch;

namespace Atelier.Tests.Data.Audio;

/// <summary>Compared with MathNet, with torch.stft, and with values of librosa's documentation.</summary>
public class SpectrogramTests
{
    private static float[] Noise(int length, ulong seed = 1)
    {
        var random = new SplitMix64(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)random.NextNormal())];
    }

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(64)]
    [InlineData(2048)]
    public void The_transform_equals_MathNets_and_its_inverse_returns_the_signal(int size)
    {
        double[] signal = [.. Noise(size).Select(value => (double)value)];
        Complex[] expected = [.. signal.Select(value => new Complex(value, 0))];
        Fourier.Forward(expected, FourierOptions.AsymmetricScaling);
        var transform = new FourierTransform(size);
        var spectrum = new Complex[transform.Bins];
        transform.Forward(signal, spectrum);
        for (int k = 0; k < spectrum.Length; k++)
            (spectrum[k] - expected[k]).Magnitude.ShouldBeLessThan(1e-12 * size);
        var again = new double[size];
        transform.Inverse(spectrum, again);
        again.Zip(signal, (x, y) => Math.Abs(x - y)).Max().ShouldBeLessThan(1e-14 * size);
    }

    [Theory]
    [InlineData(256, 64, 2000)]
    [InlineData(200, 80, 1234)]
    public void Short_time_transforms_equal_those_of_torch(int window, int hop, int length)
    {
        float[] samples = Noise(length);
        var stft = new Stft(window, hop);
        using var scope = NewDisposeScope();
        Tensor expected = stft_(tensor(samples), stft.Size, hop, window);
        Complex[][] frames = stft.Forward(samples);
        expected.shape.ShouldBe([stft.Bins, frames.Length]);
        frames.Length.ShouldBe(stft.FrameCount(length));
        float[] real = [.. expected.real.contiguous().data<float>()], imaginary = [.. expected.imag.contiguous().data<float>()];
        for (int t = 0; t < frames.Length; t++)
        {
            for (int bin = 0; bin < stft.Bins; bin++)
            {
                int at = (bin * frames.Length) + t;
                (frames[t][bin] - new Complex(real[at], imaginary[at])).Magnitude.ShouldBeLessThan(1e-4);
            }
        }
        stft.Inverse(frames, length).Zip(samples, (x, y) => Math.Abs(x - y)).Skip(1).SkipLast(stft.Size).Max()
            .ShouldBeLessThan(1e-5f);
    }

    // torch.stft with librosa's padding: zeros on both sides
    private static Tensor stft_(Tensor samples, int size, int hop, int window) => TorchSharp.torch.stft(
        nn.functional.pad(samples, (size / 2, size / 2)), size, hop, window, hann_window(window), center: false,
        normalized: false, onesided: true, return_complex: true);

    [Fact]
    public void Mel_scales_have_the_values_of_librosas_documentation()
    {
        MelFilters.ToMel(60, MelScale.Slaney).ShouldBe(0.9, 1e-12);
        MelFilters.ToMel(440, MelScale.Slaney).ShouldBe(6.6, 1e-12);
        MelFilters.ToHertz(3, MelScale.Slaney).ShouldBe(200, 1e-12);
        MelFilters.ToMel(1000, MelScale.Htk).ShouldBe(999.9855, 1e-4);
        double[] forty = MelFilters.Frequencies(40, 0, 11_025, MelScale.Slaney);
        double[] documented =
        [
            0, 85.317, 170.635, 255.952, 341.269, 426.586, 511.904, 597.221, 682.538, 767.855, 853.173, 938.49,
            1024.856, 1119.114, 1222.042, 1334.436, 1457.167, 1591.187, 1737.532, 1897.337, 2071.84, 2262.393,
            2470.47, 2697.686, 2945.799, 3216.731, 3512.582, 3835.643, 4188.417, 4573.636, 4994.285, 5453.621,
            5955.205, 6502.92, 7101.009, 7754.107, 8467.272, 9246.028, 10_096.408, 11_025,
        ];
        forty.Zip(documented, (x, y) => Math.Abs(x - y)).Max().ShouldBeLessThan(6e-4);
        foreach (MelScale scale in Enum.GetValues<MelScale>())
            MelFilters.ToHertz(MelFilters.ToMel(3456, scale), scale).ShouldBe(3456, 1e-9);
    }

    [Theory]
    [InlineData(MelScale.Slaney)]
    [InlineData(MelScale.Htk)]
    public void Mel_filters_are_triangles_of_area_1(MelScale scale)
    {
        var settings = new MelSettings(22_050, 20, 2048, 512, 0, 11_025, scale);
        double[] edges = MelFilters.Frequencies(22, 0, 11_025, scale);
        float[][] filters = MelFilters.Create(settings, 16_385);
        double width = 11_025.0 / 16_384;
        for (int band = 0; band < 20; band++)
        {
            (filters[band].Sum() * width).ShouldBe(1, 2e-3);
            (Array.IndexOf(filters[band], filters[band].Max()) * width).ShouldBe(edges[band + 1], width);
        }
        // librosa.filters.mel(sr=22050, n_fft=2048)[0, :2] is documented as 0 and 0.016
        MelFilters.Create(settings with { MelCount = 128, Scale = MelScale.Slaney }, 1025)[0][1].ShouldBe(0.016f, 5e-4f);
    }

    [Fact]
    public void A_sine_of_full_scale_has_the_power_of_its_windows_sum_in_one_band()
    {
        var settings = MelSettings.Of(new() { MelCount = 40 }, 8000);
        (settings.Window, settings.Hop).ShouldBe((256, 64));
        var mel = new MelSpectrogram(settings);
        float[] sine = [.. Enumerable.Range(0, 4000).Select(i => MathF.Sin((float)(Math.Tau * 1000 * i / 8000)))];
        float[] frame = mel.Power(sine)[30];
        int loudest = Array.IndexOf(frame, frame.Max());
        double[] edges = MelFilters.Frequencies(42, 0, 4000, MelScale.Slaney);
        edges[loudest].ShouldBeLessThan(1000);
        edges[loudest + 2].ShouldBeGreaterThan(1000);
        // |Σ window · sine|² at the sine's bin is (128 / 2)², and a quarter of that on both sides of it.
        float[][] filters = MelFilters.Create(settings, 129);
        frame[loudest].ShouldBe(4096 * (filters[loudest][32] + ((filters[loudest][31] + filters[loudest][33]) / 4)),
            0.5f);
        MelSpectrogram.ToPower(MelSpectrogram.ToDecibels([frame]))[0][loudest].ShouldBe(frame[loudest], 0.01f);
    }

    [Fact]
    public void Phases_are_found_for_the_magnitudes_of_a_signal()
    {
        (float[] samples, _) = SoundsWorld.Sample(1, 3);
        var stft = new Stft(256, 64);
        float[][] magnitudes = [.. stft.Forward(samples).Select(frame =>
            Array.ConvertAll(frame, value => (float)value.Magnitude))];
        double slow = Error(0), fast = Error(0.99);
        fast.ShouldBeLessThan(0.2);
        fast.ShouldBeLessThan(slow);

        double Error(double momentum)
        {
            float[] found = new GriffinLim(stft, 60, momentum).Reconstruct(magnitudes, samples.Length, 1);
            Complex[][] frames = stft.Forward(found);
            double difference = 0, total = 0;
            for (int t = 0; t < frames.Length; t++)
            {
                for (int bin = 0; bin < stft.Bins; bin++)
                {
                    double gap = frames[t][bin].Magnitude - magnitudes[t][bin];
                    difference += gap * gap;
                    total += magnitudes[t][bin] * magnitudes[t][bin];
                }
            }
            return Math.Sqrt(difference / total);
        }
    }

    [Fact]
    public void A_sound_keeps_its_class_through_its_mel_spectrogram()
    {
        var mel = new MelSpectrogram(MelSettings.Of(new SpectrogramSection(), SoundsWorld.SampleRate));
        int right = 0;
        for (int n = 0; n < 40; n++)
        {
            (float[] samples, SoundAttributes drawn) = SoundsWorld.Sample(2, n);
            float[] again = mel.ToSamples(mel.Power(samples), samples.Length, 1);
            right += SoundsWorldReader.Classify(again, SoundsWorld.SampleRate) == drawn.Label ? 1 : 0;
        }
        right.ShouldBeGreaterThanOrEqualTo(36);
    }

    [Fact]
    public void Settings_that_do_not_fit_are_refused()
    {
        Should.Throw<AtelierException>(() => MelSettings.Of(new() { MaxFrequency = 5000 }, 8000)).Message
            .ShouldContain("from 0 to 5000 Hz");
        Should.Throw<AtelierException>(() => MelSettings.Of(new() { Window = 256, Hop = 200 }, 8000)).Message
            .ShouldContain("hop of 200");
    }

    [Fact]
    public void Masks_cover_bands_and_stretches_and_leave_the_rest()
    {
        var spectrogram = new float[40 * 100];
        Array.Fill(spectrogram, 1f);
        new SpecAugment(new() { MaskCount = 2, MaskShare = 0.2 }).Apply(spectrogram, 40, 0, new SplitMix64(4));
        bool[] rows = [.. Enumerable.Range(0, 40).Select(b => spectrogram.AsSpan(b * 100, 100).ToArray().All(v => v == 0))];
        bool[] columns = [.. Enumerable.Range(0, 100).Select(t => Enumerable.Range(0, 40).All(b => spectrogram[(b * 100) + t] == 0))];
        rows.Count(masked => masked).ShouldBeInRange(1, 16);
        columns.Count(masked => masked).ShouldBeInRange(1, 40);
        for (int b = 0; b < 40; b++)
        {
            for (int t = 0; t < 100; t++)
                spectrogram[(b * 100) + t].ShouldBe(rows[b] || columns[t] ? 0 : 1);
        }
    }
}
