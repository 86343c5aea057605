using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Tasks.Images;

namespace Atelier.Tasks.Audio;

/// <summary>
/// Generates a gap of a sound anew, by a model of spectrograms: the columns of the gap are the mask of the image (Song
/// et al. 2021, appendix I.2), and the samples outside the gap stay as they are.
/// </summary>
internal sealed class SoundInfilling
{
    private const double FadeSeconds = 0.005; // on each side of the gap, within it
    private readonly float[] _given;
    private readonly int _start, _end, _fade;

    private SoundInfilling(float[] given, int start, int end, int fade) =>
        (_given, _start, _end, _fade) = (given, start, end, fade);

    /// <summary>Turns a request with a gap into one for images.</summary>
    /// <param name="generator">The model.</param>
    /// <param name="request">The request, with a sound and a gap.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <returns>The request for images, and what turns their sounds into the filled sound.</returns>
    /// <exception cref="AtelierException">The model does not fill in, or the sound and the gap do not fit.</exception>
    public static (GenerationRequest Images, SoundInfilling Infilling) Begin(ImageGenerator generator,
        GenerationRequest request, CancellationToken cancellation)
    {
        (InputData input, TimeRange gap) = (request.Input!, request.Gap!);
        SpectrogramFormat format = generator.Schema.Spectrogram!;
        int rate = format.Mel.SampleRate;
        if (!generator.Model.SamplingFields.Contains("mask"))
            throw new AtelierException("the model generates whole sounds, and fills in no gaps", Mention.Field("gap"),
                "use a model of the family diffusion");
        Sound sound = AudioFiles.Read(input, rate, 1, cancellation);
        double most = (double)format.Samples / rate;
        if (sound.Frames > format.Samples)
            throw new AtelierException(FormattableString.Invariant(
                $"lasts {sound.Seconds:0.###} s, and the sounds of the model last {most:0.###} s"), input.Name,
                "cut out the part with the gap");
        int start = (int)Math.Round(gap.Start * rate), end = (int)Math.Round(gap.End * rate);
        if (!(gap.Start >= 0 && start < end && end <= sound.Frames))
            throw new AtelierException(FormattableString.Invariant(
                $"a gap from {gap.Start} s to {gap.End} s is not within a sound of {sound.Seconds:0.###} s"),
                Mention.Field("gap"), "write where it begins and ends in seconds, such as 0.2-0.4");
        float[] samples = sound.Samples[0], whole = [.. samples];
        Array.Clear(whole, start, end - start);
        Array.Resize(ref whole, format.Samples); // shorter sounds end with silence
        var images = request with
        {
            Input = null,
            Gap = null,
            Drawing = (request.Drawing ?? new()) with
            {
                From = Png(new SpectrogramImages(format).ToImage(whole), "sound.png"),
                Mask = Png(Mask(format, start, end), "gap.png"),
            },
        };
        return (images, new(samples, start, end, Math.Min((int)(FadeSeconds * rate), (end - start) / 2)));

        InputImage Png(byte[] grey, string name) =>
            new(ImageFiles.EncodePng(format.Width, format.Mel.MelCount, 1, grey), name);
    }

    /// <summary>Returns the given sound with the gap from a generated one.</summary>
    public float[] Fill(float[] generated)
    {
        float[] filled = [.. _given];
        for (int i = _start; i < _end; i++)
        {
            double weight = _fade == 0 ? 1 : Math.Min(1, Math.Min(i - _start + 1, _end - i) / (double)_fade);
            filled[i] = (float)((weight * generated[i]) + ((1 - weight) * _given[i]));
        }
        return filled;
    }

    /// <summary>White at the columns whose windows reach into the gap: the others show given samples alone.</summary>
    private static byte[] Mask(SpectrogramFormat format, int start, int end)
    {
        var mask = new byte[format.Width * format.Mel.MelCount];
        for (int column = 0; column < format.Width; column++)
        {
            int centre = column * format.Mel.Hop, half = format.Mel.Window / 2;
            if (centre + half <= start || centre - half >= end)
                continue;
            for (int band = 0; band < format.Mel.MelCount; band++)
                mask[(band * format.Width) + column] = byte.MaxValue;
        }
        return mask;
    }
}
