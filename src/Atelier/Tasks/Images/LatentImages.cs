using Atelier.Data.Images;
using Atelier.Runs;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>
/// Images through an autoencoder's latents: reconstructions, interpolations between two images, and the effect of each
/// latent dimension.
/// </summary>
public sealed class LatentImages
{
    /// <summary>The largest value of a dimension in traversals; the smallest is its negative.</summary>
    public const double Reach = 3;

    private readonly ImageModel _model;
    private readonly IAutoencoder _autoencoder;

    /// <summary>Creates the view of a model's latents.</summary>
    /// <exception cref="AtelierException">The model has no latents.</exception>
    public LatentImages(ImageModel model)
    {
        _model = model;
        _autoencoder = model as IAutoencoder
            ?? throw new AtelierException("this kind of model cannot encode images", "generation",
                "use a model of the family vae");
    }

    private Device Device => _model.parameters().First().device;

    /// <summary>Reconstructs images through the latents.</summary>
    /// <param name="images">The images: channels, then rows, then columns, 0 to 255.</param>
    /// <param name="label">The class of all images; null lets the model recognise the class of each.</param>
    /// <returns>The reconstructions, in the order of the images.</returns>
    public IReadOnlyList<byte[]> Reconstruct(IReadOnlyList<byte[]> images, int? label = null)
    {
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(_model);
        (Tensor latents, Tensor? labels) = Read(images, label);
        return Bytes(_autoencoder.Decode(latents, labels));
    }

    /// <summary>Interpolates linearly between the latents of each image and the next.</summary>
    /// <param name="images">At least two, as in <see cref="Reconstruct"/>.</param>
    /// <param name="steps">Number of images in each interpolation, including both ends; at least 2.</param>
    /// <param name="label">As in <see cref="Reconstruct"/>. In the first half of an interpolation images have the class
    /// of the first end.</param>
    /// <returns>The interpolations one after another, each with that number of images.</returns>
    /// <exception cref="AtelierException">There are not two images.</exception>
    public IReadOnlyList<byte[]> Interpolate(IReadOnlyList<byte[]> images, int steps, int? label = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        if (images.Count < 2)
            throw new AtelierException("there is only one image", Mention.Field("interpolate"), "give two or more");
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(_model);
        (Tensor latents, Tensor? labels) = Read(images, label);
        var between = new List<Tensor>();
        var ends = new List<long>();
        for (int path = 0; path + 1 < images.Count; path++)
        {
            for (int step = 0; step < steps; step++)
            {
                double share = step / (steps - 1.0);
                between.Add(latents[path].lerp(latents[path + 1], share));
                ends.Add(path + (share < 0.5 ? 0 : 1));
            }
        }
        return Bytes(_autoencoder.Decode(stack(between), labels?.index_select(0, tensor(ends.ToArray()).to(Device))));
    }

    /// <summary>
    /// Moves one latent dimension of an image after another from −3 to 3, the width of a standard normal prior.
    /// </summary>
    /// <param name="image">As in <see cref="Reconstruct"/>.</param>
    /// <param name="steps">The number of images of each dimension; at least 2.</param>
    /// <param name="label">As in <see cref="Reconstruct"/>.</param>
    /// <returns>The images of each dimension, one dimension after another.</returns>
    /// <exception cref="AtelierException">The latents are not a vector.</exception>
    public IReadOnlyList<byte[]> Traverse(byte[] image, int steps, int? label = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(_model);
        (Tensor latents, Tensor? labels) = Read([image], label);
        return Bytes(Move(latents, labels, steps, long.MaxValue));
    }

    /// <summary>
    /// Moves one latent dimension after another from −3 to 3, with zero, the mean of the prior, for all others.
    /// </summary>
    /// <param name="steps">The number of images of each dimension; at least 2.</param>
    /// <param name="most">The largest number of dimensions, from the first on.</param>
    /// <param name="label">The class of all images; ignored by a model without classes.</param>
    /// <returns>The images of each dimension, one dimension after another.</returns>
    /// <exception cref="AtelierException">The latents are not a vector.</exception>
    public IReadOnlyList<byte[]> Traverse(int steps, int most, int label = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(_model);
        // an image of any content has as many latents as all others
        (Tensor latents, _) = Read([new byte[_model.Schema.Size]], label);
        Tensor? labels = _model.IsConditional
            ? KeptScalars.Full([1], label, ScalarType.Int64, Device) : null;
        return Bytes(Move(zeros_like(latents), labels, steps, most));
    }

    /// <summary>Decodes latents in which one dimension after another takes values from −3 to 3.</summary>
    private Tensor Move(Tensor latents, Tensor? labels, int steps, long most)
    {
        if (_autoencoder.HasGrid)
            throw new AtelierException("a grid of latents has too many dimensions to vary one by one",
                Mention.Field("traverse"), "use a model with a Gaussian latent vector");
        long size = latents.shape[1], count = Math.Min(most, size);
        Tensor moved = latents.repeat(count * steps, 1).view(count, steps, size).clone();
        Tensor values = linspace(-Reach, Reach, steps).to(Device);
        for (long i = 0; i < count; i++)
            moved[i].select(1, i).copy_(values);
        return _autoencoder.Decode(moved.view(-1, size), labels?.expand(count * steps));
    }

    private (Tensor Latents, Tensor? Labels) Read(IReadOnlyList<byte[]> images, int? label)
    {
        var values = new float[images.Count * _model.Schema.Size];
        for (int i = 0; i < images.Count; i++)
            ImageBatches.Scale(images[i], values.AsSpan(i * _model.Schema.Size, _model.Schema.Size));
        Tensor x = tensor(values, images.Count, _model.Schema.Channels, _model.Schema.Height, _model.Schema.Width)
            .to(Device);
        Tensor? labels = _model.IsConditional && label is { } known
            ? KeptScalars.Full([images.Count], known, ScalarType.Int64, Device) : _autoencoder.Recognise(x);
        return (_autoencoder.Encode(x, labels), labels);
    }

    private List<byte[]> Bytes(Tensor images) => [.. ImageGenerator.Bytes(images).Chunk(_model.Schema.Size)];
}
