using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Atelier.Server.Api;

/// <summary>
/// Reads the JSON bodies of requests strictly: what a body says and no field reads is refused by name.
/// </summary>
internal static class RequestBody
{
    private const int MostDepth = 64; // JSON schemas are nested

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, MaxDepth = MostDepth, AllowDuplicateProperties = false,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    /// <summary>Reads a body.</summary>
    /// <param name="context">The request.</param>
    /// <param name="ignored">Fields that have no effect on the answer, and may be sent.</param>
    /// <exception cref="ApiException">The body is no JSON object, or a field is unknown or of another type.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext context, params IReadOnlyList<string> ignored)
        where T : RequestFields
    {
        if (!context.Request.HasJsonContentType())
            throw NotJson();
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
        foreach ((string name, JsonElement value) in body.Others ?? [])
        {
            if (value.ValueKind != JsonValueKind.Null && !ignored.Contains(name))
                throw ApiException.Invalid(name, $"the field '{name}' is not supported; leave it out",
                    "unsupported_field");
        }
        return body;
    }

    /// <summary>The error of a body of another media type.</summary>
    public static ApiException NotJson() => new(StatusCodes.Status415UnsupportedMediaType,
        "the body must be JSON, sent with Content-Type: application/json", code: "unsupported_media_type");

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
