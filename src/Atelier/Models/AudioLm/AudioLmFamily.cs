using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Audio;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Models.AudioLm;

/// <summary>Language models of sounds.</summary>
public sealed class AudioLmFamily : IModelFamily, IClassConditional
{
    private const int PreviewSounds = 8;

    private readonly IReadOnlyList<ICodecFamily> _codecs;

    /// <summary>Creates a family whose models work on μ-law samples.</summary>
    public AudioLmFamily() : this([])
    {
    }

    /// <summary>Creates a family whose models may work on the codes of codecs of these families.</summary>
    internal AudioLmFamily(IReadOnlyList<ICodecFamily> codecs) => _codecs = codecs;

    /// <inheritdoc/>
    public string Name => "audio-lm";

    /// <inheritdoc/>
    public string Description =>
        "language models of sounds: a causal Transformer over the codes of a learned codec, or over μ-law samples";

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelTypes => ["atelier_audio_lm"];

    /// <inheritdoc/>
    public IReadOnlyList<ITask> Tasks { get; } = [new AudioTask()];

    /// <inheritdoc/>
    public Type ConfigType => typeof(AudioLmConfig);

    /// <inheritdoc/>
    public string ClassSetting => "model.conditional=true";

    /// <inheritdoc/>
    public IEnumerable<IgnoredKeys> Ignored(Recipe recipe)
    {
        yield return new($"the family {Name}", "data.audio.spectrogram", "data.audio.augment",
            "training.teacher", "generation.sampler",
            "generation.steps");
        if (recipe.Model.Config is not AudioLmConfig { Conditional: true })
            yield return new("a model without classes", "model.classDropout", "generation.guidance");
    }

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data)
    {
        if (data is not AudioData sounds)
            throw new AtelierException($"the family {Name} trains on sounds", "data.source",
                "use sounds, or another family");
        AudioLmConfig config = (AudioLmConfig?)recipe.Model.Config ?? new();
        IAudioCodec codec = EmbeddedCodec.Open(config.Codec, sounds.Schema, _codecs);
        CodeShape shape = ShapeOf(config, sounds.Schema, codec);
        config.Check(sounds.Schema, shape); // before the codes of all sounds are computed
        CodeData codes = sounds.AsCodes(codec, shape.Codebooks);
        TrainingSection section = recipe.Training;
        var model = new AudioLanguageModel(config, sounds.Schema, shape, section.ChosenPrecision, recipe.Seed);
        return new Trainer<CodeBatch>(recipe, model,
            new CodeBatches(codes.Train, section.BatchSize, recipe.Seed, shuffled: true),
            codes.Validation.Count == 0 ? null
                : new CodeBatches(codes.Validation, section.BatchSize, recipe.Seed, shuffled: false),
            new TrainerHooks
        {
            WriteBundle = folder => Write(folder, model, codec, recipe, sounds),
            WriteSample = (path, cancellation) => WriteSample(path, model, codec, recipe, cancellation),
            CreateReplica = () => new AudioLanguageModel(config, sounds.Schema, shape, section.ChosenPrecision,
                recipe.Seed),
            ReferenceLosses = new Dictionary<string, double>
            {
                ["unigram"] = new CodeFrequencies(codes.Train).CrossEntropy(codes.Train),
            },
            Notes =
            [
                string.Create(CultureInfo.InvariantCulture, $"A clip has {shape.Frames} frames of "
                    + $"{Quantity.Of(shape.Codebooks, "code")}, {(double)codec.SampleRate / codec.FrameLength:0.###} a "
                    + $"second."),
            ],
            ItemUnit = "clips",
        });
    }

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default)
    {
        var file = ConfigFile.Read(bundle.ConfigPath);
        AudioLmConfig config = file.Check(file.Read<AudioLmConfig>());
        AudioSchema schema = AudioBundle.ReadSchema(file);
        (DecodingOptions decoding, double guidance) = CodeDecoding.Read(bundle);
        return BundleTensors.Use(bundle, tensors =>
        {
            IAudioCodec codec = EmbeddedCodec.Restore(new(file, tensors, bundle.WeightsPath, device), schema, _codecs);
            try
            {
                CodeShape shape = ShapeOf(config, schema, codec);
                config.Check(schema, shape);
                BundleTensors.CheckCount(tensors, config.LeastWeights(shape), bundle.WeightsPath);
                var model = new AudioLanguageModel(config, schema, shape, Precision.Fp32, seed: 0);
                BundleTensors.Fill(model, () => BundleTensors.CopyTo(
                    ModuleTensors.Distinct(model).Select(t => (t.Key, (Tensor?)t.Value)), tensors,
                    name => name.StartsWith(EmbeddedCodec.Tensors, StringComparison.Ordinal), bundle.WeightsPath));
                model.eval();
                model.to(ComputeDevice.Resolve(device));
                return new SoundGenerator(model, codec, BundleIdentity.Of(bundle))
                {
                    Defaults = decoding, Guidance = guidance,
                };
            }
            catch
            {
                (codec as IDisposable)?.Dispose();
                throw;
            }
        }, cancellation);
    }

    private static CodeShape ShapeOf(AudioLmConfig config, AudioSchema schema, IAudioCodec codec)
    {
        int codebooks = config.CodebookCount ?? codec.CodebookCount;
        return codebooks <= codec.CodebookCount ? CodeData.ShapeOf(schema, codec, codebooks)
            : throw new AtelierException($"the codec has {Quantity.Of(codec.CodebookCount, "codebook")}",
                "model.codebookCount", $"write at most {codec.CodebookCount}");
    }

    private void Write(string folder, AudioLanguageModel model, IAudioCodec codec, Recipe recipe, AudioData sounds)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        JsonObject described = AudioBundle.Write(model.Schema);
        Dictionary<string, Tensor> tensors =
            ModuleTensors.Distinct(model).ToDictionary(t => t.Key, t => t.Value.detach().cpu().clone());
        EmbeddedCodec.Store(codec, described, tensors, _codecs);
        BundleWriter.Write(folder, ConfigRecords.Write(ModelTypes[0], described, model.Config), tensors,
            Card(recipe, sounds, model, codec), partial => CodeDecoding.Write(partial,
                recipe.Generation.Decoding, recipe.Generation.Sampling.Guidance));
    }

    /// <summary>Writes some sounds of the same seed each time, one after another, and their spectrograms.</summary>
    private static TrainingSample WriteSample(string path, AudioLanguageModel model, IAudioCodec codec, Recipe recipe,
        CancellationToken cancellation)
    {
        // not disposed: the model is still trained
        var generator = new SoundGenerator(model, codec)
        {
            Defaults = recipe.Generation.Decoding,
            Guidance = recipe.Generation.Sampling.Guidance,
        };
        int classes = Math.Max(1, model.Schema.Classes.Count);
        AudioSample[] samples = [.. generator.Sample(recipe.Seed, 0,
            [.. Enumerable.Range(0, PreviewSounds).Select(i => i % classes)], cancellation)
            .Select(sound => new AudioSample(model.Schema.SampleRate, 1, sound))];
        string file = path + ".wav";
        AtomicFile.Write(file, stream => stream.Write(AudioOutput.Joined(samples)));
        (ImageSchema schema, IReadOnlyList<ReadOnlyMemory<byte>> images) = AudioTask.Spectrograms(generator, samples);
        ImageGrid.Write(path + ".png", schema, images);
        return new TrainingSample(file, file);
    }

    private static string Card(Recipe recipe, AudioData sounds, AudioLanguageModel model, IAudioCodec codec)
    {
        AudioSchema schema = sounds.Schema;
        return string.Create(CultureInfo.InvariantCulture, $"""
        # {recipe.Name}

        {recipe.Description ?? "A language model of sounds, trained from scratch."}

        | | |
        |---|---|
        | family | {recipe.Model.Family} |
        | parameters | {model.parameters().Sum(p => p.numel())}, without the codec |
        | sounds | {schema.SampleRate} Hz, clips of {schema.ClipSeconds:0.###} s |
        | codes | {Quantity.Of(model.Codes.Codebooks, "codebook")} of {model.Codes.CodebookSize} codes, {
            (double)codec.SampleRate / codec.FrameLength:0.###} frames a second |
        | classes | {(schema.Classes.Count == 0 ? "none" : string.Join(", ", schema.Classes))} |
        | trained on | {SourceFiles.PublicName(sounds.Facts.Source)}, {Quantity.Of(sounds.Train.Count, "clip")} |
        | seed | {recipe.Seed} |

        """);
    }
}
