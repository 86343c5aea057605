using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Runs;
using Atelier.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Models.AudioCodec.Vocoder;

/// <summary>Computes sounds from spectrograms with a finished model.</summary>
/// <param name="model">The model, in evaluation mode. It is disposed with the vocoder.</param>
/// <param name="identity">The identity of the model; null during training.</param>
internal sealed class LearnedVocoder(VocoderModel model, BundleIdentity? identity = null)
    : ITrainedModel, IVocoder, IIdentifiedModel
{
    private readonly Lock _gate = new();

    /// <inheritdoc/>
    public SpectrogramFormat Format => model.Schema.Spectrogram!;

    /// <inheritdoc/>
    public BundleIdentity? Identity => identity;

    /// <summary>The model.</summary>
    internal VocoderModel Model => model;

    /// <inheritdoc/>
    public float[] ToSamples(ReadOnlySpan<byte> image, SpectrogramFormat format,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(image.Length, format.Mel.MelCount * format.Width, nameof(image));
        if (format.Mel != Format.Mel)
            throw new AtelierException($"the vocoder is for spectrograms of {Describe(Format.Mel)}, not of "
                + Describe(format.Mel), hint: "use a vocoder that was trained with the same data.audio settings");
        cancellation.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        Tensor levels = model.Levels([image.ToArray()], format).to(model.parameters().First().device);
        lock (_gate)
            return model.Synthesise(levels, format.Samples).cpu().contiguous().data<float>().ToArray();
    }

    /// <inheritdoc/>
    public void Dispose() => model.Dispose();

    private static string Describe(MelSettings mel) => FormattableString.Invariant(
        $"{mel.SampleRate} Hz with {mel.MelCount} bands, a window of {mel.Window} and a hop of {mel.Hop}");
}
