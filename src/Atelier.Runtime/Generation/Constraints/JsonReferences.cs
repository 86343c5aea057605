using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>
/// Resolves the references of a schema (JSON Schema 2020-12, section 8.2): JSON pointers and anchors in the same
/// document, also with the document's $id before them. A subschema with an $id is refused because its references would
/// resolve against another base.
/// </summary>
internal sealed class JsonReferences
{
    private readonly JsonElement _root;
    private readonly string _name = ""; // the document's $id, without a fragment
    private readonly Dictionary<string, JsonElement> _anchors = [];

    /// <summary>Reads the references of a document.</summary>
    /// <exception cref="AtelierException"> The document has a lone surrogate, a duplicate name, or a subschema with an
    /// $id. </exception>
    public JsonReferences(JsonElement root)
    {
        _root = root;
        RefuseDamage(root, "#");
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("$id", out JsonElement id))
        {
            _name = id.ValueKind == JsonValueKind.String
                ? id.GetString()!.TrimEnd('#')
                : throw JsonSchemaReader.Wrong("#", $"$id is {id.GetRawText()}", "it must be a string");
        }
        FindAnchors(root, "#");
    }

    /// <summary>Returns the schema that a reference points to, or null if it is not in the document.</summary>
    /// <exception cref="AtelierException">The schema has an $id of its own.</exception>
    public JsonElement? Find(string reference)
    {
        int hash = reference.IndexOf('#', StringComparison.Ordinal);
        (string document, string fragment) = hash < 0 ? (reference, "#") : (reference[..hash], reference[hash..]);
        if (!IsThisDocument(document))
            return null;
        JsonElement? found = fragment == "#" || fragment.StartsWith("#/", StringComparison.Ordinal)
            ? JsonPointer.Resolve(_root, fragment)
            : _anchors.TryGetValue(Uri.UnescapeDataString(fragment[1..]), out JsonElement anchored) ? anchored : null;
        if (found is { ValueKind: JsonValueKind.Object } schema && fragment != "#")
            RefuseId(schema, fragment);
        return found;
    }

    private bool IsThisDocument(string document) => document.Length == 0 || document == _name
        || (Uri.TryCreate(_name, UriKind.Absolute, out Uri? own)
            && Uri.TryCreate(own, document, out Uri? wanted) && wanted == own);

    /// <summary>Finds the anchors of a schema and of its subschemas.</summary>
    private void FindAnchors(JsonElement schema, string at)
    {
        if (schema.ValueKind != JsonValueKind.Object)
            return;
        if (at != "#")
            RefuseId(schema, at);
        if (schema.TryGetProperty("$anchor", out JsonElement anchor))
        {
            if (anchor.ValueKind != JsonValueKind.String)
                throw JsonSchemaReader.Wrong(at, $"$anchor is {anchor.GetRawText()}", "it must be a string");
            if (!_anchors.TryAdd(anchor.GetString()!, schema))
                throw JsonSchemaReader.Wrong(at, $"the $anchor '{anchor}' appears twice", "give each its own");
        }
        foreach (JsonProperty keyword in schema.EnumerateObject())
        {
            string inside = $"{at}/{keyword.Name}";
            switch (keyword.Name, keyword.Value.ValueKind)
            {
                case ("items" or "additionalProperties", _):
                    FindAnchors(keyword.Value, inside);
                    break;
                case ("$defs" or "definitions" or "properties", JsonValueKind.Object):
                    foreach (JsonProperty named in keyword.Value.EnumerateObject())
                        FindAnchors(named.Value, $"{inside}/{named.Name}");
                    break;
                case ("anyOf" or "oneOf" or "allOf", JsonValueKind.Array):
                    foreach ((int i, JsonElement option) in keyword.Value.EnumerateArray().Index())
                        FindAnchors(option, FormattableString.Invariant($"{inside}/{i}"));
                    break;
            }
        }
    }

    private static void RefuseId(JsonElement schema, string at)
    {
        if (schema.TryGetProperty("$id", out _))
        {
            throw JsonSchemaReader.Wrong(at, "a schema inside another has an $id",
                "remove the $id, and refer to the schema by its location: #/$defs/name");
        }
    }

    /// <summary>
    /// Refuses lone surrogates, which no text can contain, and duplicate names, of which one would be ignored.
    /// </summary>
    private static void RefuseDamage(JsonElement value, string at)
    {
        if (value.ValueKind == JsonValueKind.String)
            Text(at, () => value.GetString()!);
        if (value.ValueKind == JsonValueKind.Array)
        {
            foreach ((int i, JsonElement item) in value.EnumerateArray().Index())
                RefuseDamage(item, FormattableString.Invariant($"{at}/{i}"));
        }
        if (value.ValueKind != JsonValueKind.Object)
            return;
        var names = new HashSet<string>();
        foreach (JsonProperty property in value.EnumerateObject())
        {
            string name = Text(at, () => property.Name);
            if (!names.Add(name))
                throw JsonSchemaReader.Wrong(at, $"'{name}' appears twice", "remove one of them");
            RefuseDamage(property.Value, $"{at}/{name}");
        }
    }

    private static string Text(string at, Func<string> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException e) // System.Text.Json throws this for an escaped lone surrogate
        {
            throw new AtelierException(
                "half a surrogate pair is not a character", $"schema{at}",
                    "write both halves, as in \\ud83d\\ude00", e);
        }
    }
}
