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

    /// <summary>Pictures as the model makes them again.</summary>
    /// <param name="pictures">Each: channels, then rows, then columns, 0 to 255.</param>
    /// <param name="label">The class of all images; null lets the model recognise the class of each.</param>
    /// <returns>As the pictures, in their order.</returns>
    public IReadOnlyList<byte[]> Reconstruct(IReadOnlyList<byte[]> pictures, int? label = null)
    {
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(_model);
        (Tensor latents, Tensor? labels) = Read(pictures, label);
        return Bytes(_autoencoder.Decode(latents, labels));
    }

    /// <summary>Pictures on the straight line between the latents of each picture and the next.</summary>
    /// <param name="pictures">At least two, as in <see cref="Reconstruct"/>.</param>
    /// <param name="steps">Number of images in each interpolation, including both ends; at least 2.</param>
    /// <param name="label">As in <see cref="Reconstruct"/>. In the first half of an interpolation images have the class
    /// of the first end.</param>
    /// <returns>The interpolations one after another, each with that number of images.</returns>
    /// <exception cref="AtelierException">There are not two pictures.</exception>
    public IReadOnlyList<byte[]> Interpolate(IReadOnlyList<byte[]> pictures, int steps, int? label = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        if (pictures.Count < 2)
            throw new AtelierException("there is only one image", Mention.Field("interpolate"), "give two or more");
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(_model);
        (Tensor latents, Tensor? labels) = Read(pictures, label);
        var between = new List<Tensor>();
        var told = new List<long>();
        for (int way = 0; way + 1 < pictures.Count; way++)
        {
            for (int step = 0; step < steps; step++)
            {
                double share = step / (steps - 1.0);
                between.Add(latents[way].lerp(latents[way + 1], share));
                told.Add(way + (share < 0.5 ? 0 : 1));
            }
        }
        return Bytes(_autoencoder.Decode(stack(between), labels?.index_select(0, tensor(told.ToArray()).to(Device))));
    }

    /// <summary>
    /// A picture with one of its latent numbers after another moved from −3 to 3: a standard normal prior's width.
    /// </summary>
    /// <param name="picture">As in <see cref="Reconstruct"/>.</param>
    /// <param name="steps">Pictures a number; at least 2.</param>
    /// <param name="label">As in <see cref="Reconstruct"/>.</param>
    /// <returns>A row a latent number, each of so many pictures.</returns>
    /// <exception cref="AtelierException">The latents are no list of numbers.</exception>
    public IReadOnlyList<byte[]> Traverse(byte[] picture, int steps, int? label = null)
    {
        const double far = 3;
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        if (_autoencoder.HasGrid)
            throw new AtelierException("a grid of latents has too many dimensions to vary one by one",
                Mention.Field("traverse"), "use a model with a Gaussian latent vector");
        using var scope = NewDisposeScope();
        using var mode = new EvaluationMode(_model);
        (Tensor latents, Tensor? labels) = Read([picture], label);
        long size = latents.shape[1];
        Tensor moved = latents.repeat(size * steps, 1).view(size, steps, size).clone();
        Tensor values = linspace(-far, far, steps).to(Device);
        for (long i = 0; i < size; i++)
            moved[i].select(1, i).copy_(values);
        return Bytes(_autoencoder.Decode(moved.view(-1, size), labels?.expand(size * steps)));
    }

    private (Tensor Latents, Tensor? Labels) Read(IReadOnlyList<byte[]> pictures, int? label)
    {
        var values = new float[pictures.Count * _model.Schema.Size];
        for (int i = 0; i < pictures.Count; i++)
            ImageBatches.Scale(pictures[i], values.AsSpan(i * _model.Schema.Size, _model.Schema.Size));
        Tensor x = tensor(values, pictures.Count, _model.Schema.Channels, _model.Schema.Height, _model.Schema.Width)
            .to(Device);
        Tensor? labels = _model.IsConditional && label is { } told
            ? KeptScalars.Full([pictures.Count], told, ScalarType.Int64, Device) : _autoencoder.Recognise(x);
        return (_autoencoder.Encode(x, labels), labels);
    }

    private List<byte[]> Bytes(Tensor pictures) => [.. ImageGenerator.Bytes(pictures).Chunk(_model.Schema.Size)];
}
