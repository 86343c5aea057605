using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.Server.Serving;

namespace Atelier.Server.Api;

/// <summary>Answers requests that fail with an error in OpenAI's form, or ends their stream with it.</summary>
internal sealed class ErrorAnswers(RequestDelegate next, ILogger<ErrorAnswers> log)
{
    private const int ClientClosedRequest = 499; // for the log: nobody receives it

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context).ConfigureAwait(false);
            if (!context.Response.HasStarted && OfStatus(context) is { } unanswered)
                await WriteAsync(context, unanswered).ConfigureAwait(false);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = context.Response.HasStarted
                ? context.Response.StatusCode : ClientClosedRequest;
        }
        catch (Exception e)
        {
            ApiException error = Explain(e);
            if (error.Status == StatusCodes.Status507InsufficientStorage)
                log.LogWarning("{Method} {Path}: the disk is full", context.Request.Method, context.Request.Path);
            else if (error.Status >= StatusCodes.Status500InternalServerError)
                log.LogError(e, "{Method} {Path} failed", context.Request.Method, context.Request.Path);
            if (e is QueueFullException full)
                context.Response.Headers.RetryAfter =
                    ((int)full.RetryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            await WriteAsync(context, error).ConfigureAwait(false);
        }
    }

    /// <summary>Writes an error as the answer, or as the last event of a stream that has begun.</summary>
    public static async Task WriteAsync(HttpContext context, ApiException error)
    {
        string json = JsonAnswer.Text(ToJson(error));
        HttpResponse response = context.Response;
        if (response.HasStarted)
        {
            if (response.ContentType?.StartsWith(EventStream.MediaType, StringComparison.Ordinal) == true)
                await response.WriteAsync($"data: {json}\n\n", context.RequestAborted).ConfigureAwait(false);
            return;
        }
        response.StatusCode = error.Status;
        response.ContentType = "application/json; charset=utf-8";
        await response.WriteAsync(json, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>The error of a request that no address answers.</summary>
    private static ApiException? OfStatus(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => new(StatusCodes.Status404NotFound,
            $"there is no {context.Request.Path}; GET /openapi/v1.json lists what there is", code: "not_found"),
        StatusCodes.Status405MethodNotAllowed => new(StatusCodes.Status405MethodNotAllowed,
            $"{context.Request.Path} does not take {context.Request.Method}", code: "method_not_allowed"),
        StatusCodes.Status415UnsupportedMediaType => RequestBody.OtherMediaType(),
        _ => null,
    };

    private static JsonObject ToJson(ApiException error) => new()
    {
        ["error"] = new JsonObject
        {
            ["message"] = error.Message,
            ["type"] = error.Status switch
            {
                StatusCodes.Status401Unauthorized => "authentication_error",
                StatusCodes.Status429TooManyRequests => "rate_limit_error",
                >= StatusCodes.Status500InternalServerError => "server_error",
                _ => "invalid_request_error",
            },
            ["param"] = error.Param,
            ["code"] = error.Code,
        },
    };

    private static ApiException Explain(Exception e) => e switch
    {
        ApiException known => known,
        _ when FileFault.IsFull(e) => new(StatusCodes.Status507InsufficientStorage,
            "the disk of the server is full; delete what is not needed", code: "disk_full"),
        AtelierException mistake => OfMistake(mistake),
        QueueFullException full => new(StatusCodes.Status429TooManyRequests, full.Message + "; try again later",
            code: "queue_full"),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new(
            StatusCodes.Status413PayloadTooLarge, "the body is larger than this server accepts",
            code: "body_too_large"),
        BadHttpRequestException bad => new(bad.StatusCode, bad.Message, code: "bad_request"),
        JsonException json => RequestBody.Explain(json, type: null),
        OperationCanceledException => new(StatusCodes.Status503ServiceUnavailable,
            "the request took longer than this server allows, or the server is stopping; try again",
            code: "timeout"),
        _ when FileFault.Explain(e) is { } fault => new(StatusCodes.Status500InternalServerError, fault.Message,
            code: "storage"),
        _ => new(StatusCodes.Status500InternalServerError, "the server failed on this request", code: "internal"),
    };

    private static ApiException OfMistake(AtelierException mistake)
    {
        AtelierException written = mistake.InWords(name => $"'{RequestBody.Field(name)}'", name => $"'{name}'");
        string message = written.Hint is null ? written.Message : $"{written.Message}; {written.Hint}";
        if (mistake.Where is not { } place || place.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal))
            return ApiException.Invalid("", message); // a path of this machine is nobody's business outside it
        return place.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '[' or ']')
            ? ApiException.Invalid(RequestBody.Field(place), message)
            : ApiException.Invalid("", $"{place}: {message}");
    }
}
