using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data.Audio;

namespace Atelier.Tasks.Audio;

/// <summary>Encodes generated sounds as WAV and Opus files.</summary>
public static class AudioOutput
{
    private const double GapSeconds = 0.2;

    /// <summary>Encodes sounds one after another, with a short silence between them.</summary>
    /// <param name="samples">At least one sound; all of the same sample rate and channels.</param>
    /// <param name="origin">How they were generated, to be stored in the file; null stores nothing.</param>
    /// <returns>The contents of a WAV file of 16-bit integers.</returns>
    public static byte[] Joined(IReadOnlyList<AudioSample> samples, SampleOrigin? origin = null)
    {
        byte[] wav = AudioFiles.EncodeWav(Join(samples));
        return origin is null ? wav : AudioTags.AddToWav(wav, origin.ToTexts());
    }

    /// <summary>Encodes sounds one after another with Opus, at its usual rate.</summary>
    /// <param name="samples">At least one sound; all of the same sample rate and channels.</param>
    /// <param name="origin">How they were generated, to be stored in the file; null stores nothing.</param>
    /// <returns>The contents of an Ogg file.</returns>
    public static byte[] JoinedOpus(IReadOnlyList<AudioSample> samples, SampleOrigin? origin = null)
    {
        Sound sound = Join(samples);
        using var file = new MemoryStream();
        OpusCoding.Encode(sound, OpusCoding.UsualRate * sound.Channels).Write(file, origin?.ToTexts());
        return file.ToArray();
    }

    /// <summary>Returns the name and contents of a WAV file for each sound: 00.wav, 01.wav …</summary>
    /// <param name="samples">The sounds.</param>
    /// <param name="origin">How they were generated, to be stored in the files; null stores nothing.</param>
    public static IEnumerable<(string Name, byte[] Content)> Each(IReadOnlyList<AudioSample> samples,
        SampleOrigin? origin = null)
    {
        CultureInfo invariant = CultureInfo.InvariantCulture;
        int digits = Math.Max(2, ((origin?.Request.Count ?? samples.Count) - 1).ToString(invariant).Length);
        return samples.Select((sample, i) =>
        {
            int number = origin?.Request.Only ?? i;
            SampleOrigin? own = origin is null ? null
                : origin with { Request = origin.Request with { Only = number } };
            return ($"{number.ToString(invariant).PadLeft(digits, '0')}.wav", Joined([sample], own));
        });
    }

    private static Sound Join(IReadOnlyList<AudioSample> samples)
    {
        (int rate, int channels) = (samples[0].SampleRate, samples[0].Channels);
        var gap = new float[(int)(GapSeconds * rate)];
        float[] Plane(int channel) => [.. samples.SelectMany((sample, i) =>
        {
            int frames = sample.Samples.Length / channels;
            float[] plane = sample.Samples.Slice(channel * frames, frames).ToArray();
            return i == 0 ? plane : [.. gap, .. plane];
        })];
        return new Sound([.. Enumerable.Range(0, channels).Select(Plane)], rate);
    }
}
