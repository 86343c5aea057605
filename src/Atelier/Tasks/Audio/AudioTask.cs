using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Images;

namespace Atelier.Tasks.Audio;

/// <summary>Sounds, with or without classes.</summary>
public sealed class AudioTask : ITask
{
    /// <inheritdoc/>
    public string Name => "audio";

    /// <inheritdoc/>
    public string Description =>
        "Train on sounds: a folder, tar or zip file of WAV, FLAC, MP3, Ogg, Opus or M4A files, with a subfolder per "
            + "class, a labels.csv or a pattern of names; or world:sounds.";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } =
    [
        "data.audio", "data.encoding", "data.table.header", "data.table.separator", "evaluation.pictures",
        .. GenerationSection.SamplingKeys,
    ];

    /// <inheritdoc/>
    public IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model)
    {
        if (model.As<IAudioCodec>() is not null)
            return []; // a codec is used by compress
        var generator = model.Require<ImageGenerator>();
        IReadOnlyList<string> classes = generator.IsConditional ? generator.Schema.Classes : [];
        IEnumerable<RequestOption> ofClass = classes.Count == 0 ? []
            : [new("class", $"The class of the sounds: {RequestOption.Names(classes)}.", Example: classes[0])];
        return
        [
            .. ofClass, new("count", "The number of sounds.", Example: "4"),
            .. generator.Model.SamplingFields.Where(Steers).Select(field => ImageTask.Sampling(field, generator)),
            new("out", "The file to write the sounds to: .wav (one after another), .png (a grid of spectrograms) or a "
                + "folder that ends with / (a WAV file per sound).", Example: "sounds.wav"),
        ];
    }

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) => model.As<IAudioCodec>() is not null
        || model.As<ImageGenerator>() is { Schema.Spectrogram: not null };

    /// <inheritdoc/>
    /// <remarks>The n-th sound of a seed is always the same.</remarks>
    public async IAsyncEnumerable<Sample> GenerateAsync(ITrainedModel model, GenerationRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (model.As<IAudioCodec>() is not null)
            throw new AtelierException("a codec codes sounds, and generates none",
                hint: "compress a sound with it");
        var generator = model.Require<ImageGenerator>();
        if (request.Drawing is { } drawing && (drawing.From ?? drawing.Mask) is not null)
            throw new AtelierException("sounds do not begin from images", Mention.Field("from"), "leave it out");
        ImageSchema schema = generator.Schema;
        var spectrograms = new SpectrogramImages(schema.Spectrogram!);
        long number = request.Only ?? 0;
        await foreach (Sample sample in generator.GenerateAsync(request, cancellation).ConfigureAwait(false))
        {
            var image = (ImageSample)sample; // grey, so that its pixels are its plane
            float[] samples = spectrograms.ToSamples(image.Pixels.Span, request.Seed + number++, cancellation);
            yield return new AudioSample(schema.Spectrogram!.Mel.SampleRate, 1, samples) { Class = image.Class };
        }
    }

    /// <summary>Returns the spectrograms of sounds that a model generated, as they are heard.</summary>
    /// <param name="model">The model.</param>
    /// <param name="samples">Its sounds.</param>
    /// <returns>The grey values of each, [bands, width], in the size of the model's images.</returns>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Spectrograms(ITrainedModel model,
        IReadOnlyList<AudioSample> samples)
    {
        var drawing = new SpectrogramImages(model.Require<ImageGenerator>().Schema.Spectrogram!);
        return [.. samples.Select(sample => (ReadOnlyMemory<byte>)drawing.ToImage(sample.Samples.Span))];
    }

    /// <summary>Whether an option of image models has a meaning for sounds.</summary>
    private static bool Steers(string field) => field is not ("from" or "strength" or "mask");

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress,
        CancellationToken cancellation) =>
        AudioData.Prepare(recipe.Data, recipe.Seed, folder, progress: progress, cancellation: cancellation);

    /// <inheritdoc/>
    public IDataSource Open(string folder) => AudioData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation) =>
        AudioData.Prepare(other.Section, other.Seed, other.Folder,
            AudioBundle.ReadSchema(ConfigFile.Read(other.Bundle.ConfigPath)), progress, cancellation)
            .Learning(other.Learned is null ? null : AudioData.Open(other.Learned));

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation) => context.Model.As<IAudioCodec>() is { } codec
        ? CodecEvaluator.EvaluateAsync(codec, (AudioData)context.Data, context, progress, cancellation)
        : AudioEvaluator.EvaluateAsync(context.Model.Require<ImageGenerator>(), (AudioData)context.Data, context,
            progress, cancellation);

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        AudioAdvice.For(this, path, family, cancellation);
}
