using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Models.AudioCodec.Vocoder;

/// <summary>
/// A vocoder: the decoder of the audio codec, which computes samples from mel spectrograms, trained by the distance
/// between spectra and against discriminators of spectrograms (as HiFi-GAN, Kong et al. 2020, with the discriminators
/// of Défossez et al. 2022). A spectrogram has no phases, so samples are not compared.
/// </summary>
public sealed class VocoderModel : GradientModel<AudioBatch>
{
    /// <summary>The beginning of the names of the discriminators' tensors.</summary>
    internal const string DiscriminatorTensors = Discriminators + ".";

    private const string Discriminators = "discriminators";
    private readonly CodecDecoder _decoder;
    private readonly SoundLosses _losses;
    private readonly SpectrogramImages _drawing;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="schema">The size of the spectrograms, and how they show sounds.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <exception cref="AtelierException">The configuration does not fit the spectrograms.</exception>
    public VocoderModel(VocoderConfig config, ImageSchema schema, Precision precision, long seed)
        : base("vocoder")
    {
        (Config, Schema) = (config, schema);
        SpectrogramFormat format = schema.Spectrogram!;
        using var random = new Generator((ulong)seed, CPU);
        _decoder = new CodecDecoder(config.Decoder(format.Mel), channels: 1, precision, random);
        _losses = new SoundLosses(format.Mel.SampleRate, config.Adversarial ? config.DiscriminatorChannels : 0,
            precision, random);
        _drawing = new SpectrogramImages(format);
        register_module("decoder", _decoder);
        register_buffer("steps", zeros(1));
        Objectives = [new("vocoder", Loss, [.. _decoder.parameters()])];
        if (!config.Adversarial)
            return;
        register_module(Discriminators, _losses.Discriminators);
        Objectives =
            [.. Objectives, new("discriminator", DiscriminatorLoss, [.. _losses.Discriminators.parameters()])];
    }

    /// <summary>The configuration.</summary>
    public VocoderConfig Config { get; }

    /// <summary>The size of the spectrograms, and how they show sounds.</summary>
    public ImageSchema Schema { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<AudioBatch>> Objectives { get; }

    private bool IsAdversarial => Config.Adversarial && Steps.Number() > Config.AdversarialStart;

    private Tensor Steps => get_buffer("steps")!;

    /// <inheritdoc/>
    /// <remarks>Counts the steps, which decide when the discriminators begin.</remarks>
    public override void Prepare(int turn)
    {
        if (turn == 0)
            Steps.copy_(Steps.PlusNumber(1));
    }

    /// <inheritdoc/>
    public override string Unit(string figure) => figure == "spectralDistance" ? "dB" : figure;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(AudioBatch batch)
    {
        using var scope = NewDisposeScope();
        double spectral = _losses.Distances(batch.Samples, Again(batch.Samples)).Spectral.Number();
        return new Dictionary<string, double>
        {
            ["loss"] = Config.SpectralWeight * spectral, ["spectralDistance"] = 10 * spectral,
        };
    }

    /// <summary>Computes samples.</summary>
    /// <param name="spectrograms">[batch, frames, bands], from the lowest band up, −1 at the lowest level to 1 at the
    /// highest.</param>
    /// <param name="samples">The number of samples.</param>
    /// <returns>[batch, 1, samples], fp32.</returns>
    public Tensor Synthesise(Tensor spectrograms, int samples)
    {
        int hop = Schema.Spectrogram!.Mel.Hop;
        // frame t is centred at sample t · hop, the decoder's frame at the middle of its samples
        return _decoder.forward(spectrograms).narrow(1, hop / 2, samples).transpose(1, 2);
    }

    /// <summary>Returns images of spectrograms as the network reads them.</summary>
    /// <param name="images">The grey values of each, [bands, width], from the highest band down.</param>
    /// <param name="format">How they show sounds.</param>
    /// <returns>[images, frames, bands], fp32.</returns>
    internal Tensor Levels(IReadOnlyList<byte[]> images, SpectrogramFormat format)
    {
        SpectrogramFormat own = Schema.Spectrogram!;
        int bands = own.Mel.MelCount, frames = format.Frames;
        double step = (format.HighestDecibels - format.LowestDecibels) / byte.MaxValue,
            range = own.HighestDecibels - own.LowestDecibels;
        var values = new float[images.Count * frames * bands];
        for (int i = 0; i < values.Length; i++)
        {
            int band = i % bands, frame = i / bands % frames;
            byte grey = images[i / (bands * frames)][((bands - 1 - band) * format.Width) + frame];
            double decibels = format.LowestDecibels + (grey * step);
            values[i] = (float)Math.Clamp((2 * (decibels - own.LowestDecibels) / range) - 1, -1, 1);
        }
        return tensor(values, images.Count, frames, bands);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _losses.Dispose();
        base.Dispose(disposing);
    }

    private Tensor Loss(AudioBatch batch)
    {
        Tensor again = Again(batch.Samples), spectral = _losses.Distances(batch.Samples, again).Spectral;
        Note("spectralDistance", spectral.detach().Times(10));
        Tensor loss = spectral.Times(Config.SpectralWeight);
        if (!IsAdversarial)
            return loss;
        (Tensor deceived, Tensor features) = _losses.Adversarial(batch.Samples, again);
        Note("adversarialLoss", deceived);
        Note("featureDistance", features);
        return loss.Plus(deceived.Times(Config.AdversarialWeight)).Plus(features.Times(Config.FeatureWeight));
    }

    private Tensor DiscriminatorLoss(AudioBatch batch)
    {
        if (!IsAdversarial)
            return _losses.None();
        Tensor again;
        using (no_grad())
            again = Again(batch.Samples);
        return _losses.OfDiscriminators(batch.Samples, again);
    }

    /// <summary>What the network makes of the spectrograms of sounds, [batch, 1, time].</summary>
    private Tensor Again(Tensor samples)
    {
        int time = (int)samples.shape[2];
        float[] values = samples.detach().cpu().contiguous().data<float>().ToArray();
        byte[][] images = [.. values.Chunk(time).Select(sound => _drawing.ToImage(sound))];
        return Synthesise(Levels(images, Schema.Spectrogram!).to(samples.device), time);
    }
}
