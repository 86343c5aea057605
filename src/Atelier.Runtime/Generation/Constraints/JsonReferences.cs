using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>A schema, or a constant of one, and its place: a JSON pointer from the document's root.</summary>
internal readonly record struct SchemaPlace(string Pointer, JsonElement Element)
{
    /// <summary>Returns the place of a member or an item.</summary>
    public SchemaPlace At(string key, JsonElement element) => new(
        $"{Pointer}/{key.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}",
        element);

    /// <summary>Returns the place of a keyword's value.</summary>
    public SchemaPlace At(string keyword) => At(keyword, Element.GetProperty(keyword));

    /// <summary>Returns the places of the items of a list.</summary>
    public IEnumerable<SchemaPlace> Items()
    {
        SchemaPlace list = this;
        return Element.EnumerateArray().Select((item, i) => list.At(FormattableString.Invariant($"{i}"), item));
    }

    /// <summary>Returns the names and places of the members of an object.</summary>
    public IEnumerable<(string Name, SchemaPlace Place)> Members()
    {
        SchemaPlace named = this;
        return Element.EnumerateObject().Select(member => (member.Name, named.At(member.Name, member.Value)));
    }
}

/// <summary>
/// Resolves the references of a schema (JSON Schema 2020-12, section 8.2): JSON pointers and anchors in the same
/// document, and schemas inside it that have an $id of their own.
/// </summary>
internal sealed class JsonReferences
{
    // The base of a document without an $id. Nothing is ever loaded from it.
    private static readonly Uri Nameless = new("http://document.invalid/");

    private readonly Dictionary<string, Uri> _bases = []; // the base of each schema, by its pointer
    private readonly Dictionary<string, SchemaPlace> _resources = []; // by absolute URI
    private readonly Dictionary<(string Uri, string Name), SchemaPlace> _anchors = [];
    private readonly Dictionary<string, List<SchemaPlace>> _dynamic = [];

    /// <summary>Reads the references of a document.</summary>
    /// <exception cref="AtelierException">The document has a lone surrogate, a duplicate name, or an $id or anchor
    /// that is wrong or appears twice.</exception>
    public JsonReferences(JsonElement root)
    {
        RefuseDamage(root, "#");
        Root = new SchemaPlace("#", root);
        _resources.Add(Nameless.AbsoluteUri, Root);
        Register(Root, Nameless);
    }

    /// <summary>The whole document.</summary>
    public SchemaPlace Root { get; }

    /// <summary>Whether any schema of the document asks what others have evaluated.</summary>
    public bool TracksEvaluated { get; private set; }

    /// <summary>Returns the schema that a reference leads to, or null if it is not in the document.</summary>
    /// <param name="from">The schema with the reference.</param>
    /// <param name="reference">The URI, which may be relative.</param>
    public SchemaPlace? Find(SchemaPlace from, string reference)
    {
        int hash = reference.IndexOf('#', StringComparison.Ordinal);
        (string document, string fragment) = hash < 0 ? (reference, "") : (reference[..hash], reference[(hash + 1)..]);
        Uri? uri = BaseOf(from.Pointer);
        if (document.Length > 0 && !Uri.TryCreate(uri, document, out uri))
            return null;
        if (!_resources.TryGetValue(uri.AbsoluteUri, out SchemaPlace resource))
            return null;
        if (fragment.Length == 0)
            return resource;
        if (!fragment.StartsWith('/'))
            return _anchors.TryGetValue((uri.AbsoluteUri, Uri.UnescapeDataString(fragment)), out SchemaPlace anchored)
                ? anchored : null;
        return JsonPointer.Resolve(resource.Element, $"#{fragment}") is JsonElement found
            ? new SchemaPlace(resource.Pointer + Uri.UnescapeDataString(fragment), found)
            : null;
    }

    /// <summary>
    /// Returns the schema that a dynamic reference leads to, if only one schema of the document has its anchor, so
    /// that it does not depend on the path to the reference; otherwise null.
    /// </summary>
    public SchemaPlace? FindDynamic(SchemaPlace from, string reference)
    {
        if (Find(from, reference) is not SchemaPlace found)
            return null;
        // a reference to anything but a dynamic anchor is like any other
        string name = reference[(reference.IndexOf('#', StringComparison.Ordinal) + 1)..];
        return !_dynamic.TryGetValue(name, out List<SchemaPlace>? all) || all is [_]
            || all.All(place => place.Pointer != found.Pointer) ? found : null;
    }

    private Uri BaseOf(string pointer)
    {
        while (true)
        {
            if (_bases.TryGetValue(pointer, out Uri? known))
                return known;
            pointer = pointer[..pointer.LastIndexOf('/')];
        }
    }

    /// <summary>Registers the names of a schema and of its subschemas.</summary>
    private void Register(SchemaPlace schema, Uri @base)
    {
        if (schema.Element.ValueKind != JsonValueKind.Object)
        {
            _bases.TryAdd(schema.Pointer, @base);
            return;
        }
        if (schema.Element.TryGetProperty("$id", out JsonElement id))
            @base = Name(schema, id, @base);
        _bases.TryAdd(schema.Pointer, @base);
        foreach (string keyword in (string[])["$anchor", "$dynamicAnchor"])
        {
            if (!schema.Element.TryGetProperty(keyword, out JsonElement anchor))
                continue;
            if (anchor.ValueKind != JsonValueKind.String)
                throw Wrong(schema, $"{keyword} is {anchor.GetRawText()}", "it must be a string");
            if (!_anchors.TryAdd((@base.AbsoluteUri, anchor.GetString()!), schema))
                throw Wrong(schema, $"the {keyword} '{anchor}' appears twice", "give each its own");
            if (keyword == "$dynamicAnchor")
            {
                if (!_dynamic.TryGetValue(anchor.GetString()!, out List<SchemaPlace>? all))
                    _dynamic.Add(anchor.GetString()!, all = []);
                all.Add(schema);
            }
        }
        foreach ((string keyword, SchemaPlace value) in schema.Members())
        {
            TracksEvaluated |= keyword is "unevaluatedProperties" or "unevaluatedItems";
            switch (keyword, value.Element.ValueKind)
            {
                case ("items" or "additionalProperties" or "propertyNames" or "contains" or "not" or "if" or "then"
                    or "else" or "unevaluatedItems" or "unevaluatedProperties", _):
                    Register(value, @base);
                    break;
                case ("$defs" or "definitions" or "properties" or "patternProperties" or "dependentSchemas",
                    JsonValueKind.Object):
                    foreach ((_, SchemaPlace member) in value.Members())
                        Register(member, @base);
                    break;
                case ("anyOf" or "oneOf" or "allOf" or "prefixItems", JsonValueKind.Array):
                    foreach (SchemaPlace item in value.Items())
                        Register(item, @base);
                    break;
            }
        }
    }

    private Uri Name(SchemaPlace schema, JsonElement id, Uri @base)
    {
        if (id.ValueKind != JsonValueKind.String)
            throw Wrong(schema, $"$id is {id.GetRawText()}", "it must be a string");
        string name = id.GetString()!.TrimEnd('#');
        if (name.Contains('#', StringComparison.Ordinal))
            throw Wrong(schema, $"$id is '{name}', with a fragment", "write a name for this place as $anchor");
        if (!Uri.TryCreate(@base, name, out Uri? uri))
            throw Wrong(schema, $"$id is '{name}', which is no URI", "write for example https://example.org/a.json");
        if (_resources.TryGetValue(uri.AbsoluteUri, out SchemaPlace other) && other.Pointer != schema.Pointer)
            throw Wrong(schema, $"the $id '{name}' appears twice", "give each its own");
        _resources[uri.AbsoluteUri] = schema;
        return uri;
    }

    private static AtelierException Wrong(SchemaPlace schema, string what, string hint) =>
        JsonSchemaReader.Wrong(schema.Pointer, what, hint);

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
