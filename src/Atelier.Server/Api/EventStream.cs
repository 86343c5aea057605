using System.Text.Json.Nodes;

namespace Atelier.Server.Api;

/// <summary>An answer of server-sent events, each a JSON object, as OpenAI's clients read them.</summary>
internal static class EventStream
{
    /// <summary>The media type of the answer.</summary>
    public const string MediaType = "text/event-stream";

    /// <summary>Writes the events as they come, then the end mark.</summary>
    /// <param name="context">The request.</param>
    /// <param name="events">The events.</param>
    public static async Task WriteAsync(HttpContext context, IAsyncEnumerable<JsonObject> events)
    {
        HttpResponse response = context.Response;
        CancellationToken aborted = context.RequestAborted;
        await foreach (JsonObject one in events.WithCancellation(aborted).ConfigureAwait(false))
        {
            if (!response.HasStarted)
            {
                response.ContentType = MediaType;
                response.Headers.CacheControl = "no-cache";
            }
            await response.WriteAsync($"data: {JsonAnswer.Text(one)}\n\n", aborted).ConfigureAwait(false);
            await response.Body.FlushAsync(aborted).ConfigureAwait(false);
        }
        await response.WriteAsync("data: [DONE]\n\n", aborted).ConfigureAwait(false);
    }
}
