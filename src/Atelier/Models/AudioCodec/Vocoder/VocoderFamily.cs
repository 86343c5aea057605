using System.Globalization;
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

namespace Atelier.Models.AudioCodec.Vocoder;

/// <summary>Vocoders: networks that compute sounds from mel spectrograms.</summary>
public sealed class VocoderFamily : IModelFamily
{
    private const int PreviewClips = 6;

    /// <inheritdoc/>
    public string Name => "vocoder";

    /// <inheritdoc/>
    public string Description =>
        "vocoders: networks that compute sounds from mel spectrograms, trained against discriminators";

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelTypes => ["atelier_vocoder"];

    /// <inheritdoc/>
    public IReadOnlyList<ITask> Tasks { get; } = [new AudioTask()];

    /// <inheritdoc/>
    public string PurposeOf(ITask task) => "vocode";

    /// <inheritdoc/>
    public Type ConfigType => typeof(VocoderConfig);

    /// <inheritdoc/>
    public IEnumerable<IgnoredKeys> Ignored(Recipe recipe)
    {
        yield return new($"the family {Name}", ["evaluation.pictures", "training.teacher",
            .. GenerationSection.SamplingKeys, .. GenerationSection.DecodingKeys]);
        if (recipe.Model.Config is VocoderConfig { Adversarial: false })
            yield return new("a vocoder without discriminators", "model.adversarialStart", "model.adversarialWeight",
                "model.featureWeight", "model.discriminatorChannels");
    }

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data)
    {
        if (data is not AudioData sounds)
            throw new AtelierException($"the family {Name} trains on sounds", "data.source",
                "use sounds, or another family");
        SpectrogramFormat format = SpectrogramData.FormatOf(sounds, recipe.Data.Audio.Spectrogram);
        TrainingSection section = recipe.Training;
        var model = new VocoderModel((VocoderConfig?)recipe.Model.Config ?? new VocoderConfig(),
            SpectrogramData.SchemaOf(format, []), section.ChosenPrecision, recipe.Seed);
        if (StartingBundle.Open(section) is { } start)
            Start(model, start, recipe.Seed);
        AudioBatches? validation = sounds.Validation.Count == 0 ? null
            : new AudioBatches(sounds.Validation, section.BatchSize, recipe.Seed, shuffled: false);
        return new Trainer<AudioBatch>(recipe, model,
            new AudioBatches(sounds.Train, section.BatchSize, recipe.Seed, shuffled: true, recipe.Data.Audio.Augment),
            validation, new TrainerHooks
        {
            WriteBundle = folder => Write(folder, model, Card(recipe, sounds, model)),
            WriteSample = (path, cancellation) =>
            {
                string file = path + ".wav";
                AudioFiles.WriteWav(file, Preview(model, sounds.Validation.Count > 0 ? sounds.Validation : sounds.Train,
                    cancellation));
                return new TrainingSample(file, file);
            },
            CreateReplica = () => new VocoderModel(model.Config, model.Schema, section.ChosenPrecision, recipe.Seed),
            ItemUnit = "clips",
        });
    }

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default)
    {
        var file = ConfigFile.Read(bundle.ConfigPath);
        VocoderConfig config = file.Check(file.Read<VocoderConfig>());
        ImageSchema schema = ImageBundle.ReadSchema(file);
        if (schema.Spectrogram is null)
            throw new AtelierException("describes no spectrograms", file.Path, "export the model again");
        return new LearnedVocoder(BundleTensors.Use(bundle, tensors =>
        {
            BundleTensors.CheckCount(tensors, config.LeastWeights(schema.Spectrogram.Mel), bundle.WeightsPath);
            var created = new VocoderModel(config, schema, Precision.Fp32, seed: 0);
            BundleTensors.Fill(created, () => BundleTensors.CopyTo(
                ModuleTensors.Distinct(created).Select(t => (t.Key, (Tensor?)t.Value)), tensors, _ => false,
                bundle.WeightsPath));
            created.eval();
            created.to(ComputeDevice.Resolve(device));
            return created;
        }, cancellation), BundleIdentity.Of(bundle));
    }

    /// <inheritdoc/>
    public object? ReadConfiguration(Bundle bundle) => ConfigFile.Read(bundle.ConfigPath).Read<VocoderConfig>();

    private void Start(VocoderModel model, Bundle start, long seed)
    {
        using var loaded = (LearnedVocoder)Load(start, "cpu");
        if (loaded.Format.Mel != model.Schema.Spectrogram!.Mel)
            throw new AtelierException("the spectrograms are not those of the model to start from", start.Folder,
                "set data.audio.sampleRate and data.audio.spectrogram to the same values");
        StartingWeights.Copy(model, loaded.Model, (0, 0), seed, start.Folder);
    }

    private void Write(string folder, VocoderModel model, string card)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        BundleWriter.Write(folder, ConfigRecords.Write(ModelTypes[0], ImageBundle.Write(model.Schema), model.Config),
            ModuleTensors.Distinct(model).ToDictionary(t => t.Key, t => t.Value.detach().cpu().clone()), card,
            _ => { });
    }

    /// <summary>The first held-out clips, each followed by what the vocoder makes of its spectrogram.</summary>
    private static Sound Preview(VocoderModel model, AudioPart part, CancellationToken cancellation)
    {
        var vocoder = new LearnedVocoder(model); // not disposed: the model is still trained
        SpectrogramFormat format = model.Schema.Spectrogram!;
        var drawing = new SpectrogramImages(format);
        var samples = new List<float>();
        var clip = new float[part.Schema.Size];
        for (int number = 0; number < Math.Min(PreviewClips, part.Count); number++)
        {
            part.Read(number, clip);
            samples.AddRange(clip);
            samples.AddRange(vocoder.ToSamples(drawing.ToImage(clip), format, cancellation));
        }
        return new Sound([[.. samples]], part.Schema.SampleRate);
    }

    private static string Card(Recipe recipe, AudioData sounds, VocoderModel model)
    {
        MelSettings mel = model.Schema.Spectrogram!.Mel;
        return string.Create(CultureInfo.InvariantCulture, $"""
        # {recipe.Name}

        {recipe.Description ?? $"A vocoder, {StartingWeights.Origin(recipe)}."}

        | | |
        |---|---|
        | family | {recipe.Model.Family} |
        | parameters | {model.parameters().Sum(p => p.numel())} |
        | sounds | {mel.SampleRate} Hz |
        | spectrograms | {mel.MelCount} bands, window {mel.Window}, hop {mel.Hop} |
        | trained on | {SourceFiles.PublicName(sounds.Facts.Source)}, {Quantity.Of(sounds.Train.Count, "clip")} |
        | seed | {recipe.Seed} |{StartingWeights.CardRows(recipe)}

        """);
    }
}
