using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>
/// What families of image models share: batches, the preview during training, and writing and loading bundles.
/// </summary>
/// <typeparam name="TConfig">The recipe's model section.</typeparam>
/// <typeparam name="TModel">The network.</typeparam>
public abstract class ImageFamily<TConfig, TModel> : IModelFamily, IImageFamily
    where TConfig : class, new()
    where TModel : ImageModel
{
    private const int PreviewPictures = 64;
    private const int PreviewConclusion = 5000; // pictures that the model is concluded by for a preview

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelTypes => [$"atelier_{Name}"];

    /// <inheritdoc/>
    public IReadOnlyList<ITask> Tasks { get; } = [new ImageTask()];

    /// <inheritdoc/>
    public Type ConfigType => typeof(TConfig);

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data)
    {
        if (data is not ImageData images)
            throw new AtelierException($"the family {Name} learns from pictures", "data.source",
                "choose pictures, or another family");
        TModel model = Create((TConfig?)recipe.Model.Config ?? new TConfig(), images.Schema,
            recipe.Training.ChosenPrecision, recipe.Seed);
        TrainingSection section = recipe.Training;
        var training =
            new ImageBatches(images.Train, section.BatchSize, recipe.Seed, shuffled: true, recipe.Data.Image.Augment);
        ImageBatches? validation = images.Validation.Count == 0 ? null
            : new ImageBatches(images.Validation, section.BatchSize, recipe.Seed, shuffled: false);
        Begin(model, Seen());
        return new Trainer<ImageBatch>(recipe, model, Source(model, training), validation is null ? null
            : Source(model, validation), new TrainerHooks
        {
            WriteBundle = folder =>
            {
                model.FitAfterTraining(Seen(), long.MaxValue);
                Write(folder, model, Card(recipe, images, model));
            },
            WriteInterrupted = folder =>
            {
                model.FitAfterTraining(Seen(), PreviewConclusion / training.ItemsPerBatch);
                Write(folder, model, Card(recipe, images, model));
            },
            WriteSample = (path, cancellation) =>
            {
                string file = path + ".png";
                model.FitAfterTraining(Seen(), PreviewConclusion / training.ItemsPerBatch);
                cancellation.ThrowIfCancellationRequested();
                if (model.Upscaler is { } upscaler)
                {
                    ImagePart part = images.Validation.Count > 0 ? images.Validation : images.Train;
                    PreviewEnlarged(file, model, upscaler, part, recipe, cancellation);
                }
                else
                    Preview(file, model, recipe, cancellation);
                cancellation.ThrowIfCancellationRequested();
                if (model is IAutoencoder && images.Validation.Count > 0)
                    PreviewReconstructions(path + "-reconstructions.png", model, images.Validation);
                return new TrainingSample(file, file);
            },
            CreateReplica = model.NeedsWholeBatch ? null : () =>
                CreateReplica(model, recipe.Training.ChosenPrecision, recipe.Seed),
            ItemUnit = "pictures",
        });

        // the trainer's own are read on another thread
        ImageBatches Seen() => new(images.Train, section.BatchSize, recipe.Seed, shuffled: false);
    }

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default)
    {
        IReadOnlyDictionary<string, Tensor> tensors = BundleTensors.Read(bundle, cancellation);
        TModel? model = null;
        try
        {
            model = Restore(new StoredImageModel(ConfigFile.Read(bundle.ConfigPath), tensors, bundle.WeightsPath,
                device));
            return new ImageGenerator(model, BundleIdentity.Of(bundle));
        }
        catch
        {
            model?.Dispose();
            throw;
        }
        finally
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
        }
    }

    ImageModel IImageFamily.Restore(StoredImageModel stored) => Restore(stored);

    private TModel Restore(StoredImageModel stored)
    {
        TConfig shape = stored.Config.Check(stored.Config.Read<TConfig>());
        TModel model = Create(stored, shape, ImageBundle.ReadSchema(stored.Config));
        try
        {
            using var scope = NewDisposeScope();
            Dictionary<string, Tensor> all = model.state_dict();
            BundleTensors.CopyTo(ModuleTensors.Distinct(model).Select(t => (t.Key, (Tensor?)t.Value)), stored.Tensors,
                all.ContainsKey, stored.Where);
            model.eval();
            model.to(ComputeDevice.Resolve(stored.Device));
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>A fresh model of the shape that is stored.</summary>
    /// <exception cref="AtelierException">The configuration is impossible, or claims more than is stored.</exception>
    private protected virtual TModel Create(StoredImageModel stored, TConfig config, ImageSchema schema)
    {
        CheckSize(stored, LeastWeights(config, schema));
        return Create(config, schema, SamplingPrecision(stored.Device), seed: 0);
    }

    /// <summary>
    /// Throws where fewer weights are stored than a shape has: checked by arithmetic before a model of the size that
    /// config.json claims is made.
    /// </summary>
    private protected static void CheckSize(StoredImageModel stored, Int128 least)
    {
        Int128 held = stored.Tensors.Values.Sum(t => t.numel());
        if (least > held)
            throw new AtelierException($"holds {held} weights, but config.json tells a shape of at least {least}",
                stored.Where, "fetch or export the model again");
    }

    /// <summary>Another model of a model's shape, to share its weights while learning.</summary>
    private protected virtual TModel CreateReplica(TModel model, Precision precision, long seed) =>
        Create(ConfigOf(model), model.Schema, precision, seed);

    /// <summary>Measures what a fresh model has to know of the training pictures before it learns.</summary>
    /// <param name="model">The model.</param>
    /// <param name="training">The pictures, in order.</param>
    private protected virtual void Begin(TModel model, ImageBatches training)
    {
    }

    /// <summary>The batches that a model is trained on; images by default.</summary>
    private protected virtual IBatchSource<ImageBatch> Source(TModel model, ImageBatches pictures) => pictures;

    /// <summary>What config.json holds about a model besides its configuration.</summary>
    private protected virtual JsonObject Describe(TModel model) => ImageBundle.Write(model.Schema);

    /// <summary>A fresh model.</summary>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the images.</exception>
    protected abstract TModel Create(TConfig config, ImageSchema schema, Precision precision, long seed);

    /// <summary>The precision of products when a finished model draws.</summary>
    /// <param name="device">"auto", "cpu" or "cuda".</param>
    protected virtual Precision SamplingPrecision(string device) => Precision.Fp32;

    /// <summary>
    /// bf16 where a device has such products, for models whose pictures rounding does not change by more than a shade.
    /// </summary>
    protected static Precision Bf16WherePossible(string device) => ComputeDevice.FastPrecision(device);

    /// <summary>The weights that a model of a shape has at the least, without making it.</summary>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the images.</exception>
    protected abstract Int128 LeastWeights(TConfig config, ImageSchema schema);

    /// <summary>The configuration of a model.</summary>
    protected abstract TConfig ConfigOf(TModel model);

    private void Write(string folder, TModel model, string card)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        BundleWriter.Write(folder, ConfigRecords.Write(ModelTypes[0], Describe(model), ConfigOf(model)),
            ModuleTensors.Distinct(model).ToDictionary(t => t.Key, t => t.Value.detach().cpu().clone()), card,
                _ => { });
    }

    /// <summary>A grid of pictures from the same noise each time.</summary>
    private static void Preview(string path, TModel model, Recipe recipe, CancellationToken cancellation)
    {
        var generator = new ImageGenerator(model); // not disposed: the model goes on
        SamplingOptions drawing = model.Check(new SamplingOptions());
        byte[] planes = generator.Sample(recipe.Seed, 0, PreviewPictures, label: null, drawing, cancellation);
        ImageGrid.Write(path, model.Schema, [.. Enumerable.Range(0, PreviewPictures)
            .Select(i => (ReadOnlyMemory<byte>)model.Schema.Interleave(planes.AsSpan(i * model.Schema.Size,
                model.Schema.Size)))]);
    }

    /// <summary>
    /// The first held-out images in groups of three: shrunk and enlarged by a filter, enlarged by the model, and the
    /// original.
    /// </summary>
    private static void PreviewEnlarged(string path, TModel model, IUpscaler upscaler, ImagePart part, Recipe recipe,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var generator = new ImageGenerator(model); // not disposed: the model goes on
        using ImageBatch batch = new ImageBatches(part, PreviewPictures / 4, recipe.Seed, shuffled: false).Get(0);
        Tensor small = upscaler.Shrink(batch.Pictures);
        SamplingOptions drawing = model.Check(new SamplingOptions());
        byte[] large = generator.Enlarge(recipe.Seed, 0, small, batch.Labels, drawing, cancellation);
        byte[][] sides = [ImageGenerator.Bytes(upscaler.Enlarge(small)), large, ImageGenerator.Bytes(batch.Pictures)];
        int size = model.Schema.Size;
        ImageGrid.Write(path, model.Schema,
            [.. Enumerable.Range(0, sides[0].Length / size)
            .SelectMany(i =>
            sides.Select(side => (ReadOnlyMemory<byte>)model.Schema.Interleave(side.AsSpan(i * size, size))))],
            columns: 12);
    }

    /// <summary>The first held-out images, each with its reconstruction to its right.</summary>
    private static void PreviewReconstructions(string path, TModel model, ImagePart part)
    {
        var generator = new ImageGenerator(model); // not disposed: the model goes on
        byte[][] pictures = [.. Enumerable.Range(0, Math.Min(part.Count, PreviewPictures / 2)).Select(number =>
        {
            var picture = new byte[model.Schema.Size];
            part.Read(number, picture);
            return picture;
        })];
        IReadOnlyList<byte[]> again = new LatentImages(model).Reconstruct(pictures);
        ImageGrid.Write(path, model.Schema,
            [.. pictures.Zip(again)
            .SelectMany(pair =>
            (ReadOnlyMemory<byte>[])[generator.Schema.Interleave(pair.First),
            generator.Schema.Interleave(pair.Second)])], columns: 8);
    }

    private static string Card(Recipe recipe, ImageData images, TModel model) => string.Create(
        CultureInfo.InvariantCulture, $"""
        # {recipe.Name}

        {recipe.Description ?? $"An image model of the family {recipe.Model.Family}, trained from scratch."}

        | | |
        |---|---|
        | family | {recipe.Model.Family} |
        | parameters | {model.parameters().Sum(p => p.numel())} |
        | pictures | {images.Schema.Width} × {images.Schema.Height}, {images.Schema.ColourName} |
        | classes | {(images.Schema.Classes.Count == 0 ? "none" : string.Join(", ", images.Schema.Classes))} |
        | trained on | {SourceFiles.PublicName(images.Facts.Source)}, {Quantity.Of(images.Train.Count, "picture")} |
        | seed | {recipe.Seed} |

        """);
}
