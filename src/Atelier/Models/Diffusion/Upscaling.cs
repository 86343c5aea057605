using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Layers;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>
/// The condition of an upscaling network: a small image, enlarged by a filter (Saharia et al. 2021, section 2.2). Noise
/// is added to it first, and the amount of noise is an input, so that the small image may come from another model and
/// be less accurate than the small images of training (Ho et al. 2021, section 4.2).
/// </summary>
/// <param name="config">The upscaling factor and the largest amount of noise.</param>
/// <param name="schema">The size, channels and classes of the large images.</param>
/// <param name="schedule">α and σ.</param>
internal sealed class Upscaling(DiffusionConfig config, ImageSchema schema, NoiseSchedule schedule) : IUpscaler
{
    private const ResizeFilter Filter = ResizeFilter.Triangle;

    /// <summary>
    /// Channels of the condition: those of the enlarged image, and a constant channel with the time of its noise.
    /// </summary>
    public int Channels => schema.Channels + 1;

    /// <inheritdoc/>
    public ImageSchema Small { get; } =
        schema with { Width = schema.Width / config.Upscale, Height = schema.Height / config.Upscale };

    /// <inheritdoc/>
    public double StrengthForDrawn => config.UpscaleNoise / 2;

    /// <inheritdoc/>
    public Tensor Shrink(Tensor images) => Resize(images, Small);

    /// <inheritdoc/>
    public Tensor Enlarge(Tensor small) => Resize(small, schema);

    /// <summary>Draws the times of the noise in training, [batch], evenly from 0 to the largest amount.</summary>
    public Tensor Times(long count, Device device, Generator? random) =>
        empty([count], device: device).FillUniform(0, config.UpscaleNoise, random);

    /// <summary>The condition, [batch, <see cref="Channels"/>, height, width].</summary>
    /// <param name="small">Small images, [batch, channels, height, width], −1 to 1.</param>
    /// <param name="times">The time of the noise of each image, [batch].</param>
    /// <param name="random">Draws the noise.</param>
    public Tensor Condition(Tensor small, Tensor times, Generator? random)
    {
        Tensor noise = empty_like(small).FillNormal(random);
        Tensor enlarged = Enlarge(schedule.Alphas(times).mul(small).Plus(schedule.Sigmas(times).mul(noise)));
        return cat([enlarged, times.view(-1, 1, 1, 1).expand(-1, 1, schema.Height, schema.Width)], 1);
    }

    /// <summary>The small image of a request, repeated for each large image.</summary>
    /// <exception cref="AtelierException">The request has none, or one of another size.</exception>
    public Tensor Read(SamplingOptions drawing, long count, Device device)
    {
        if (drawing.From is not { } image)
            throw new AtelierException(
                $"the model makes {schema.Width} × {schema.Height} of images of {Small.Width} × {Small.Height}, "
                    + $"and none is named", Mention.Field("from"),
                    "name one, or draw by another model: "
                        + $"{Mention.Command("generate")} RUN {Mention.Field("upscale")} THIS");
        (int width, int height) = ImageFiles.Measure(image);
        if ((width, height) != (Small.Width, Small.Height))
            throw new AtelierException(
                $"has {width} × {height} pixels, and the model makes {schema.Width} × {schema.Height} of "
                    + $"{Small.Width} × {Small.Height}", image.Name, "give an image of that size");
        byte[] pixels = ImageFiles.Decode(image, Small.Width, Small.Height, Small.Channels, Filter);
        return ImageBatches.Scaled(pixels, Small).to(device).expand(count, Small.Channels, Small.Height, Small.Width);
    }

    /// <summary>Throws if options have no meaning for an upscaling model.</summary>
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

    /// <summary>Resizes height and width, each by a matrix product.</summary>
    private static Tensor Resize(Tensor images, ImageSchema to)
    {
        using var scope = NewDisposeScope();
        int height = (int)images.shape[2], width = (int)images.shape[3];
        Tensor rows = tensor(ImageResizer.Matrix(height, to.Height, Filter), to.Height, height).to(images.device);
        Tensor columns = tensor(ImageResizer.Matrix(width, to.Width, Filter), to.Width, width).to(images.device);
        return rows.matmul(images).matmul(columns.t()).MoveToOuterDisposeScope();
    }
}
