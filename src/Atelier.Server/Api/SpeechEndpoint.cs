using Atelier.Data.Audio;
using Atelier.Server.Observing;
using Atelier.Server.Serving;
using Atelier.Tasks.Audio;
using Microsoft.Extensions.AI;

namespace Atelier.Server.Api;

/// <summary>The body of a request for speech.</summary>
internal sealed record SpeechFields : RequestFields
{
    /// <summary>The names of classes, such as "3 1 4" for a model of spoken digits.</summary>
    public string? Input { get; init; }

    /// <summary>The file format: wav or opus.</summary>
    public string? ResponseFormat { get; init; }

    /// <summary>The seed; without one it is random.</summary>
    public long? Seed { get; init; }
}

/// <summary>POST /v1/audio/speech: sounds of classes, one after another.</summary>
internal sealed class SpeechEndpoint(ModelStore models)
{
    private const int MostCharacters = 4096; // as OpenAI's

    public async Task InvokeAsync(HttpContext context)
    {
        SpeechFields body = await RequestBody.ReadAsync<SpeechFields>(context, "voice").ConfigureAwait(false);
        using ModelLease lease = await models.RequireAsync(body.Model, context.RequestAborted).ConfigureAwait(false);
        if (string.IsNullOrWhiteSpace(body.Input) || body.Input.Length > MostCharacters)
            throw ApiException.Invalid("input", FormattableString.Invariant(
                $"'input' is missing, empty or longer than {MostCharacters} characters"));
        if (body.ResponseFormat is not (null or "wav" or "opus"))
            throw ApiException.Invalid("response_format",
                $"'{body.ResponseFormat}' is not possible; allowed: wav, opus");
        if (!new AudioTask().Evaluates(lease.Model))
            throw ApiException.Invalid("model", $"the model '{body.Model}' does not generate sounds");
        using var measured = ServerMetrics.Begin(lease.Served.Name, promptTokens: 0);
        using IDisposable slots = await lease.Served.Queue.EnterAsync(lease.Served.Queue.Slots, context.RequestAborted)
            .ConfigureAwait(false);
        measured.Started();
#pragma warning disable MEAI001 // the interface is marked as one that may still change
        using var client = new TextToSpeechClient(lease.Model, body.Seed ?? Random.Shared.NextInt64());
        TextToSpeechResponse response = await client.GetAudioAsync(body.Input,
            new TextToSpeechOptions { AudioFormat = body.ResponseFormat }, context.RequestAborted)
            .ConfigureAwait(false);
#pragma warning restore MEAI001
        DataContent sound = response.Contents.OfType<DataContent>().Single();
        context.Response.ContentType = sound.MediaType;
        await context.Response.Body.WriteAsync(sound.Data, context.RequestAborted).ConfigureAwait(false);
    }
}
