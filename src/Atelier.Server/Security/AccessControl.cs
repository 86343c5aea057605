using System.Diagnostics;
using System.Globalization;
using System.Threading.RateLimiting;
using Atelier.Server.Api;
using Atelier.Server.Studio;

namespace Atelier.Server.Security;

/// <summary>
/// Admits requests with a known key, as many a minute as a key may send, and logs every request that changes or
/// generates something with its key. Answers carry headers that keep pages and answers from being misused.
/// </summary>
internal sealed class AccessControl(RequestDelegate next, ServerOptions options, ILogger<AccessControl> log)
    : IDisposable
{
    /// <summary>The address of the page that documents the API.</summary>
    public const string DocumentationPath = "/docs";

    private const string Bearer = "Bearer ";
    private const string Anonymous = "-"; // the name of no key

    private readonly PartitionedRateLimiter<string> _limiter = PartitionedRateLimiter.Create<string, string>(name =>
        options.RequestsPerMinute == 0
            ? RateLimitPartition.GetNoLimiter(name)
            : RateLimitPartition.GetTokenBucketLimiter(name, _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = options.RequestsPerMinute, TokensPerPeriod = options.RequestsPerMinute,
                ReplenishmentPeriod = TimeSpan.FromMinutes(1), QueueLimit = 0, AutoReplenishment = true,
            }));

    public async Task InvokeAsync(HttpContext context)
    {
        SetHeaders(context);
        if (IsOfOtherSite(context.Request))
        {
            await ErrorAnswers.WriteAsync(context, new ApiException(StatusCodes.Status403Forbidden,
                "a page of another site may not ask for this", code: "cross_site")).ConfigureAwait(false);
            return;
        }
        if (IsPublic(context.Request))
        {
            await AnswerAsync(context, Anonymous).ConfigureAwait(false);
            return;
        }
        string? name = options.Keys.Count == 0 ? Anonymous : options.Keys.NameOf(KeyOf(context.Request));
        if (name is null)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            await ErrorAnswers.WriteAsync(context, new ApiException(StatusCodes.Status401Unauthorized,
                "the key is missing or wrong; send it as Authorization: Bearer KEY", code: "invalid_api_key"))
                .ConfigureAwait(false);
            return;
        }
        using RateLimitLease lease = _limiter.AttemptAcquire(name);
        if (!lease.IsAcquired)
        {
            TimeSpan wait = lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan told)
                ? told : TimeSpan.FromMinutes(1);
            context.Response.Headers.RetryAfter =
                ((int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            await ErrorAnswers.WriteAsync(context, new ApiException(StatusCodes.Status429TooManyRequests,
                $"this key may send {options.RequestsPerMinute} requests a minute; try again later",
                code: "rate_limit_exceeded")).ConfigureAwait(false);
            return;
        }
        await AnswerAsync(context, name).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _limiter.Dispose();

    /// <summary>Answers a request, and logs it unless it only reads.</summary>
    private async Task AnswerAsync(HttpContext context, string name)
    {
        long began = Stopwatch.GetTimestamp();
        await next(context).ConfigureAwait(false);
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            log.LogInformation("{Time:O} {Key} {Method} {Path} {Status} {Milliseconds} ms", DateTimeOffset.UtcNow, name,
                context.Request.Method, context.Request.Path, context.Response.StatusCode,
                (long)Stopwatch.GetElapsedTime(began).TotalMilliseconds);
    }

    /// <summary>
    /// Probes need no key, the pages ask for it themselves, and raters have tokens of their own.
    /// </summary>
    private static bool IsPublic(HttpRequest request) =>
        request.Path.StartsWithSegments("/health", StringComparison.Ordinal)
        || request.Path.StartsWithSegments("/ready", StringComparison.Ordinal)
        || request.Path.StartsWithSegments("/v1/rate", StringComparison.Ordinal)
        || StudioPages.Has(request.Path);

    /// <summary>
    /// Whether a page of another site asks to change something. Browsers ask a server first only for some requests:
    /// not for those without a body or with a form.
    /// </summary>
    private static bool IsOfOtherSite(HttpRequest request) => !HttpMethods.IsGet(request.Method)
        && !HttpMethods.IsHead(request.Method)
        && request.Headers["Sec-Fetch-Site"].ToString() is "cross-site" or "same-site";

    private static string? KeyOf(HttpRequest request)
    {
        string? header = request.Headers.Authorization;
        return header?.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) == true
            ? header[Bearer.Length..].Trim() : null;
    }

    private static void SetHeaders(HttpContext context)
    {
        IHeaderDictionary headers = context.Response.Headers;
        // the page of the documentation is made by a library, with scripts and styles in the page itself
        headers.ContentSecurityPolicy =
            StudioPages.Has(context.Request.Path) ? StudioPages.Policy
            : context.Request.Path.StartsWithSegments(DocumentationPath, StringComparison.Ordinal)
            ? "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
                + "img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
            : "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }
}
