using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Audio;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Audio;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Models.AudioCodec;

/// <summary>Learned audio codecs.</summary>
public sealed class AudioCodecFamily : ICodecFamily
{
    private const int PreviewClips = 8;

    /// <inheritdoc/>
    public string Name => "audio-codec";

    /// <inheritdoc/>
    public string Description =>
        "learned codecs for sounds: a convolutional encoder and decoder with residual vector quantisation";

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelTypes => ["atelier_audio_codec"];

    /// <inheritdoc/>
    public IReadOnlyList<ITask> Tasks { get; } = [new AudioTask()];

    /// <inheritdoc/>
    public string PurposeOf(ITask task) => "compress";

    /// <inheritdoc/>
    public Type ConfigType => typeof(AudioCodecConfig);

    /// <inheritdoc/>
    public IEnumerable<IgnoredKeys> Ignored(Recipe recipe)
    {
        yield return new($"the family {Name}", ["data.audio.spectrogram", "evaluation.pictures", "training.teacher",
            .. GenerationSection.SamplingKeys, .. GenerationSection.DecodingKeys]);
        if (recipe.Model.Config is AudioCodecConfig { Adversarial: false })
            yield return new("a codec without discriminators", "model.adversarialStart", "model.adversarialWeight",
                "model.featureWeight", "model.discriminatorChannels");
    }

    /// <inheritdoc/>
    public ILearner CreateLearner(Recipe recipe, IDataSource data)
    {
        if (data is not AudioData sounds)
            throw new AtelierException($"the family {Name} trains on sounds", "data.source",
                "use sounds, or another family");
        var model = new AudioCodecModel((AudioCodecConfig?)recipe.Model.Config ?? new AudioCodecConfig(),
            sounds.Schema, recipe.Training.ChosenPrecision, recipe.Seed);
        TrainingSection section = recipe.Training;
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
            CreateReplica = () =>
            {
                var replica = new AudioCodecModel(model.Config, model.Schema, recipe.Training.ChosenPrecision,
                    recipe.Seed);
                model.Join(replica);
                return replica;
            },
            ItemUnit = "clips",
        });
    }

    /// <inheritdoc/>
    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default)
    {
        var file = ConfigFile.Read(bundle.ConfigPath);
        AudioCodecModel model = BundleTensors.Use(bundle, tensors =>
            Restore(new StoredModel(file, tensors, bundle.WeightsPath, device), isTrained: false), cancellation);
        return new LearnedCodec(model, BundleIdentity.Of(bundle).Weights);
    }

    IAudioCodec ICodecFamily.Restore(StoredModel stored, string identity) =>
        new LearnedCodec(Restore(stored, isTrained: true), identity);

    (JsonObject Config, Dictionary<string, Tensor> Tensors)? ICodecFamily.Store(IAudioCodec codec) =>
        codec is LearnedCodec { Model: { } model }
            ? (JsonNode.Parse(Described(model))!.AsObject(), Weights(model)) : null;

    /// <inheritdoc/>
    public object? ReadConfiguration(Bundle bundle) => ConfigFile.Read(bundle.ConfigPath).Read<AudioCodecConfig>();

    private void Start(AudioCodecModel model, Bundle start, long seed)
    {
        using var loaded = (LearnedCodec)Load(start, "cpu");
        AudioSchema own = loaded.Model.Schema, given = model.Schema;
        if ((own.SampleRate, own.Channels) != (given.SampleRate, given.Channels))
            throw new AtelierException($"the sounds have {given.SampleRate} Hz and "
                + $"{Quantity.Of(given.Channels, "channel")}, but the model to start from has {own.SampleRate} Hz and "
                + $"{Quantity.Of(own.Channels, "channel")}", start.Folder,
                $"set data.audio.sampleRate to {own.SampleRate} and data.audio.channels to {own.Channels}");
        StartingWeights.Copy(model, loaded.Model, (0, 0), seed, start.Folder);
    }

    private void Write(string folder, AudioCodecModel model, string card)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        BundleWriter.Write(folder, Described(model), Weights(model), card, _ => { });
    }

    /// <summary>Restores a model.</summary>
    /// <param name="stored">Its configuration and weights.</param>
    /// <param name="isTrained">Whether its discriminators, which only training needs, are left out.</param>
    private static AudioCodecModel Restore(StoredModel stored, bool isTrained)
    {
        AudioCodecConfig config = stored.Config.Check(stored.Config.Read<AudioCodecConfig>());
        AudioSchema schema = AudioBundle.ReadSchema(stored.Config);
        config.Check(schema);
        BundleTensors.CheckCount(stored.Tensors, config.LeastWeights(schema), stored.Where);
        var created = new AudioCodecModel(isTrained ? config with { Adversarial = false } : config, schema,
            Precision.Fp32, seed: 0);
        BundleTensors.Fill(created, () => BundleTensors.CopyTo(
            ModuleTensors.Distinct(created).Select(t => (t.Key, (Tensor?)t.Value)), stored.Tensors,
            name => isTrained && name.StartsWith(AudioCodecModel.DiscriminatorTensors, StringComparison.Ordinal),
            stored.Where));
        created.eval();
        created.to(ComputeDevice.Resolve(stored.Device));
        return created;
    }

    private string Described(AudioCodecModel model) =>
        ConfigRecords.Write(ModelTypes[0], AudioBundle.Write(model.Schema), model.Config);

    private static Dictionary<string, Tensor> Weights(AudioCodecModel model) =>
        ModuleTensors.Distinct(model).ToDictionary(t => t.Key, t => t.Value.detach().cpu().clone());

    /// <summary>The first held-out clips, each followed by what the codec makes of it.</summary>
    private static Sound Preview(AudioCodecModel model, AudioPart part, CancellationToken cancellation)
    {
        var codec = new LearnedCodec(model); // not disposed: the model is still trained
        AudioSchema schema = part.Schema;
        List<float>[] planes = [.. Enumerable.Range(0, schema.Channels).Select(_ => new List<float>())];
        var clip = new float[schema.Size];
        for (int number = 0; number < Math.Min(PreviewClips, part.Count); number++)
        {
            part.Read(number, clip);
            float[][] original = [.. Sound.Of(clip, schema.Channels, schema.SampleRate).Samples];
            float[][] coded = codec.Decode(codec.Encode(original, cancellation: cancellation), schema.ClipFrames,
                cancellation);
            for (int channel = 0; channel < planes.Length; channel++)
            {
                planes[channel].AddRange(original[channel]);
                planes[channel].AddRange(coded[channel]);
            }
        }
        return new Sound([.. planes.Select(plane => plane.ToArray())], schema.SampleRate);
    }

    private static string Card(Recipe recipe, AudioData sounds, AudioCodecModel model)
    {
        IAudioCodec codec = new LearnedCodec(model); // not disposed: the model is the caller's
        double least = codec.BitsPerSecond(1) / 1000, most = codec.BitsPerSecond(codec.CodebookCount) / 1000;
        return string.Create(CultureInfo.InvariantCulture, $"""
        # {recipe.Name}

        {recipe.Description ?? $"An audio codec, {StartingWeights.Origin(recipe)}."}

        | | |
        |---|---|
        | family | {recipe.Model.Family} |
        | parameters | {model.parameters().Sum(p => p.numel())} |
        | sounds | {sounds.Schema.SampleRate} Hz, {Quantity.Of(sounds.Schema.Channels, "channel")} |
        | rates | {least:0.##} to {most:0.##} kbit/s |
        | trained on | {SourceFiles.PublicName(sounds.Facts.Source)}, {Quantity.Of(sounds.Train.Count, "clip")} |
        | seed | {recipe.Seed} |{StartingWeights.CardRows(recipe)}

        """);
    }
}
