using System.Text.Json.Nodes;
using Atelier.Data;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Runs;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>
/// A finished autoencoder within a model of its latents (Rombach et al. 2022, section 3.1). Its weights are fixed, and
/// its grid of latents is scaled so that the latents of training images have a variance of one (appendix G).
/// </summary>
internal sealed class FrozenAutoencoder : nn.Module
{
    private readonly IAutoencoder _autoencoder;

    private FrozenAutoencoder(ImageModel model, ConfigFile config, string where)
        : base(nameof(FrozenAutoencoder))
    {
        (Model, Description) = (model, JsonNode.Parse(config.Root.GetRawText())!.AsObject());
        _autoencoder = model as IAutoencoder
            ?? throw new AtelierException("this kind of model cannot encode images",
                where, "use a model of the family vae");
        if (model.IsConditional)
            throw new AtelierException("the autoencoder needs a class",
                where, "use one that was trained with model.conditional: false");
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        long[] shape =
            _autoencoder.Encode(zeros(1, model.Schema.Channels, model.Schema.Height, model.Schema.Width), null).shape;
        Shape = shape.Length == 4 ? shape[1..]
            : throw new AtelierException($"the autoencoder's latents are a vector of {shape[1]} numbers, not a grid",
                where, "use one that was trained with model.latents: grid");
        foreach (Parameter parameter in model.parameters())
            parameter.requires_grad = false;
        register_module("autoencoder", model);
        register_buffer("scale", ones(1).DetachFromDisposeScope());
    }

    /// <summary>The autoencoder.</summary>
    public ImageModel Model { get; }

    /// <summary>The contents of its config.json.</summary>
    public JsonObject Description { get; }

    /// <summary>Channels, height and width of an image's latents.</summary>
    public long[] Shape { get; }

    private Tensor Scale => get_buffer("scale")!;

    /// <summary>Opens a trained autoencoder for images of a size.</summary>
    /// <param name="folder">A run's folder or a bundle's.</param>
    /// <param name="schema">The size, channels and classes of the images. The autoencoder need not know the
    /// classes.</param>
    /// <param name="families">Families whose models may be autoencoders.</param>
    /// <exception cref="AtelierException">There is none, it is of another kind, or it was trained on other
    /// images.</exception>
    public static FrozenAutoencoder Open(string folder, ImageSchema schema, IReadOnlyList<IImageFamily> families)
    {
        var bundle = Bundle.Open(folder);
        return BundleTensors.Use(bundle, tensors =>
        {
            FrozenAutoencoder opened =
                Restore(new StoredModel(ConfigFile.Read(bundle.ConfigPath), tensors, folder, "cpu"), families);
            ImageSchema known = opened.Model.Schema;
            if ((known.Width, known.Height, known.Channels) == (schema.Width, schema.Height, schema.Channels))
                return opened;
            opened.Dispose();
            throw new AtelierException(
                $"the autoencoder was trained on images of {Shown(known)}, but these are {Shown(schema)}", folder,
                "train one on such images");
        });

        static string Shown(ImageSchema schema) =>
            $"{schema.Width} × {schema.Height} in {schema.ColourName}";
    }

    /// <summary>Restores a stored autoencoder. Its scale is 1 until it is measured or loaded.</summary>
    /// <exception cref="AtelierException">It is of an unknown kind, or its files do not fit together.</exception>
    public static FrozenAutoencoder Restore(StoredModel stored, IReadOnlyList<IImageFamily> families)
    {
        IImageFamily family = families.FirstOrDefault(f => f.ModelTypes.Contains(stored.Config.ModelType))
            ?? throw new AtelierException($"models of type '{stored.Config.ModelType}' are not image autoencoders",
                stored.Where, "use a model of the family vae");
        ImageModel model = family.Restore(stored);
        try
        {
            return new FrozenAutoencoder(model, stored.Config, stored.Where);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Sets the scale so that the latents of images have a variance of one.</summary>
    /// <param name="batches">The images.</param>
    /// <param name="most">The largest number of batches to use.</param>
    public void Measure(IBatchSource<ImageBatch> batches, long most)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var latents = new List<Tensor>();
        for (long number = 0; number < Math.Min(most, batches.BatchesPerEpoch); number++)
        {
            using ImageBatch batch = batches.Get(number);
            latents.Add(_autoencoder.Encode(batch.Images, null));
        }
        double deviation = cat(latents).std().Number();
        if (deviation is not > 1e-6)
            throw new AtelierException("the autoencoder encodes all images as the same latents", "model.autoencoder",
                "train it longer, or with a smaller model.beta");
        Scale.FillWith((float)(1 / deviation));
    }

    /// <summary>Returns the scaled latents of images, without gradients.</summary>
    /// <param name="images">[batch, channels, height, width], fp32, −1 to 1.</param>
    /// <returns>[batch, <see cref="Shape"/>], fp32.</returns>
    public Tensor Encode(Tensor images)
    {
        using var gradients = no_grad();
        return _autoencoder.Encode(images, null).mul(Scale);
    }

    /// <summary>Returns the images of scaled latents, without gradients.</summary>
    /// <param name="latents">Latents as <see cref="Encode"/> returns them.</param>
    /// <returns>[batch, channels, height, width], fp32, −1 to 1.</returns>
    public Tensor Decode(Tensor latents)
    {
        using var gradients = no_grad();
        return _autoencoder.Decode(latents.div(Scale), null);
    }
}
