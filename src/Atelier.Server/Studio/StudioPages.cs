using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;

namespace Atelier.Server.Studio;

/// <summary>The pages of the studio, which are part of the program.</summary>
internal static class StudioPages
{
    private const string Prefix = "Studio/", Index = "index.html";

    private static readonly Dictionary<string, string> MediaTypes = new(StringComparer.Ordinal)
    {
        [".html"] = "text/html; charset=utf-8", [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8", [".svg"] = "image/svg+xml",
    };

    private static readonly FrozenDictionary<string, Page> Pages = Read().ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>
    /// The content security policy of the pages: scripts, styles and connections of the server alone.
    /// </summary>
    public static string Policy => "default-src 'none'; script-src 'self'; style-src 'self'; "
        + "img-src 'self' data: blob:; media-src 'self' data: blob:; connect-src 'self'; font-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Returns whether an address is a page, or a file of one.</summary>
    public static bool Has(PathString path) => Pages.ContainsKey(path.Value ?? "");

    /// <summary>Adds the addresses of the pages.</summary>
    public static void Map(WebApplication app)
    {
        foreach (string path in Pages.Keys)
            app.MapGet(path, SendAsync);
    }

    private static async Task SendAsync(HttpContext context)
    {
        Page page = Pages[context.Request.Path.Value!];
        context.Response.Headers.ETag = page.Tag;
        context.Response.Headers.CacheControl = "no-cache"; // asked for again, and sent again if it has changed
        if (context.Request.Headers.IfNoneMatch == page.Tag)
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        context.Response.ContentType = page.MediaType;
        await context.Response.Body.WriteAsync(page.Content, context.RequestAborted).ConfigureAwait(false);
    }

    private static IEnumerable<KeyValuePair<string, Page>> Read()
    {
        Assembly assembly = typeof(StudioPages).Assembly;
        foreach (string name in assembly.GetManifestResourceNames().Where(name =>
            name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            using Stream stream = assembly.GetManifestResourceStream(name)!;
            var content = new byte[stream.Length];
            stream.ReadExactly(content);
            var page = new Page(content, MediaTypes[Path.GetExtension(name)],
                $"\"{Convert.ToHexStringLower(SHA256.HashData(content))[..16]}\"");
            string path = "/" + name[Prefix.Length..].Replace('\\', '/');
            yield return KeyValuePair.Create(path, page);
            if (path == "/" + Index)
                yield return KeyValuePair.Create("/", page);
        }
    }

    private sealed record Page(byte[] Content, string MediaType, string Tag);
}
