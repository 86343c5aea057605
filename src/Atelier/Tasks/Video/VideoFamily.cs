using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Video;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Video;

/// <summary>
/// What families of video models share: batches, the preview during training, and writing and loading bundles.
/// </summary>
/// <typeparam name="TConfig">The recipe's model section.</typeparam>
/// <typeparam name="TModel">The network.</typeparam>
public abstract class VideoFamily<TConfig, TModel> : IModelFamily
    where TConfig : class, new()
    where TModel : VideoModel
{
    private const int PreviewClips = 4;
    private const string GuidanceKey = "generation.guidance";

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelTypes => [$"atelier_{Name.Replace('-', '_')}"];

    /// <inheritdoc/>
    public IReadOnlyList<ITask> Tasks { get; } = [new VideoTask()];

    /// <inheritdoc/>
    public Type ConfigType => typeof(TConfig);

    /// <inheritdoc/>
    public virtual IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised) => [RecipeVariant.AsAdvised];

    /// <summary>Whether its models sample in steps, with a sampler, its steps and guidance.</summary>
    protected virtual bool SamplesInSteps => false;

    /// <summary>Whether its models choose codes one after another, with decoding options and guidance.</summary>
    protected virtual bool ChoosesCodes => false;

    /// <inheritdoc/>
    public IEnumerable<IgnoredKeys> Ignored(Recipe recipe)
    {
        IEnumerable<IgnoredKeys> own = Ignored((TConfig?)recipe.Model.Config ?? new TConfig());
        return own.Append(new($"the family {Name}", [
            .. GenerationSection.SamplingKeys.Where(key => !(SamplesInSteps || (ChoosesCodes && key == GuidanceKey))),
            .. ChoosesCodes ? [] : CodeDecoding.Keys]));
    }

    /// <summary>The keys of a recipe that a configuration leaves without a use.</summary>
    protected virtual IEnumerable<IgnoredKeys> Ignored(TConfig config) => [];

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data)
    {
        if (data is not VideoData videos)
            throw new AtelierException($"the family {Name} trains on videos", "data.source",
                "use videos, or another family");
        TModel model = Create((TConfig?)recipe.Model.Config ?? new TConfig(), videos.Schema,
            recipe.Training.ChosenPrecision, recipe.Seed);
        Generator(model, recipe).Resolve(); // a mistake is found before training
        if (StartingBundle.Open(recipe.Training) is { } start)
            Start(model, start, recipe.Seed);
        TrainingSection section = recipe.Training;
        var training = new VideoBatches(videos.Train, section.BatchSize, recipe.Seed, shuffled: true);
        VideoBatches? validation = videos.Validation.Count == 0 ? null
            : new VideoBatches(videos.Validation, section.BatchSize, recipe.Seed, shuffled: false);
        return new Trainer<VideoBatch>(recipe, model, training, validation, new TrainerHooks
        {
            WriteBundle = folder => Write(folder, model, recipe, Card(recipe, videos, model)),
            WriteSample = (path, cancellation) =>
                Preview(path, model, videos.Validation.Count > 0 ? videos.Validation : videos.Train, recipe,
                    cancellation),
            CreateReplica = () => CreateReplica(model, recipe.Training.ChosenPrecision, recipe.Seed),
            ItemUnit = "clips",
        });
    }

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default)
    {
        var config = ConfigFile.Read(bundle.ConfigPath);
        TConfig shape = config.Check(config.Read<TConfig>());
        VideoSchema schema = VideoBundle.ReadSchema(config);
        TModel model = BundleTensors.Use(bundle, tensors =>
        {
            BundleTensors.CheckCount(tensors, LeastWeights(shape, schema), bundle.WeightsPath);
            TModel created = Create(shape, schema, SamplingPrecision(device), seed: 0);
            try
            {
                using var scope = NewDisposeScope();
                Dictionary<string, Tensor> all = created.state_dict();
                BundleTensors.CopyTo(ModuleTensors.Distinct(created).Select(t => (t.Key, (Tensor?)t.Value)), tensors,
                    all.ContainsKey, bundle.WeightsPath);
                created.eval();
                created.to(ComputeDevice.Resolve(device));
                return created;
            }
            catch
            {
                created.Dispose();
                throw;
            }
        }, cancellation);
        try
        {
            if (ChoosesCodes)
            {
                (DecodingOptions decoding, double guidance) = CodeDecoding.Read(bundle);
                return new VideoGenerator(model)
                {
                    Decoding = decoding, Defaults = new SamplingDefaults { Guidance = guidance },
                };
            }
            return new VideoGenerator(model)
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

    /// <summary>Creates a new model.</summary>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the clips.</exception>
    protected abstract TModel Create(TConfig config, VideoSchema schema, Precision precision, long seed);

    /// <summary>Creates another model of the shape of one, which will share its weights in training.</summary>
    protected virtual TModel CreateReplica(TModel model, Precision precision, long seed) =>
        Create(ConfigOf(model), model.Schema, precision, seed);

    /// <summary>Returns a lower bound of the number of weights of a configuration, without creating a model.</summary>
    /// <exception cref="AtelierException">The configuration is invalid or does not fit the clips.</exception>
    protected abstract Int128 LeastWeights(TConfig config, VideoSchema schema);

    /// <summary>Returns the configuration of a model.</summary>
    protected abstract TConfig ConfigOf(TModel model);

    /// <summary>Returns the precision of matrix products when a finished model generates.</summary>
    /// <param name="device">"auto", "cpu" or "cuda".</param>
    protected virtual Precision SamplingPrecision(string device) => Precision.Fp32;

    private void Start(TModel model, Bundle start, long seed)
    {
        using var loaded = (VideoGenerator)Load(start, "cpu");
        VideoSchema own = loaded.Schema, given = model.Schema;
        if ((own.Width, own.Height, own.Channels, own.Frames)
            != (given.Width, given.Height, given.Channels, given.Frames))
            throw new AtelierException($"the clips have {given.Frames} frames of {given.Width} × {given.Height}, but "
                + $"those of the model to start from have {own.Frames} of {own.Width} × {own.Height}", start.Folder,
                "set data.video.width, height and frames to the same values");
        StartingWeights.Copy(model, loaded.Model, (0, 0), seed, start.Folder);
    }

    private void Write(string folder, TModel model, Recipe recipe, string card)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        BundleWriter.Write(folder,
            ConfigRecords.Write(ModelTypes[0], VideoBundle.Write(model.Schema), ConfigOf(model)),
            ModuleTensors.Distinct(model).ToDictionary(t => t.Key, t => t.Value.detach().cpu().clone()), card,
            partial =>
            {
                if (SamplesInSteps)
                    ImageBundle.WriteSampling(partial, recipe.Generation.Sampling);
                if (ChoosesCodes)
                    CodeDecoding.Write(partial, recipe.Generation.Decoding, recipe.Generation.Sampling.Guidance);
            });
    }

    private static VideoGenerator Generator(TModel model, Recipe recipe) => new(model)
    {
        Defaults = recipe.Generation.Sampling, Decoding = recipe.Generation.Decoding,
    };

    /// <summary>
    /// Writes a contact sheet of clips that are generated from the same noise each time, then of held-out clips, each
    /// above its continuation from its first frames.
    /// </summary>
    private static TrainingSample Preview(string path, TModel model, VideoPart part, Recipe recipe,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        VideoGenerator generator = Generator(model, recipe); // not disposed: the model is still trained
        var rows = new List<IReadOnlyList<ReadOnlyMemory<byte>>>();
        if (model.GeneratesFreely)
            Add(generator.Sample(recipe.Seed, 0, PreviewClips, given: null, Labels(), generator.Resolve(),
                cancellation));
        cancellation.ThrowIfCancellationRequested();
        using VideoBatch batch = new VideoBatches(part, PreviewClips, recipe.Seed, shuffled: false).Get(0);
        int count = (int)batch.Labels.shape[0], free = rows.Count;
        Add(ImageGenerator.Bytes(batch.Frames));
        Add(generator.Sample(recipe.Seed, 0, count, GivenFrames.First(batch.Frames, VideoTask.GivenCount(model.Schema)),
            batch.Labels, generator.Resolve(), cancellation));
        string file = path + ".png";
        ContactSheet.Write(file, model.Schema, [.. rows.Take(free),
            .. Enumerable.Range(0, count).SelectMany(i => new[] { rows[free + i], rows[free + count + i] })]);
        return new TrainingSample(file, file);

        Tensor Labels() => tensor(Enumerable.Range(0, PreviewClips)
            .Select(n => (long)n % Math.Max(1, model.Schema.Classes.Count)).ToArray());

        void Add(byte[] clips) => rows.AddRange(Enumerable.Range(0, clips.Length / model.Schema.Size).Select(i =>
            VideoGenerator.Frames(model.Schema, clips.AsSpan(i * model.Schema.Size, model.Schema.Size))));
    }

    private static string Card(Recipe recipe, VideoData videos, TModel model) => string.Create(
        CultureInfo.InvariantCulture, $"""
        # {recipe.Name}

        {recipe.Description ?? $"A video model of the family {recipe.Model.Family}, {StartingWeights.Origin(recipe)}."}

        | | |
        |---|---|
        | family | {recipe.Model.Family} |
        | parameters | {model.parameters().Sum(p => p.numel())} |
        | frames of a clip | {videos.Schema.Frames}, {videos.Schema.Fps:0.###} per second |
        | size | {videos.Schema.Width} × {videos.Schema.Height}, {videos.Schema.Image.ColourName} |
        | classes | {(videos.Schema.Classes.Count == 0 ? "none" : string.Join(", ", videos.Schema.Classes))} |
        | trained on | {SourceFiles.PublicName(videos.Facts.Source)}, {Quantity.Of(videos.Train.Count, "clip")} |
        | seed | {recipe.Seed} |{StartingWeights.CardRows(recipe)}

        """);
}
