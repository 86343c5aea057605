using System.Collections.ObjectModel;
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
    private const int PreviewImages = 64;
    private const int PreviewFit = 5000; // training images that the model is fitted to for a preview

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelTypes => [$"atelier_{Name}"];

    /// <inheritdoc/>
    public virtual IReadOnlyList<ITask> Tasks { get; } = [new ImageTask()];

    /// <inheritdoc/>
    public Type ConfigType => typeof(TConfig);

    /// <inheritdoc/>
    public virtual IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised) => [RecipeVariant.AsAdvised];

    /// <inheritdoc/>
    public virtual IReadOnlyDictionary<string, string> RenamedKeys => ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Whether its models sample in steps, with a sampler, its steps and guidance.</summary>
    protected virtual bool SamplesInSteps => false;

    /// <inheritdoc/>
    public IEnumerable<IgnoredKeys> Ignored(Recipe recipe)
    {
        IEnumerable<IgnoredKeys> own = Ignored((TConfig?)recipe.Model.Config ?? new TConfig());
        own = own.Append(new($"the family {Name}", [.. GenerationSection.DecodingKeys]));
        return SamplesInSteps ? own : own.Append(new($"the family {Name}",
            [.. GenerationSection.SamplingKeys, "training.teacher"])); // there are no steps to learn
    }

    /// <summary>The keys of a recipe that a configuration leaves without a use.</summary>
    protected virtual IEnumerable<IgnoredKeys> Ignored(TConfig config) => [];

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data)
    {
        ImageData images = (data as IImageView)?.AsImages(recipe.Data)
            ?? throw new AtelierException($"the family {Name} trains on images", "data.source",
                "use images, or another family");
        TModel model = Create((TConfig?)recipe.Model.Config ?? new TConfig(), images.Schema,
            recipe.Training.ChosenPrecision, recipe.Seed);
        SamplingDefaults sampling = model.DefaultsOf(recipe.Generation.Sampling);
        model.Check(new SamplingOptions(), sampling); // a mistake is found before training
        TrainingSection section = recipe.Training;
        var training =
            new ImageBatches(images.Train, section.BatchSize, recipe.Seed, shuffled: true, recipe.Data.Image.Augment);
        ImageBatches? validation = images.Validation.Count == 0 ? null
            : new ImageBatches(images.Validation, section.BatchSize, recipe.Seed, shuffled: false);
        Begin(model, Seen());
        if (StartingBundle.Open(recipe.Training) is { } start)
            Start(model, start, recipe.Seed);
        Teach(model, recipe);
        return new Trainer<ImageBatch>(recipe, model, Source(model, training), validation is null ? null
            : Source(model, validation), new TrainerHooks
        {
            WriteBundle = folder =>
            {
                model.FitAfterTraining(Seen(), long.MaxValue);
                Write(folder, model, sampling, Card(recipe, images, model));
            },
            WriteInterrupted = folder =>
            {
                model.FitAfterTraining(Seen(), PreviewFit / training.ItemsPerBatch);
                Write(folder, model, sampling, Card(recipe, images, model));
            },
            WriteSample = (path, cancellation) =>
            {
                string file = path + ".png";
                model.FitAfterTraining(Seen(), PreviewFit / training.ItemsPerBatch);
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

        // the trainer reads its own batches on another thread
        ImageBatches Seen() => new(images.Train, section.BatchSize, recipe.Seed, shuffled: false);
    }

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default)
    {
        var config = ConfigFile.Read(bundle.ConfigPath);
        TModel model = BundleTensors.Use(bundle,
            tensors => Restore(new StoredModel(config, tensors, bundle.WeightsPath, device)), cancellation);
        try
        {
            return new ImageGenerator(model, BundleIdentity.Of(bundle))
            {
                Defaults = SamplesInSteps ? ImageBundle.ReadSampling(bundle, config) : new SamplingDefaults(),
            };
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public object? ReadConfiguration(Bundle bundle) => ConfigFile.Read(bundle.ConfigPath).Read<TConfig>();

    ImageModel IImageFamily.Restore(StoredModel stored) => Restore(stored);

    private void Start(TModel model, Bundle start, long seed)
    {
        using var loaded = (ImageGenerator)Load(start, "cpu");
        ImageSchema own = loaded.Schema, given = model.Schema;
        if ((own.Width, own.Height, own.Channels) != (given.Width, given.Height, given.Channels))
            throw new AtelierException($"the images are {given.Width} × {given.Height} in {given.ColourName}, but the "
                + $"model to start from has {own.Width} × {own.Height} in {own.ColourName}", start.Folder,
                $"set data.image.width to {own.Width} and data.image.height to {own.Height}, or use other images");
        StartingWeights.Copy(model, loaded.Model, (0, 0), seed, start.Folder);
    }

    private TModel Restore(StoredModel stored)
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

    /// <summary>Creates a new model of the stored configuration.</summary>
    /// <exception cref="AtelierException">The configuration is invalid, or needs more weights than are
    /// stored.</exception>
    private protected virtual TModel Create(StoredModel stored, TConfig config, ImageSchema schema)
    {
        BundleTensors.CheckCount(stored.Tensors, LeastWeights(config, schema), stored.Where);
        return Create(config, schema, SamplingPrecision(stored.Device), seed: 0);
    }

    /// <summary>Creates another model of the same configuration, which shares the weights during training.</summary>
    private protected virtual TModel CreateReplica(TModel model, Precision precision, long seed) =>
        Create(ConfigOf(model), model.Schema, precision, seed);

    /// <summary>Measures statistics of the training images that a new model needs before training.</summary>
    /// <param name="model">The model.</param>
    /// <param name="training">The images, in order.</param>
    private protected virtual void Begin(TModel model, ImageBatches training)
    {
    }

    /// <summary>Gives a new model its teacher, if the recipe names one.</summary>
    /// <exception cref="AtelierException">The model cannot learn from it.</exception>
    private protected virtual void Teach(TModel model, Recipe recipe)
    {
    }

    /// <summary>The batches that a model is trained on; images by default.</summary>
    private protected virtual IBatchSource<ImageBatch> Source(TModel model, ImageBatches images) => images;

    /// <summary>Returns what config.json holds about a model besides its configuration.</summary>
    private protected virtual JsonObject Describe(TModel model) => ImageBundle.Write(model.Schema);

    /// <summary>Creates a new model.</summary>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the images.</exception>
    protected abstract TModel Create(TConfig config, ImageSchema schema, Precision precision, long seed);

    /// <summary>Returns the precision of matrix products when a finished model generates.</summary>
    /// <param name="device">"auto", "cpu" or "cuda".</param>
    protected virtual Precision SamplingPrecision(string device) => Precision.Fp32;

    /// <summary>
    /// Returns bf16 if the device has such products, for models whose images change by no more than a shade.
    /// </summary>
    protected static Precision Bf16WherePossible(string device) => ComputeDevice.FastPrecision(device);

    /// <summary>Returns a lower bound of the number of weights of a configuration, without creating a model.</summary>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the images.</exception>
    protected abstract Int128 LeastWeights(TConfig config, ImageSchema schema);

    /// <summary>Returns the configuration of a model.</summary>
    protected abstract TConfig ConfigOf(TModel model);

    private void Write(string folder, TModel model, SamplingDefaults sampling, string card)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        BundleWriter.Write(folder, ConfigRecords.Write(ModelTypes[0], Describe(model), ConfigOf(model)),
            ModuleTensors.Distinct(model).ToDictionary(t => t.Key, t => t.Value.detach().cpu().clone()), card,
                partial =>
                {
                    if (SamplesInSteps)
                        ImageBundle.WriteSampling(partial, sampling);
                });
    }

    /// <summary>Writes a grid of images that are generated from the same noise each time.</summary>
    private static void Preview(string path, TModel model, Recipe recipe, CancellationToken cancellation)
    {
        // not disposed: the model is still trained
        var generator = new ImageGenerator(model) { Defaults = recipe.Generation.Sampling };
        SamplingOptions drawing = generator.Resolve();
        byte[] planes = generator.Sample(recipe.Seed, 0, PreviewImages, label: null, drawing, cancellation);
        ImageGrid.Write(path, model.Schema, [.. Enumerable.Range(0, PreviewImages)
            .Select(i => (ReadOnlyMemory<byte>)model.Schema.Interleave(planes.AsSpan(i * model.Schema.Size,
                model.Schema.Size)))]);
    }

    /// <summary>
    /// Writes the first held-out images in groups of three: shrunk and enlarged by a filter, enlarged by the model, and
    /// the original.
    /// </summary>
    private static void PreviewEnlarged(string path, TModel model, IUpscaler upscaler, ImagePart part, Recipe recipe,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        // not disposed: the model is still trained
        var generator = new ImageGenerator(model) { Defaults = recipe.Generation.Sampling };
        using ImageBatch batch = new ImageBatches(part, PreviewImages / 4, recipe.Seed, shuffled: false).Get(0);
        Tensor small = upscaler.Shrink(batch.Images);
        byte[] large = generator.Enlarge(recipe.Seed, 0, small, batch.Labels, generator.Resolve(), cancellation);
        byte[][] sides = [ImageGenerator.Bytes(upscaler.Enlarge(small)), large, ImageGenerator.Bytes(batch.Images)];
        int size = model.Schema.Size;
        ImageGrid.Write(path, model.Schema,
            [.. Enumerable.Range(0, sides[0].Length / size)
            .SelectMany(i =>
            sides.Select(side => (ReadOnlyMemory<byte>)model.Schema.Interleave(side.AsSpan(i * size, size))))],
            columns: 12);
    }

    /// <summary>Writes the first held-out images, each with its reconstruction to its right.</summary>
    private static void PreviewReconstructions(string path, TModel model, ImagePart part)
    {
        var generator = new ImageGenerator(model); // not disposed: the model is still trained
        byte[][] images = [.. Enumerable.Range(0, Math.Min(part.Count, PreviewImages / 2)).Select(number =>
        {
            var image = new byte[model.Schema.Size];
            part.Read(number, image);
            return image;
        })];
        IReadOnlyList<byte[]> again = new LatentImages(model).Reconstruct(images);
        ImageGrid.Write(path, model.Schema,
            [.. images.Zip(again)
            .SelectMany(pair =>
            (ReadOnlyMemory<byte>[])[generator.Schema.Interleave(pair.First),
            generator.Schema.Interleave(pair.Second)])], columns: 8);
    }

    private static string Card(Recipe recipe, ImageData images, TModel model) => string.Create(
        CultureInfo.InvariantCulture, $"""
        # {recipe.Name}

        {recipe.Description ?? $"An image model of the family {recipe.Model.Family}, {StartingWeights.Origin(recipe)}."}

        | | |
        |---|---|
        | family | {recipe.Model.Family} |
        | parameters | {model.parameters().Sum(p => p.numel())} |
        | pictures | {images.Schema.Width} × {images.Schema.Height}, {images.Schema.ColourName} |
        | classes | {(images.Schema.Classes.Count == 0 ? "none" : string.Join(", ", images.Schema.Classes))} |
        | trained on | {SourceFiles.PublicName(images.Facts.Source)}, {Quantity.Of(images.Train.Count, "image")} |
        | seed | {recipe.Seed} |{StartingWeights.CardRows(recipe)}

        """);
}
