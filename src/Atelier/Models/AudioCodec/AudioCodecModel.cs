using Atelier.Data.Audio;
using Atelier.Layers;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Models.AudioCodec;

/// <summary>
/// A learned audio codec (SoundStream, Zeghidour et al. 2021; EnCodec, Défossez et al. 2022): an encoder, residual
/// vector quantisation and a decoder, trained together by the distance between spectra, the distance between samples,
/// and discriminators of spectrograms. It is used through <see cref="Abstractions.IAudioCodec"/>.
/// </summary>
public sealed class AudioCodecModel : GradientModel<AudioBatch>
{
    /// <summary>The beginning of the names of the discriminators' tensors.</summary>
    internal const string DiscriminatorTensors = Discriminators + ".";

    private const string Discriminators = "discriminators";
    private readonly CodecEncoder _encoder;
    private readonly CodecDecoder _decoder;
    private readonly ResidualQuantizer _quantizer;
    private readonly SoundLosses _losses;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="schema">The sample rate, channels and length of its clips.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the sounds.</exception>
    public AudioCodecModel(AudioCodecConfig config, AudioSchema schema, Precision precision, long seed)
        : base("audio-codec")
    {
        config.Check(schema);
        (Config, Schema) = (config, schema);
        using var random = new Generator((ulong)seed, CPU);
        _encoder = new CodecEncoder(config, schema.Channels, precision, random);
        _decoder = new CodecDecoder(config, schema.Channels, precision, random);
        _quantizer = new ResidualQuantizer(config);
        _losses = new SoundLosses(schema.SampleRate, config.Adversarial ? config.DiscriminatorChannels : 0, precision,
            random);
        register_module("encoder", _encoder);
        register_module("quantizer", _quantizer);
        register_module("decoder", _decoder);
        register_buffer("steps", zeros(1));
        Parameter[] own = [.. _encoder.parameters(), .. _decoder.parameters()];
        Objectives = [new("codec", CodecLoss, own)];
        if (!config.Adversarial)
            return;
        register_module(Discriminators, _losses.Discriminators);
        Objectives =
            [.. Objectives, new("discriminator", DiscriminatorLoss, [.. _losses.Discriminators.parameters()])];
    }

    /// <summary>The configuration.</summary>
    public AudioCodecConfig Config { get; }

    /// <summary>The sample rate, channels and length of its clips.</summary>
    public AudioSchema Schema { get; }

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
    /// <remarks>Moves the codes towards the sounds of the step.</remarks>
    public override void Conclude(int turn)
    {
        if (turn == 0)
            _quantizer.Follow();
    }

    /// <inheritdoc/>
    public override bool DividesAmongRanks => false;

    /// <inheritdoc/>
    public override void ForgetBatches() => _quantizer.Forget();

    /// <summary>Lets the codes follow the sounds of a replica as well.</summary>
    internal void Join(AudioCodecModel replica) => _quantizer.Join(replica._quantizer);

    /// <inheritdoc/>
    public override string Unit(string figure) => figure switch
    {
        "spectralDistance" or "siSdr" => "dB",
        "codePerplexity" => "codes",
        _ => figure,
    };

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(AudioBatch batch)
    {
        using var scope = NewDisposeScope();
        ResidualQuantizer.Result coded = _quantizer.Quantise(Encode(batch.Samples), null, isLearning: false);
        Tensor again = Decode(coded.Vectors, batch.Samples.shape[0], batch.Samples.shape[2]);
        (Tensor spectral, Tensor waveform) = _losses.Distances(batch.Samples, again);
        return new Dictionary<string, double>
        {
            ["loss"] = Weighted(spectral, waveform, coded.Commitment).Number(),
            ["spectralDistance"] = 10 * spectral.Number(),
            ["siSdr"] = SignalToDistortion(batch.Samples.flatten(1), again.flatten(1)).Number(),
            ["codePerplexity"] = coded.Codes.unbind(0).Average(codes => Perplexity(codes).Number()),
        };
    }

    /// <summary>Computes the codes of sounds.</summary>
    /// <param name="samples">[batch, channels, time], fp32.</param>
    /// <param name="count">The number of codebooks.</param>
    /// <returns>[count, batch, frames], int64; the last frame may be of silence in part.</returns>
    public Tensor Encode(Tensor samples, int count)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        return _quantizer.Encode(Encode(samples), count).view(count, samples.shape[0], -1).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the sounds of codes.</summary>
    /// <param name="codes">[count, batch, frames], int64.</param>
    /// <returns>[batch, channels, frames · frame length], fp32.</returns>
    public Tensor Decode(Tensor codes)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        long time = codes.shape[2] * Config.FrameLength;
        return Decode(_quantizer.Decode(codes.flatten(1)), codes.shape[1], time).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _losses.Dispose();
        base.Dispose(disposing);
    }

    private Tensor CodecLoss(AudioBatch batch)
    {
        Tensor samples = batch.Samples;
        (Tensor again, ResidualQuantizer.Result coded) = Reconstruct(samples, isLearning: training);
        (Tensor spectral, Tensor waveform) = _losses.Distances(samples, again);
        Note("spectralDistance", spectral.detach().Times(10));
        Note("codePerplexity", Perplexity(coded.Codes[0]));
        Tensor loss = Weighted(spectral, waveform, coded.Commitment);
        if (!IsAdversarial)
            return loss;
        (Tensor deceived, Tensor features) = _losses.Adversarial(samples, again);
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
            again = Reconstruct(batch.Samples, isLearning: false).Samples;
        return _losses.OfDiscriminators(batch.Samples, again);
    }

    /// <summary>Codes and decodes a batch of training, some clips with fewer codebooks.</summary>
    private (Tensor Samples, ResidualQuantizer.Result Coded) Reconstruct(Tensor samples, bool isLearning)
    {
        long batch = samples.shape[0];
        Tensor vectors = Encode(samples);
        Tensor? counts = Config.CodebookDropout == 0 ? null
            : Counts(batch, samples.device).unsqueeze(1).expand(-1, vectors.shape[0] / batch).flatten();
        ResidualQuantizer.Result coded = _quantizer.Quantise(vectors, counts, isLearning);
        return (Decode(coded.Vectors, batch, samples.shape[2]), coded);
    }

    /// <summary>The number of codebooks of each clip, [batch], fp32.</summary>
    private Tensor Counts(long batch, Device device)
    {
        Tensor chance = empty([batch], device: device).FillUniform(0, 1);
        Tensor some = empty([batch], device: device).FillUniform(0, Config.CodebookCount).floor().PlusNumber(1);
        Tensor isFull = chance.AtLeast(Config.CodebookDropout).to(ScalarType.Float32);
        // counts above the number of codebooks mean all of them
        return some.Plus(isFull.Times(Config.CodebookCount));
    }

    /// <summary>[batch, channels, time] → [batch · frames, code dimension].</summary>
    private Tensor Encode(Tensor samples)
    {
        long missing = -samples.shape[2] % Config.FrameLength;
        if (missing < 0)
            missing += Config.FrameLength;
        return _encoder.forward(TimeWindows.Pad(samples.transpose(1, 2), 0, missing)).flatten(0, 1);
    }

    /// <summary>[batch · frames, code dimension] → [batch, channels, time].</summary>
    private Tensor Decode(Tensor vectors, long batch, long time) =>
        _decoder.forward(vectors.view(batch, -1, Config.CodeDimension)).narrow(1, 0, time).transpose(1, 2);

    private Tensor Weighted(Tensor spectral, Tensor waveform, Tensor commitment) =>
        spectral.Times(Config.SpectralWeight).Plus(waveform.Times(Config.WaveformWeight))
            .Plus(commitment.squeeze(0).Times(Config.Commitment));

    /// <summary>
    /// The scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019, eq. 3), the mean over clips that are
    /// not silent.
    /// </summary>
    /// <param name="samples">[batch, values].</param>
    /// <param name="again">[batch, values].</param>
    private static Tensor SignalToDistortion(Tensor samples, Tensor again)
    {
        const double tiny = 1e-8;
        Tensor energy = samples.Squared().sum([1], keepdim: true);
        Tensor target = samples.mul(samples.mul(again).sum([1], keepdim: true).div(energy.PlusNumber(tiny)));
        Tensor ratio = target.Squared().sum([1]).PlusNumber(tiny).log10()
            .sub(again.sub(target).Squared().sum([1]).PlusNumber(tiny).log10()).Times(10);
        Tensor heard = energy.squeeze(1).AtLeast(tiny).to(ScalarType.Float32);
        return ratio.mul(heard).sum().div(heard.sum().PlusNumber(tiny));
    }

    /// <summary>The perplexity of the frequencies of codes in a batch.</summary>
    private Tensor Perplexity(Tensor codes)
    {
        using var gradients = no_grad();
        Tensor shares = codes.bincount(null, Config.CodebookSize).to(ScalarType.Float32).Times(1.0 / codes.numel());
        return shares.xlogy(shares).sum().neg().exp();
    }
}
