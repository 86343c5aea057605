using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>The cases of values that equal a constant, and of those that do not.</summary>
internal static class SchemaConstants
{
    /// <summary>Returns the case of the values that equal a constant, whose members are conditions in turn.</summary>
    public static SchemaCase Equal(SchemaPlace constant)
    {
        JsonTypes type = SchemaCase.TypeOf(constant.Element);
        var typed = new SchemaCase { Types = type, IsTyped = true };
        if (type == JsonTypes.Array)
        {
            SchemaLiteral[] items = Items(constant);
            return typed with
            {
                Arrays = new ArrayFacts
                {
                    Items = [.. items.Select((item, i) => new ItemRule(i, i + 1, item, []))],
                    Least = items.Length,
                    Most = items.Length,
                },
            };
        }
        if (type != JsonTypes.Object)
            return OneOf([constant.Element]);
        (string Name, SchemaLiteral Literal)[] members = Members(constant);
        return typed with
        {
            Objects = new ObjectFacts
            {
                Properties =
                [
                    .. members.Select(m => new PropertyRule(NameSet.Of(m.Name), m.Literal)),
                    new PropertyRule(Others(members), SchemaLiteral.False),
                ],
                Required = members.Select(m => m.Name).ToHashSet(),
            },
        };
    }

    /// <summary>Returns the cases of the values that differ from a constant.</summary>
    public static IEnumerable<SchemaCase> Different(SchemaPlace constant)
    {
        JsonTypes type = SchemaCase.TypeOf(constant.Element);
        if (type is not (JsonTypes.Array or JsonTypes.Object))
        {
            yield return Except([constant.Element]);
            yield break;
        }
        yield return new SchemaCase { Types = JsonTypes.All & ~type };
        var typed = new SchemaCase { Types = type };
        if (type == JsonTypes.Array)
        {
            SchemaLiteral[] items = Items(constant);
            if (items.Length > 0)
                yield return typed with { Arrays = new ArrayFacts { Most = items.Length - 1 } };
            yield return typed with { Arrays = new ArrayFacts { Least = items.Length + 1 } };
            foreach ((int i, SchemaLiteral item) in items.Index())
            {
                yield return typed with
                {
                    Arrays = new ArrayFacts { Items = [new ItemRule(i, i + 1, item.Not, [])], Least = i + 1 },
                };
            }
            yield break;
        }
        (string Name, SchemaLiteral Literal)[] members = Members(constant);
        foreach ((string name, SchemaLiteral literal) in members)
        {
            PropertyRule none = new(NameSet.Of(name), SchemaLiteral.False),
                other = new(NameSet.Of(name), literal.Not);
            yield return typed with { Objects = new ObjectFacts { Properties = [none] } };
            yield return typed with { Objects = new ObjectFacts { Properties = [other], Required = [name] } };
        }
        yield return typed with
        {
            Objects = new ObjectFacts { Some = [new PropertyRule(Others(members), SchemaLiteral.True)] },
        };
    }

    /// <summary>Returns the case of some null, booleans, numbers and strings.</summary>
    public static SchemaCase OneOf(IEnumerable<JsonElement> values)
    {
        var allowed = new Dictionary<string, JsonElement>();
        foreach (JsonElement value in values)
            allowed.TryAdd(SchemaCase.KeyOf(value), value);
        return new SchemaCase
        {
            Types = allowed.Values.Aggregate(JsonTypes.None, (types, value) => types | SchemaCase.TypeOf(value)),
            IsTyped = true,
            Allowed = allowed,
        };
    }

    /// <summary>Returns the case of all values but some null, booleans, numbers and strings.</summary>
    public static SchemaCase Except(IEnumerable<JsonElement> values)
    {
        var excluded = new Dictionary<string, JsonElement>();
        foreach (JsonElement value in values)
            excluded.TryAdd(SchemaCase.KeyOf(value), value);
        return new SchemaCase { Excluded = excluded };
    }

    private static SchemaLiteral[] Items(SchemaPlace constant) =>
        [.. constant.Items().Select(item => new SchemaLiteral(item, IsConstant: true))];

    private static (string, SchemaLiteral)[] Members(SchemaPlace constant) =>
        [.. constant.Members().Select(m => (m.Name, new SchemaLiteral(m.Place, IsConstant: true)))];

    private static NameSet Others((string Name, SchemaLiteral)[] members) =>
        new(members.Select(m => m.Name).ToHashSet(), [], IsComplement: true);
}
