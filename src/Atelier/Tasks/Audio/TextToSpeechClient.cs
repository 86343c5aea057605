using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Tasks.Images;
using Microsoft.Extensions.AI;

namespace Atelier.Tasks.Audio;

/// <summary>
/// An <see cref="ITextToSpeechClient"/> over a model of sounds with classes. The text consists of names of classes,
/// such as "3 1 4" for a model of spoken digits; each gives a sound. The results are WAV data, or
/// Ogg Opus for the <see cref="TextToSpeechOptions.AudioFormat"/> "opus". Each request has its own seed, drawn from the
/// client's, so that a client returns the same sounds in the same order. Other options are refused by name. Safe for
/// concurrent use: simultaneous requests are generated one after another.
/// </summary>
/// <param name="model">The model. It is not disposed with the client.</param>
/// <param name="seed">The seed of the first request; each further request uses the next one.</param>
/// <param name="modelId">The name of the model in requests and metadata.</param>
#pragma warning disable MEAI001 // the interface is marked as one that may still change
public sealed class TextToSpeechClient(ITrainedModel model, long seed = 1, string modelId = "atelier")
    : ITextToSpeechClient
{
    private const string Wav = "wav", Opus = "opus";
    private readonly AudioTask _task = new();
    private long _next = seed - 1;

    /// <inheritdoc/>
    /// <remarks>The sounds follow one another with a short silence between them.</remarks>
    /// <exception cref="AtelierException">A word is no class of the model, or an option is not supported.</exception>
    public async Task<TextToSpeechResponse> GetAudioAsync(string text, TextToSpeechOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        string format = Check(options);
        var samples = new List<AudioSample>();
        await foreach (AudioSample sample in SpeakAsync(text, cancellationToken).ConfigureAwait(false))
            samples.Add(sample);
        return new TextToSpeechResponse([Content(samples, format)]) { ModelId = modelId };
    }

    /// <inheritdoc/>
    /// <remarks>Each update is the whole file of one sound.</remarks>
    /// <exception cref="AtelierException">A word is no class of the model, or an option is not supported.</exception>
    public async IAsyncEnumerable<TextToSpeechResponseUpdate> GetStreamingAudioAsync(string text,
        TextToSpeechOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string format = Check(options);
        await foreach (AudioSample sample in SpeakAsync(text, cancellationToken).ConfigureAwait(false))
            yield return new TextToSpeechResponseUpdate([Content([sample], format)])
            {
                Kind = TextToSpeechResponseUpdateKind.AudioUpdating, ModelId = modelId,
            };
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(TextToSpeechClientMetadata)
            ? new TextToSpeechClientMetadata("atelier", null, modelId)
            : serviceType.IsInstanceOfType(model) ? model
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Does nothing: the model is its owner's.</summary>
    public void Dispose()
    {
    }

    private string Check(TextToSpeechOptions? options)
    {
        string format = options?.AudioFormat is { } asked ? asked.ToLowerInvariant().Replace("audio/", "") : Wav;
        RefusedOptions.Check(
            ("AudioFormat", format is not (Wav or Opus), $"sounds are wav or opus, not {options?.AudioFormat}"),
            ("ModelId", options?.ModelId is not null && options.ModelId != modelId,
                $"the model is '{modelId}', not '{options?.ModelId}'"),
            ("Language", options?.Language is not null, "the model has the language of its classes"),
            ("VoiceId", options?.VoiceId is not null, "the model chooses the voice"),
            ("Speed", options?.Speed is not null, "the model chooses the speed"),
            ("Pitch", options?.Pitch is not null, "the model chooses the pitch"),
            ("Volume", options?.Volume is not null, "the model chooses the volume"),
            ("RawRepresentationFactory", options?.RawRepresentationFactory is not null,
                "raw options of an underlying client are not supported"),
            ("AdditionalProperties", options?.AdditionalProperties is { Count: > 0 },
                $"'{options?.AdditionalProperties?.Keys.FirstOrDefault()}' is not known"));
        return format;
    }

    private async IAsyncEnumerable<AudioSample> SpeakAsync(string text,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        string[] words = [.. WordsOf(text)];
        long own = Interlocked.Increment(ref _next);
        foreach ((int i, string word) in words.Index())
        {
            // a seed for each word, so that a word that is said twice sounds different
            long ofWord = (long)(SplitMix64.At((ulong)own, (ulong)i) >> 1);
            var request = new GenerationRequest { Seed = ofWord, Class = word };
            await foreach (Sample sample in _task.GenerateAsync(model, request, cancellation).ConfigureAwait(false))
                yield return (AudioSample)sample;
        }
    }

    private IReadOnlyList<string> WordsOf(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        IReadOnlyList<string> classes = model.As<SoundGenerator>()?.Schema.Classes
            ?? model.Require<ImageGenerator>().Schema.Classes;
        string whole = text.Trim();
        string[] words = classes.Contains(whole) ? [whole]
            : whole.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? throw new AtelierException("the text is empty",
                hint: $"write names of classes: {RequestOption.Names(classes)}")
            : words.FirstOrDefault(word => !classes.Contains(word)) is { } unknown
            ? throw new AtelierException($"'{unknown}' is no class of the model",
                hint: $"write names of classes: {RequestOption.Names(classes)}")
            : words;
    }

    private static DataContent Content(IReadOnlyList<AudioSample> samples, string format) => format == Opus
        ? new DataContent(AudioOutput.JoinedOpus(samples), "audio/ogg")
        : new DataContent(AudioOutput.Joined(samples), "audio/wav");
}
