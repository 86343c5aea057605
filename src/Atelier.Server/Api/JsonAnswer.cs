using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Atelier.Server.Api;

/// <summary>Writes answers of JSON, in which texts of all scripts are written as they are.</summary>
internal static class JsonAnswer
{
    private static readonly JsonSerializerOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // no answer is part of a page
    };

    /// <summary>Returns the text of an object, in one line.</summary>
    public static string Text(JsonObject json) => json.ToJsonString(Options);

    /// <summary>Writes an object as the whole answer.</summary>
    public static Task WriteAsync(HttpContext context, JsonObject json)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        return context.Response.WriteAsync(Text(json), context.RequestAborted);
    }
}
