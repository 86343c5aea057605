using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Primitives;

namespace Atelier.Server.Api;

/// <summary>
/// Reads the bodies of requests strictly: what a body says and no field reads is refused by name.
/// </summary>
internal static class RequestBody
{
    private const int MostDepth = 64; // JSON schemas are nested

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, MaxDepth = MostDepth, AllowDuplicateProperties = false,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    // the fields of a form are texts
    private static readonly JsonSerializerOptions FormOptions = new(Options)
    {
        NumberHandling = JsonNumberHandling.AllowReadingFromString,
    };

    /// <summary>Reads a body.</summary>
    /// <param name="context">The request.</param>
    /// <param name="ignored">Fields that have no effect on the answer, and may be sent.</param>
    /// <exception cref="ApiException">The body is no JSON object, or a field is unknown or of another type.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext context, params IReadOnlyList<string> ignored)
        where T : RequestFields
    {
        if (!context.Request.HasJsonContentType())
            throw OtherMediaType();
        T body;
        try
        {
            body = await JsonSerializer.DeserializeAsync<T>(context.Request.Body, Options, context.RequestAborted)
                .ConfigureAwait(false)
                ?? throw new ApiException(StatusCodes.Status400BadRequest, "the body is null, not a JSON object");
        }
        catch (JsonException e)
        {
            throw Explain(e, typeof(T));
        }
        Check(body, ignored);
        return body;
    }

    /// <summary>Reads the fields of a form as <see cref="ReadAsync"/> reads those of an object.</summary>
    /// <param name="form">The form; a field has one value.</param>
    /// <param name="ignored">Fields that have no effect on the answer, and may be sent.</param>
    /// <exception cref="ApiException">A field is unknown, of another type or given twice.</exception>
    public static T Read<T>(IFormCollection form, params IReadOnlyList<string> ignored)
        where T : RequestFields
    {
        var json = new JsonObject();
        foreach ((string name, StringValues values) in form)
            json[name] = values.Count == 1 ? values[0]
                : throw ApiException.Invalid(name, $"'{name}' is given {values.Count} times");
        try
        {
            T body = json.Deserialize<T>(FormOptions)!;
            Check(body, ignored);
            return body;
        }
        catch (JsonException e)
        {
            throw Explain(e, typeof(T));
        }
    }

    /// <summary>The error of a body of another media type.</summary>
    public static ApiException OtherMediaType() => new(StatusCodes.Status415UnsupportedMediaType,
        "the body must be JSON, sent with Content-Type: application/json; an image to edit is sent as "
            + "multipart/form-data", code: "unsupported_media_type");

    /// <summary>Returns the name of a field of the library as bodies write it: max_tokens for maxTokens.</summary>
    public static string Field(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    /// <summary>Says which field of a body is wrong.</summary>
    /// <param name="error">The error.</param>
    /// <param name="type">The type of the body; null if it is unknown.</param>
    public static ApiException Explain(JsonException error, Type? type)
    {
        string path = error.Path?.TrimStart('$').TrimStart('.') ?? "";
        bool isOfOtherType = error.Message.StartsWith("The JSON value could not", StringComparison.Ordinal);
        if (path.Length == 0 || !isOfOtherType)
        {
            string place = error.LineNumber is { } line
                ? FormattableString.Invariant($" in line {line + 1}, at byte {error.BytePositionInLine + 1}") : "";
            return new ApiException(StatusCodes.Status400BadRequest, $"the body is not a valid JSON object{place}",
                path.Length == 0 ? null : path, "invalid_json");
        }
        string first = path.Split('.', '[')[0];
        PropertyInfo? property = type?.GetProperties().FirstOrDefault(p => Field(p.Name) == first);
        string expected = property is null || path != first ? "" : $": {Kind(property.PropertyType)} is needed";
        return ApiException.Invalid(path, $"'{path}' has a value that is not possible{expected}", "invalid_type");
    }

    /// <summary>Refuses what no field reads.</summary>
    private static void Check(RequestFields body, IReadOnlyList<string> ignored)
    {
        foreach ((string name, JsonElement value) in body.Others ?? [])
        {
            if (value.ValueKind != JsonValueKind.Null && !ignored.Contains(name))
                throw ApiException.Invalid(name, $"the field '{name}' is not supported; leave it out",
                    "unsupported_field");
        }
    }

    private static string Kind(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(string) ? "a string"
            : type == typeof(bool) ? "true or false"
            : type == typeof(int) || type == typeof(long) ? "a whole number"
            : type == typeof(double) ? "a number"
            : type.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(type).Select(Field))
            : type.IsAssignableTo(typeof(System.Collections.IEnumerable)) ? "a list" : "an object";
    }
}

/// <summary>The body of a request, with the fields that no property reads.</summary>
internal abstract record RequestFields
{
    /// <summary>The name of the model.</summary>
    public string? Model { get; init; }

    /// <summary>Fields that no property reads.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; init; }
}
