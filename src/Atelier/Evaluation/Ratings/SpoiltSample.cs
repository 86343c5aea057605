using Atelier.Abstractions;

namespace Atelier.Evaluation.Ratings;

/// <summary>
/// Spoils samples for attention checks: the words of a text are in random order, the pixels of an image or a video and
/// the samples of a sound are noise. A rater who pays attention prefers the sample as it was.
/// </summary>
internal static class SpoiltSample
{
    private const int FewestWords = 4;

    /// <summary>Returns a spoilt copy; null if a rater could not tell it from the sample.</summary>
    public static Sample? Of(Sample sample, ref SplitMix64 random)
    {
        switch (sample)
        {
            case ImageSample image:
                return image with { Pixels = Noise(image.Pixels.Length, ref random) };
            case VideoSample video:
                var frames = new ReadOnlyMemory<byte>[video.Frames.Count];
                for (int i = 0; i < frames.Length; i++)
                    frames[i] = Noise(video.Frames[i].Length, ref random);
                return video with { Frames = frames };
            case AudioSample sound:
                double power = 0;
                foreach (float value in sound.Samples.Span)
                    power += (double)value * value;
                double deviation = Math.Sqrt(power / Math.Max(1, sound.Samples.Length));
                var noise = new float[sound.Samples.Length];
                for (int i = 0; i < noise.Length; i++)
                    noise[i] = (float)Math.Clamp(deviation * random.NextNormal(), -1, 1);
                return deviation == 0 ? null : sound with { Samples = noise };
            default:
                string[] words = sample.Shown.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
                return words.Length < FewestWords ? null
                    : new TextSample(string.Join(' ', Shuffled(words, ref random)));
        }
    }

    private static byte[] Noise(int length, ref SplitMix64 random)
    {
        var pixels = new byte[length];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)random.Next(byte.MaxValue + 1);
        return pixels;
    }

    private static string[] Shuffled(string[] words, ref SplitMix64 random)
    {
        var shuffled = (string[])words.Clone();
        for (int i = shuffled.Length - 1; i > 0; i--)
        {
            int other = (int)random.Next(i + 1);
            (shuffled[i], shuffled[other]) = (shuffled[other], shuffled[i]);
        }
        return shuffled;
    }
}
