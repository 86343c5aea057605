using System.Globalization;
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
        "training.teacher",
        .. GenerationSection.SamplingKeys, .. CodeDecoding.Keys,
    ];

    /// <inheritdoc/>
    public IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model)
    {
        if (model.As<IAudioCodec>() is not null || model.As<IVocoder>() is not null)
            return []; // a codec is used by compress, and a vocoder beside a model of spectrograms
        if (model.As<SoundGenerator>() is { } ofCodes)
            return Options(ofCodes.IsConditional ? ofCodes.Schema.Classes : [], CodeOptions(ofCodes));
        var generator = model.Require<ImageGenerator>();
        IEnumerable<RequestOption> own = generator.Model.SamplingFields.Where(Steers)
            .Select(field => ImageTask.Sampling(field, generator)).Append(new("vocoder"));
        return Options(generator.IsConditional ? generator.Schema.Classes : [],
            !generator.Model.SamplingFields.Contains("mask") ? own : own.Concat(
            [
                new("input", "A sound whose gap is generated anew."),
                new("gap", "Where the gap of the input begins and ends, in seconds, such as 0.2-0.4."),
            ]));
    }

    private static IReadOnlyList<RequestOption> Options(IReadOnlyList<string> classes, IEnumerable<RequestOption> own)
    {
        return
        [
            .. RequestOption.OfClass("sounds", classes), new("count", "The number of sounds.", Example: "4"), .. own,
            new("out", "The file to write the sounds to: .wav or .opus (one after another), .png (a grid of "
                + "spectrograms) or a folder that ends with / (a WAV file per sound).", Example: "sounds.wav"),
        ];
    }

    private static IEnumerable<RequestOption> CodeOptions(SoundGenerator generator)
    {
        CultureInfo invariant = CultureInfo.InvariantCulture;
        yield return new("input", "A sound to continue. The generated sounds begin with it.");
        yield return new("seconds", "The length of each sound, with the beginning that is given.",
            generator.Schema.ClipSeconds.ToString("0.###", invariant));
        if (generator.IsConditional)
            yield return new("guidance", Default: generator.Guidance.ToString(invariant));
        foreach (RequestOption option in CodeDecoding.RequestOptions(generator.Defaults))
            yield return option;
    }

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) =>
        model.As<IAudioCodec>() is not null || model.As<IVocoder>() is not null
        || model.As<SoundGenerator>() is not null || model.As<ImageGenerator>() is { Schema.Spectrogram: not null };

    /// <inheritdoc/>
    /// <remarks>The n-th sound of a seed is always the same.</remarks>
    public async IAsyncEnumerable<Sample> GenerateAsync(ITrainedModel model, GenerationRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (model.As<IAudioCodec>() is not null)
            throw new AtelierException("a codec codes sounds, and generates none",
                hint: "compress a sound with it");
        if (model.As<IVocoder>() is not null)
            throw new AtelierException("a vocoder computes the sounds of spectrograms, and generates none",
                hint: "name it as the vocoder of a model of spectrograms");
        if (model.As<SoundGenerator>() is { } ofCodes)
        {
            await foreach (Sample sample in ofCodes.GenerateAsync(request, cancellation).ConfigureAwait(false))
                yield return sample;
            yield break;
        }
        var generator = model.Require<ImageGenerator>();
        if (request.Drawing is { } drawing && (drawing.From ?? drawing.Mask) is not null)
            throw new AtelierException("sounds do not begin from images", Mention.Field("from"), "leave it out");
        ImageSchema schema = generator.Schema;
        var spectrograms = new SpectrogramImages(schema.Spectrogram!);
        SoundInfilling? infilling = null;
        if (request is { Input: not null, Gap: not null })
            (request, infilling) = await Task.Run(() => SoundInfilling.Begin(generator, request, cancellation),
                cancellation).ConfigureAwait(false);
        else if ((request.Input ?? (object?)request.Gap) is not null)
            throw new AtelierException("filling in needs a sound and its gap", Mention.Field("gap"),
                $"give both: {Mention.Field("input")} and {Mention.Field("gap")}");
        long number = request.Only ?? 0;
        await foreach (Sample sample in generator.GenerateAsync(request, cancellation).ConfigureAwait(false))
        {
            var image = (ImageSample)sample; // grey, so that its pixels are its plane
            float[] samples = generator.Vocoder?.ToSamples(image.Pixels.Span, schema.Spectrogram!, cancellation)
                ?? spectrograms.ToSamples(image.Pixels.Span, request.Seed + number, cancellation);
            number++;
            yield return new AudioSample(schema.Spectrogram!.Mel.SampleRate, 1, infilling?.Fill(samples) ?? samples)
            {
                Class = image.Class,
            };
        }
    }

    /// <summary>
    /// Returns how sounds of a request are generated, to be stored in their files; null if the model was not read from
    /// a bundle.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="request">The request.</param>
    public static SampleOrigin? OriginOf(ITrainedModel model, GenerationRequest request)
    {
        if (model.As<IIdentifiedModel>()?.Identity is not { } identity)
            return null;
        if (model.As<SoundGenerator>() is { } ofCodes)
            return new(identity, ofCodes.Complete(request));
        var images = model.Require<ImageGenerator>();
        return new(identity, request with { Drawing = images.Resolve(request.Drawing) })
        {
            Vocoder = (images.Vocoder as IIdentifiedModel)?.Identity,
        };
    }

    /// <summary>Returns the spectrograms of sounds that a model generated, as they are heard.</summary>
    /// <param name="model">The model.</param>
    /// <param name="samples">Its sounds, of one length.</param>
    /// <returns>The size of the spectrograms, and the grey values of each, [bands, width].</returns>
    public static (ImageSchema Schema, IReadOnlyList<ReadOnlyMemory<byte>> Images) Spectrograms(ITrainedModel model,
        IReadOnlyList<AudioSample> samples)
    {
        ImageSchema? own = model.As<ImageGenerator>()?.Schema;
        SpectrogramFormat format = own?.Spectrogram ?? SpectrogramData.FormatOf(
            [.. samples.Select(sample => sample.Samples.ToArray())], samples[0].SampleRate);
        var drawing = new SpectrogramImages(format);
        return (own ?? SpectrogramData.SchemaOf(format, []),
            [.. samples.Select(sample => (ReadOnlyMemory<byte>)drawing.ToImage(sample.Samples.Span))]);
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
        // all of the other data is the test part, and its names need not be those that the condition is about
        AudioData.Prepare(other.Section with { Audio = other.Section.Audio with { TestWhere = null } }, other.Seed,
            other.Folder, AudioBundle.ReadSchema(ConfigFile.Read(other.Bundle.ConfigPath)), progress, cancellation)
            .Learning(other.Learned is null ? null : AudioData.Open(other.Learned));

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation) => context.Model.As<IVocoder>() is { } vocoder
        ? Task.Run(() => VocoderEvaluator.Evaluate(vocoder, (AudioData)context.Data, context, progress, cancellation),
            cancellation)
        : context.Model.As<IAudioCodec>() is { } codec
        ? CodecEvaluator.EvaluateAsync(codec, (AudioData)context.Data, context, progress, cancellation)
        : AudioEvaluator.EvaluateAsync(context.Model.As<SoundGenerator>() is { } ofCodes
                ? new JudgedCodes(ofCodes, (AudioData)context.Data)
                : new JudgedSpectrograms(context.Model.Require<ImageGenerator>()),
            (AudioData)context.Data, context, progress, cancellation);

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        AudioAdvice.For(this, path, family, cancellation);
}
