using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Models.Diffusion.Samplers;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Diffusion;

/// <summary>
/// An image that sampling begins from. Without a mask, sampling begins at an intermediate noise level (Meng et al.
/// 2022). With a mask, the masked part is drawn again, and the rest is replaced at every evaluation by the image with
/// the noise level of the time (Song et al. 2021, appendix I.2), with the same initial noise.
/// </summary>
internal sealed class InitImage
{
    private const double UsualStrength = 0.6;
    // [channels, height, width] or one for each, [batch, channels, height, width], −1 to 1
    private readonly Tensor _picture;
    private readonly Tensor? _mask; // [1, height, width], 1 where it is drawn anew

    /// <summary>A picture in memory.</summary>
    /// <param name="picture">[channels, height, width], or one for each, [batch, channels, height, width], −1 to
    /// 1.</param>
    /// <param name="mask">[1, height, width], from 0, kept, to 1, drawn anew; null draws all of it.</param>
    public InitImage(Tensor picture, Tensor? mask) => (_picture, _mask) = (picture, mask);

    /// <summary>The default strength: 1 with a mask.</summary>
    public static double Strength(SamplingOptions drawing) =>
        drawing.Strength ?? (drawing.Mask is null ? UsualStrength : 1);

    /// <summary>
    /// Reads the files that a request names, cut and resized as pictures to learn from are; null where it names none.
    /// </summary>
    /// <exception cref="AtelierException">One cannot be read.</exception>
    public static InitImage? Read(SamplingOptions drawing, ImageSchema schema, Device device)
    {
        if (drawing.From is not { } from)
            return null;
        Tensor picture = Fitted(from, schema.Channels).DividedBy(127.5).PlusNumber(-1);
        return new(picture, drawing.Mask is { } mask ? Fitted(mask, channels: 1).DividedBy(255) : null);

        Tensor Fitted(string path, int channels) =>
            tensor(ImageFiles.Read(path, schema.Width, schema.Height, channels), channels, schema.Height, schema.Width)
                .to(device).to(ScalarType.Float32);
    }

    /// <summary>The same in an autoencoder's latents: a place is drawn anew where any of its pixels is.</summary>
    public InitImage Encode(FrozenAutoencoder autoencoder) => new(
        autoencoder.Encode(_picture.dim() == 3 ? _picture.unsqueeze(0) : _picture), _mask is null ? null
            : F.adaptive_max_pool2d(_mask, autoencoder.Shape[1..]));

    /// <summary>The image with the noise of a time, α x₀ + σ ε.</summary>
    /// <param name="noise">ε, [batch, channels, height, width].</param>
    /// <param name="schedule">α and σ.</param>
    /// <param name="t">The time.</param>
    public Tensor Noisy(Tensor noise, NoiseSchedule schedule, double t) =>
        noise.Times(schedule.Sigma(t)).Plus(_picture.Times(schedule.Alpha(t)));

    /// <summary>A model that knows what is kept.</summary>
    /// <param name="denoiser">The model.</param>
    /// <param name="schedule">α and σ.</param>
    /// <param name="noise">The initial noise.</param>
    public Denoiser Hold(Denoiser denoiser, NoiseSchedule schedule, Tensor noise) =>
        _mask is null ? denoiser : (x, t) =>
    {
        DenoiserOutput parts = denoiser(Lay(x, Noisy(noise, schedule, t)), t);
        return new(Lay(parts.Picture, _picture), Lay(parts.Noise, noise));
    };

    /// <summary>The drawn pictures with what is kept as it was.</summary>
    public Tensor Finish(Tensor drawn) => Lay(drawn, _picture);

    private Tensor Lay(Tensor anew, Tensor kept) => _mask is null ? anew : kept.Plus(_mask.mul(anew - kept));
}
