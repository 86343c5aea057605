using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>
/// The condition of an upscaling network: the small image, enlarged by a filter (Saharia et al. 2021, section 2.2).
/// Noise is added to it first, and its amount is an input, so that the small image may come from another model and be
/// less accurate than those in training (Ho et al. 2021, section 4.2).
/// </summary>
/// <param name="config">How many times to enlarge, and the most noise.</param>
/// <param name="schema">What the large pictures have in common.</param>
/// <param name="schedule">α and σ of the noise over small pictures too.</param>
internal sealed class Upscaling(DiffusionConfig config, ImageSchema schema, NoiseSchedule schedule) : IUpscaler
{
    private const ResizeFilter Filter = ResizeFilter.Triangle;

    /// <summary>
    /// Channels in addition to those of the noisy image: the enlarged image, and a constant channel with the time of
    /// its noise.
    /// </summary>
    public int Channels => schema.Channels + 1;

    /// <inheritdoc/>
    public ImageSchema Small { get; } =
        schema with { Width = schema.Width / config.Upscale, Height = schema.Height / config.Upscale };

    /// <inheritdoc/>
    public double StrengthForDrawn => config.UpscaleNoise / 2;

    /// <inheritdoc/>
    public Tensor Shrink(Tensor pictures) => Resize(pictures, Small);

    /// <inheritdoc/>
    public Tensor Enlarge(Tensor small) => Resize(small, schema);

    /// <summary>Times of the noise over training pictures' small ones, [batch], evenly from 0 to the most.</summary>
    public Tensor Times(long count, Device device, Generator? random) =>
        empty([count], device: device).uniform_(0, config.UpscaleNoise, random);

    /// <summary>What the network is shown, [batch, <see cref="Channels"/>, height, width].</summary>
    /// <param name="small">[batch, channels, height, width], of the small size, −1 to 1.</param>
    /// <param name="times">The time of each one's noise, [batch].</param>
    /// <param name="random">Draws the noise.</param>
    public Tensor Show(Tensor small, Tensor times, Generator? random)
    {
        long count = small.shape[0];
        float[] at = times.cpu().data<float>().ToArray();
        Tensor noise = empty_like(small).normal_(0, 1, random);
        Tensor enlarged =
            Enlarge(schedule.Alphas(at, small.device).mul(small).Plus(schedule.Sigmas(at, small.device).mul(noise)));
        return cat([enlarged, times.view(count, 1, 1, 1).expand(count, 1, schema.Height, schema.Width)], 1);
    }

    /// <summary>The small picture that a request brings, for each of so many large ones.</summary>
    /// <exception cref="AtelierException">It brings none, or one of another size.</exception>
    public Tensor Read(SamplingOptions drawing, long count, Device device)
    {
        if (drawing.From is not { } image)
            throw new AtelierException(
                $"the model makes {schema.Width} × {schema.Height} of pictures of {Small.Width} × {Small.Height}, "
                    + $"and none is named", Mention.Field("from"),
                    "name one, or draw by another model: "
                        + $"{Mention.Command("generate")} RUN {Mention.Field("upscale")} THIS");
        (int width, int height) = ImageFiles.Measure(image);
        if ((width, height) != (Small.Width, Small.Height))
            throw new AtelierException(
                $"has {width} × {height} pixels, and the model makes {schema.Width} × {schema.Height} of "
                    + $"{Small.Width} × {Small.Height}", image.Name, "give a picture of that size");
        byte[] pixels = ImageFiles.Decode(image, Small.Width, Small.Height, Small.Channels, Filter);
        return ImageBatches.Scaled(pixels, Small).to(device).expand(count, Small.Channels, Small.Height, Small.Width);
    }

    /// <summary>Throws where options have no meaning for a model that enlarges.</summary>
    /// <exception cref="AtelierException">They have none.</exception>
    public void Check(SamplingOptions drawing)
    {
        if (drawing.Mask is not null || drawing.Interpolate is not null)
            throw new AtelierException("the model enlarges whole images, one at a time", drawing.Mask is null
                ? Mention.Field("interpolate") : Mention.Field("mask"), "leave it out");
        if (drawing.Strength is { } strength && !(strength >= 0 && strength <= config.UpscaleNoise))
            throw new AtelierException($"the strength of the noise added to the small image is {strength}",
                Mention.Field("strength"),
                FormattableString.Invariant($"allowed: 0 to {config.UpscaleNoise}, as in training"));
    }

    /// <summary>Both sides resized, each by a product.</summary>
    private static Tensor Resize(Tensor pictures, ImageSchema to)
    {
        using var scope = NewDisposeScope();
        int height = (int)pictures.shape[2], width = (int)pictures.shape[3];
        Tensor down = tensor(ImageResizer.Matrix(height, to.Height, Filter), to.Height, height).to(pictures.device);
        Tensor across = tensor(ImageResizer.Matrix(width, to.Width, Filter), to.Width, width).to(pictures.device);
        return down.matmul(pictures).matmul(across.t()).MoveToOuterDisposeScope();
    }
}
