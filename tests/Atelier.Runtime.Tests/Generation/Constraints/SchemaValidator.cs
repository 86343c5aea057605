using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Atelier.Runtime.Tests.Generation.Constraints;

/// <summary>
/// The second way: whether a value meets a schema, as the specification defines each keyword, value by value. What a
/// schema has evaluated is collected on the way.
/// </summary>
internal sealed class SchemaValidator(JsonElement root)
{
    // asked last, since they depend on what the others have evaluated
    private static readonly string[] Last = ["unevaluatedProperties", "unevaluatedItems"];

    public static bool IsValid(string schema, string text)
    {
        JsonElement root = JsonDocument.Parse(schema).RootElement;
        return new SchemaValidator(root)
            .Holds(root, JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 1000 }).RootElement);
    }

    public bool Holds(JsonElement schema, JsonElement value) => Holds(schema, value, new Evaluated());

    private bool Holds(JsonElement schema, JsonElement value, Evaluated seen)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return schema.ValueKind == JsonValueKind.True;
        var own = new Evaluated();
        bool holds = schema.EnumerateObject().OrderBy(k => Last.Contains(k.Name))
            .All(keyword => Holds(schema, keyword.Name, keyword.Value, value, own));
        if (holds)
            seen.Add(own);
        return holds;
    }

    private bool Holds(JsonElement schema, string keyword, JsonElement wanted, JsonElement value, Evaluated seen) =>
        keyword switch
        {
            "$ref" => Holds(wanted.GetString()! == "#" ? root
                : wanted.GetString()![2..].Split('/').Aggregate(root, (at, key) => at.GetProperty(key)), value, seen),
            "type" => Each(wanted).Any(t => IsOf(t.GetString()!, value)) || (value.ValueKind == JsonValueKind.Null
                && schema.TryGetProperty("nullable", out JsonElement nullable) && nullable.GetBoolean()),
            "const" => JsonElement.DeepEquals(wanted, value),
            "enum" => wanted.EnumerateArray().Any(w => JsonElement.DeepEquals(w, value)),
            "anyOf" => wanted.EnumerateArray().Count(s => Holds(s, value, seen)) > 0,
            "oneOf" => wanted.EnumerateArray().Count(s => Holds(s, value, seen)) == 1,
            "allOf" => wanted.EnumerateArray().Count(s => Holds(s, value, seen)) == wanted.GetArrayLength(),
            "not" => !Holds(wanted, value),
            "if" => !schema.TryGetProperty(Holds(wanted, value, seen) ? "then" : "else", out JsonElement branch)
                || Holds(branch, value, seen),
            "then" or "else" or "nullable" or "$defs" or "title" or "description" or "$schema" or "minContains"
                or "maxContains" => true,
            _ => value.ValueKind switch
            {
                JsonValueKind.Object => OfObject(schema, keyword, wanted, value, seen),
                JsonValueKind.Array => OfArray(schema, keyword, wanted, value, seen),
                JsonValueKind.String => OfString(keyword, wanted, value.GetString()!),
                JsonValueKind.Number => OfNumber(keyword, wanted, value.GetDecimal()),
                _ => true,
            },
        };

    private bool OfObject(JsonElement schema, string keyword, JsonElement wanted, JsonElement value, Evaluated seen)
    {
        JsonProperty[] members = [.. value.EnumerateObject().GroupBy(p => p.Name).Select(same => same.Last())];
        switch (keyword)
        {
            case "properties":
                return Holding(p => wanted.TryGetProperty(p.Name, out JsonElement s) ? [s] : []);
            case "patternProperties":
                return Holding(p => wanted.EnumerateObject().Where(s => Regex.IsMatch(p.Name, s.Name))
                    .Select(s => s.Value));
            case "additionalProperties":
                return Holding(p => IsNamed(p.Name) ? [] : [wanted]);
            case "unevaluatedProperties":
                var before = seen.Names.ToHashSet();
                return Holding(p => before.Contains(p.Name) ? [] : [wanted]);
            case "required":
                return wanted.EnumerateArray().All(name => Has(name.GetString()!));
            case "propertyNames":
                return members.All(p => Holds(wanted, JsonSerializer.SerializeToElement(p.Name)));
            case "minProperties":
                return members.Length >= wanted.GetInt32();
            case "maxProperties":
                return members.Length <= wanted.GetInt32();
            case "dependentRequired":
                return wanted.EnumerateObject().All(p => !Has(p.Name)
                    || p.Value.EnumerateArray().All(name => Has(name.GetString()!)));
            case "dependentSchemas":
                return wanted.EnumerateObject().All(p => !Has(p.Name) || Holds(p.Value, value, seen));
            default:
                return true;
        }

        bool Has(string name) => members.Any(p => p.Name == name);

        bool IsNamed(string name) =>
            (schema.TryGetProperty("properties", out JsonElement known) && known.TryGetProperty(name, out _))
            || (schema.TryGetProperty("patternProperties", out JsonElement patterns)
                && patterns.EnumerateObject().Any(s => Regex.IsMatch(name, s.Name)));

        bool Holding(Func<JsonProperty, IEnumerable<JsonElement>> schemas)
        {
            foreach (JsonProperty member in members)
            {
                JsonElement[] all = [.. schemas(member)];
                if (!all.All(s => Holds(s, member.Value)))
                    return false;
                if (all.Length > 0)
                    seen.Names.Add(member.Name);
            }
            return true;
        }
    }

    private bool OfArray(JsonElement schema, string keyword, JsonElement wanted, JsonElement value, Evaluated seen)
    {
        JsonElement[] items = [.. value.EnumerateArray()];
        switch (keyword)
        {
            case "prefixItems":
                return Holding(i => i < wanted.GetArrayLength() ? wanted[i] : null);
            case "items":
                int prefix = schema.TryGetProperty("prefixItems", out JsonElement first) ? first.GetArrayLength() : 0;
                return Holding(i => i < prefix ? null : wanted);
            case "unevaluatedItems":
                var before = seen.Items.ToHashSet();
                return Holding(i => before.Contains(i) ? null : wanted);
            case "contains":
                int[] found = [.. Enumerable.Range(0, items.Length).Where(i => Holds(wanted, items[i]))];
                seen.Items.UnionWith(found);
                return found.Length >= (schema.TryGetProperty("minContains", out JsonElement least)
                    ? least.GetInt32() : 1)
                    && found.Length <= (schema.TryGetProperty("maxContains", out JsonElement most)
                    ? most.GetInt32() : int.MaxValue);
            case "minItems":
                return items.Length >= wanted.GetInt32();
            case "maxItems":
                return items.Length <= wanted.GetInt32();
            case "uniqueItems":
                return !wanted.GetBoolean() || items.Index().All(a => items.Index()
                    .All(b => a.Index == b.Index || !JsonElement.DeepEquals(a.Item, b.Item)));
            default:
                return true;
        }

        bool Holding(Func<int, JsonElement?> schemaOf)
        {
            for (int i = 0; i < items.Length; i++)
            {
                if (schemaOf(i) is not JsonElement item)
                    continue;
                if (!Holds(item, items[i]))
                    return false;
                seen.Items.Add(i);
            }
            return true;
        }
    }

    private static bool OfString(string keyword, JsonElement wanted, string text) => keyword switch
    {
        "minLength" => text.EnumerateRunes().Count() >= wanted.GetInt32(),
        "maxLength" => text.EnumerateRunes().Count() <= wanted.GetInt32(),
        "pattern" => Regex.IsMatch(text, wanted.GetString()!, RegexOptions.ECMAScript, TimeSpan.FromSeconds(5)),
        "contentEncoding" => Convert.TryFromBase64String(text, new byte[text.Length], out _),
        "format" => wanted.GetString() switch
        {
            "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", out _),
            "time" => IsTime(text),
            "date-time" => text.Split('T') is [var date, var time]
                && DateOnly.TryParseExact(date, "yyyy-MM-dd", out _) && IsTime(time),
            "duration" => text.EndsWith('W') ? text[0] == 'P' && int.TryParse(text[1..^1], out _)
                : TryDuration(text),
            "uuid" => Guid.TryParseExact(text, "D", out _),
            "email" => System.Net.Mail.MailAddress.TryCreate(text, out System.Net.Mail.MailAddress? mail)
                && mail.Address == text,
            "hostname" => text.Length <= 253 && Uri.CheckHostName(text) is UriHostNameType.Dns or UriHostNameType.IPv4,
            "ipv4" => IPAddress.TryParse(text, out IPAddress? address) && address.ToString() == text,
            "ipv6" => IPAddress.TryParse(text, out IPAddress? address)
                && address.AddressFamily == AddressFamily.InterNetworkV6 && !text.Contains('%'),
            "uri" => Uri.IsWellFormedUriString(text, UriKind.Absolute),
            "uri-reference" => Uri.IsWellFormedUriString(text, UriKind.RelativeOrAbsolute),
            _ => false,
        },
        _ => true,
    };

    private static bool OfNumber(string keyword, JsonElement wanted, decimal number) => keyword switch
    {
        "minimum" => number >= wanted.GetDecimal(),
        "maximum" => number <= wanted.GetDecimal(),
        "exclusiveMinimum" => number > wanted.GetDecimal(),
        "exclusiveMaximum" => number < wanted.GetDecimal(),
        "multipleOf" => number % wanted.GetDecimal() == 0,
        "format" when wanted.GetString() == "int32" => decimal.IsInteger(number) && number is >= int.MinValue
            and <= int.MaxValue,
        _ => true,
    };

    private static bool TryDuration(string text)
    {
        try
        {
            System.Xml.XmlConvert.ToTimeSpan(text);
            return true;
        }
        catch (OverflowException)
        {
            return true; // of the form of a duration, and longer than .NET's
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static bool IsTime(string text) =>
        DateTimeOffset.TryParse($"2024-02-29T{text}", System.Globalization.CultureInfo.InvariantCulture, out _)
        && text.Length >= 9;

    private static JsonElement[] Each(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];

    private static bool IsOf(string type, JsonElement value) => type switch
    {
        "integer" => value.ValueKind == JsonValueKind.Number && value.GetDouble() % 1 == 0,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        _ => value.ValueKind.ToString().Equals(type, StringComparison.OrdinalIgnoreCase),
    };

    /// <summary>The properties and items of one value that keywords have evaluated.</summary>
    private sealed class Evaluated
    {
        public HashSet<string> Names { get; } = [];

        public HashSet<int> Items { get; } = [];

        public void Add(Evaluated other)
        {
            Names.UnionWith(other.Names);
            Items.UnionWith(other.Items);
        }
    }
}
