using System.Text.Json;
using System.Text.RegularExpressions;

namespace Atelier.Runtime.Tests.Generation.Constraints;

/// <summary>
/// The second way: whether a value meets a schema, as the specification defines each keyword, value by value.
/// </summary>
internal sealed class SchemaValidator(JsonElement root)
{
    public static bool IsValid(string schema, string text)
    {
        JsonElement root = JsonDocument.Parse(schema).RootElement;
        return new SchemaValidator(root)
            .Holds(root, JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 1000 }).RootElement);
    }

    private bool Holds(JsonElement schema, JsonElement value)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return schema.ValueKind == JsonValueKind.True;
        return schema.EnumerateObject().All(keyword => Holds(schema, keyword.Name, keyword.Value, value));
    }

    private bool Holds(JsonElement schema, string keyword, JsonElement wanted, JsonElement value)
    {
        bool isNumber = value.ValueKind == JsonValueKind.Number, isText = value.ValueKind == JsonValueKind.String;
        bool isObject = value.ValueKind == JsonValueKind.Object, isArray = value.ValueKind == JsonValueKind.Array;
        return keyword switch
        {
            "$ref" => Holds(wanted.GetString()! == "#" ? root
                : wanted.GetString()![2..].Split('/').Aggregate(root, (at, key) => at.GetProperty(key)), value),
            "type" => wanted.ValueKind == JsonValueKind.Array
                ? wanted.EnumerateArray().Any(t => IsOf(t.GetString()!, value)) : IsOf(wanted.GetString()!, value),
            "const" => JsonElement.DeepEquals(wanted, value),
            "enum" => wanted.EnumerateArray().Any(w => JsonElement.DeepEquals(w, value)),
            "anyOf" => wanted.EnumerateArray().Any(s => Holds(s, value)),
            "oneOf" => wanted.EnumerateArray().Count(s => Holds(s, value)) == 1,
            "allOf" => wanted.EnumerateArray().All(s => Holds(s, value)),
            "properties" =>
                !isObject || wanted.EnumerateObject()
                .All(p => !value.TryGetProperty(p.Name, out JsonElement v) || Holds(p.Value, v)),
            "required" =>
                !isObject || wanted.EnumerateArray().All(name => value.TryGetProperty(name.GetString()!, out _)),
            "additionalProperties" => !isObject || value.EnumerateObject().All(p =>
                (schema.TryGetProperty("properties", out JsonElement known) && known.TryGetProperty(p.Name, out _))
                    || Holds(wanted, p.Value)),
            "items" => !isArray || value.EnumerateArray().All(item => Holds(wanted, item)),
            "minItems" => !isArray || value.GetArrayLength() >= wanted.GetInt32(),
            "maxItems" => !isArray || value.GetArrayLength() <= wanted.GetInt32(),
            "minLength" => !isText || value.GetString()!.EnumerateRunes().Count() >= wanted.GetInt32(),
            "maxLength" => !isText || value.GetString()!.EnumerateRunes().Count() <= wanted.GetInt32(),
            "pattern" => !isText
                || Regex.IsMatch(value.GetString()!, wanted.GetString()!, RegexOptions.ECMAScript,
                TimeSpan.FromSeconds(5)),
            "format" => !isText || wanted.GetString() switch
            {
                "date" => DateOnly.TryParseExact(value.GetString(), "yyyy-MM-dd", out _),
                "time" => IsTime(value.GetString()!),
                "date-time" =>
                    value.GetString()!.Split('T') is [var date, var time]
                    && DateOnly.TryParseExact(date, "yyyy-MM-dd", out _) && IsTime(time),
                "uuid" => Guid.TryParseExact(value.GetString(), "D", out _),
                "ipv4" => System.Net.IPAddress.TryParse(value.GetString(), out System.Net.IPAddress? address)
                    && address.ToString() == value.GetString(),
                _ => false,
            },
            "minimum" => !isNumber || value.GetDecimal() >= wanted.GetDecimal(),
            "maximum" => !isNumber || value.GetDecimal() <= wanted.GetDecimal(),
            "exclusiveMinimum" => !isNumber || value.GetDecimal() > wanted.GetDecimal(),
            "exclusiveMaximum" => !isNumber || value.GetDecimal() < wanted.GetDecimal(),
            "$defs" or "title" or "description" or "$schema" => true,
            _ => throw new NotSupportedException(keyword),
        };
    }

    private static bool IsTime(string text) =>
        DateTimeOffset.TryParse($"2024-02-29T{text}", System.Globalization.CultureInfo.InvariantCulture, out _)
        && text.Length >= 9;

    private static bool IsOf(string type, JsonElement value) => type switch
    {
        "integer" => value.ValueKind == JsonValueKind.Number && value.GetDouble() % 1 == 0,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        _ => value.ValueKind.ToString().Equals(type, StringComparison.OrdinalIgnoreCase),
    };
}
