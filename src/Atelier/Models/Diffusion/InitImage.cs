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
/// 2022). With a mask, the masked part is sampled, and at every evaluation the rest is replaced by the image with the
/// noise level of the time and the initial noise (Song et al. 2021, appendix I.2).
/// </summary>
internal sealed class InitImage
{
    private const double DefaultStrength = 0.6;
    private readonly Tensor _image;
    private readonly Tensor? _mask;

    /// <summary>Creates it from tensors.</summary>
    /// <param name="image">[channels, height, width] for all, or [batch, channels, height, width], −1 to 1.</param>
    /// <param name="mask">[1, height, width], from 0, which keeps the image, to 1, which samples again; null samples
    /// everything.</param>
    public InitImage(Tensor image, Tensor? mask) => (_image, _mask) = (image, mask);

    /// <summary>The default strength: 1 with a mask.</summary>
    public static double Strength(SamplingOptions drawing) =>
        drawing.Strength ?? (drawing.Mask is null ? DefaultStrength : 1);

    /// <summary>
    /// Decodes the image and the mask of a request, cropped and resized as training images are; null if the request has
    /// none.
    /// </summary>
    /// <exception cref="AtelierException">An image cannot be decoded.</exception>
    public static InitImage? Decode(SamplingOptions drawing, ImageSchema schema, Device device)
    {
        if (drawing.From is not { } from)
            return null;
        Tensor decoded = Fitted(from, schema.Channels).DividedBy(127.5).PlusNumber(-1);
        return new(decoded, drawing.Mask is { } mask ? Fitted(mask, channels: 1).DividedBy(255) : null);

        Tensor Fitted(InputImage image, int channels) =>
            tensor(ImageFiles.Decode(image, schema.Width, schema.Height, channels), channels, schema.Height,
                schema.Width).to(device).to(ScalarType.Float32);
    }

    /// <summary>The latents of the image. A position is sampled again if any of its pixels is.</summary>
    public InitImage Encode(FrozenAutoencoder autoencoder) => new(
        autoencoder.Encode(_image.dim() == 3 ? _image.unsqueeze(0) : _image), _mask is null ? null
            : F.adaptive_max_pool2d(_mask, autoencoder.Shape[1..]));

    /// <summary>The image at a noise level, α x₀ + σ ε.</summary>
    /// <param name="noise">ε, [batch, channels, height, width].</param>
    /// <param name="schedule">α and σ.</param>
    /// <param name="t">The time.</param>
    public Tensor Noisy(Tensor noise, NoiseSchedule schedule, double t) =>
        noise.Times(schedule.Sigma(t)).Plus(_image.Times(schedule.Alpha(t)));

    /// <summary>A denoising function that keeps the part of the image outside the mask.</summary>
    /// <param name="denoiser">The denoising function of the model.</param>
    /// <param name="schedule">α and σ.</param>
    /// <param name="noise">The initial noise.</param>
    public Denoiser Hold(Denoiser denoiser, NoiseSchedule schedule, Tensor noise) =>
        _mask is null ? denoiser : (x, t) =>
    {
        DenoiserOutput parts = denoiser(Blend(x, Noisy(noise, schedule, t)), t);
        return new(Blend(parts.Image, _image), Blend(parts.Noise, noise));
    };

    /// <summary>The sampled images, with the part outside the mask as it was.</summary>
    public Tensor Finish(Tensor drawn) => Blend(drawn, _image);

    private Tensor Blend(Tensor sampled, Tensor kept) => _mask is null ? sampled : kept.Plus(_mask.mul(sampled - kept));
}
