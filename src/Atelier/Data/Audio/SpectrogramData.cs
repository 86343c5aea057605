using Atelier.Data.Images;
using Atelier.Recipes;

namespace Atelier.Data.Audio;

/// <summary>The spectrograms of prepared sounds as images, in a folder next to the sounds.</summary>
internal static class SpectrogramData
{
    private const string FolderName = "spectrograms";
    private const double Range = 80; // decibels from black to white
    private const int MostSide = 1024;

    /// <summary>Returns how images show the clips of some data; the loudest moment of training is white.</summary>
    /// <param name="data">The sounds.</param>
    /// <param name="section">The settings of the spectrograms.</param>
    /// <exception cref="AtelierException">The sounds are stereo or too long, or the settings do not fit their sample
    /// rate.</exception>
    public static SpectrogramFormat FormatOf(AudioData data, SpectrogramSection section)
    {
        AudioSchema schema = data.Schema;
        if (schema.Channels > 1)
            throw new AtelierException("spectrograms are of one channel", "data.audio.channels", "set it to 1");
        var format = new SpectrogramFormat(MelSettings.Of(section, schema.SampleRate), schema.ClipFrames, 0, 0);
        if (format.Width > MostSide)
            throw new AtelierException($"the spectrogram of a clip has {format.Frames} frames",
                "data.audio.clipSeconds", "use shorter clips, or a larger data.audio.spectrogram.hop");
        return WithLevels(format, Enumerable.Range(0, data.Train.Count).AsParallel()
            .Select(clip => Samples(data.Train, clip)));
    }

    /// <summary>Returns how images show some sounds of one length in the usual bands.</summary>
    /// <param name="sounds">The samples of each sound.</param>
    /// <param name="sampleRate">Samples per second.</param>
    public static SpectrogramFormat FormatOf(IReadOnlyList<float[]> sounds, int sampleRate) => WithLevels(
        new(MelSettings.Of(new SpectrogramSection(), sampleRate), sounds[0].Length, 0, 0), sounds.AsParallel());

    /// <summary>Returns the size of the images.</summary>
    public static ImageSchema SchemaOf(SpectrogramFormat format, IReadOnlyList<string> classes) =>
        new(format.Width, format.Mel.MelCount, 1, classes) { Spectrogram = format };

    /// <summary>Returns the format with levels at which the loudest moment of some sounds is white.</summary>
    /// <param name="format">The format, whose levels are replaced.</param>
    /// <param name="sounds">The samples of each sound.</param>
    private static SpectrogramFormat WithLevels(SpectrogramFormat format, ParallelQuery<float[]> sounds)
    {
        var mel = new MelSpectrogram(format.Mel);
        double highest = Math.Ceiling(sounds.Max(samples =>
            MelSpectrogram.ToDecibels(mel.Power(samples)).Max(frame => frame.Max())));
        return format with { LowestDecibels = highest - Range, HighestDecibels = highest };
    }

    /// <summary>Draws the spectrograms of all clips, or opens those that were drawn before.</summary>
    /// <param name="data">The sounds.</param>
    /// <param name="format">How the images show them; the clips are as long as it says.</param>
    /// <param name="folder">The folder of the sounds.</param>
    public static ImageData Create(AudioData data, SpectrogramFormat format, string folder)
    {
        string own = Path.Combine(folder, FolderName);
        ImageSchema schema = SchemaOf(format, data.Schema.Classes);
        if (File.Exists(Path.Combine(own, PreparedFacts.FileName)))
        {
            ImageData kept = ImageData.Open(own);
            if (kept.Schema.Spectrogram == format && kept.Train.Count == data.Train.Count)
                return kept;
            kept.Dispose();
        }
        var drawing = new SpectrogramImages(format);
        return ImageData.Create(own, data.Facts, schema, [.. ((AudioPart[])[data.Train, data.Validation, data.Test])
            .Select(part => (IReadOnlyList<(byte[], int)>)[.. Enumerable.Range(0, part.Count).AsParallel().AsOrdered()
                .Select(clip => (drawing.ToImage(Samples(part, clip)), part.Labels[clip]))])]);
    }

    private static float[] Samples(AudioPart part, int clip)
    {
        var samples = new float[part.Schema.Size];
        part.Read(clip, samples);
        return samples;
    }
}
