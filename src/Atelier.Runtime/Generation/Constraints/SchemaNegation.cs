namespace Atelier.Generation.Constraints;

/// <summary>The cases of the values that do not satisfy a keyword which states facts.</summary>
internal static class SchemaNegation
{
    /// <summary>Returns the cases of the values that do not satisfy a keyword.</summary>
    /// <exception cref="AtelierException">The keyword has no opposite that a grammar could express.</exception>
    public static IEnumerable<SchemaCase> Of(SchemaPlace schema, string keyword) => keyword switch
    {
        "type" => Types(schema),
        "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum" or "multipleOf" =>
            [Case(JsonTypes.Number) with { Numbers = Numbers(schema, keyword) }],
        "minLength" or "maxLength" or "pattern" => Strings(schema, keyword),
        "minItems" or "maxItems" or "prefixItems" or "items" or "contains" or "uniqueItems" =>
            Arrays(schema, keyword).Select(facts => Case(JsonTypes.Array) with { Arrays = facts }),
        "properties" or "patternProperties" or "additionalProperties" or "required" or "minProperties"
            or "maxProperties" =>
            Objects(schema, keyword).Select(facts => Case(JsonTypes.Object) with { Objects = facts }),
        "minContains" or "maxContains" => [], // read with contains
        _ => throw Unsupported(schema, keyword),
    };

    /// <summary>Returns the case of the objects that have a property with one of some names.</summary>
    public static SchemaCase Property(NameSet names) => Case(JsonTypes.Object) with
    {
        Objects = new ObjectFacts { Some = [new PropertyRule(names, SchemaLiteral.True)] },
    };

    private static SchemaCase Case(JsonTypes type) => new() { Types = type, Implied = type };

    private static IEnumerable<SchemaCase> Types(SchemaPlace schema)
    {
        (JsonTypes types, bool integer) = SchemaKeywords.TypesOf(schema);
        if ((types & JsonTypes.Number) != JsonTypes.None && integer)
            yield return Case(JsonTypes.Number) with { Numbers = new NumberFacts { IsNoInteger = true } };
        if (types != JsonTypes.All)
            yield return new SchemaCase { Types = JsonTypes.All & ~types };
    }

    private static NumberFacts Numbers(SchemaPlace schema, string keyword)
    {
        if (keyword == "multipleOf")
            return new NumberFacts { NoMultiples = [SchemaFacts.Divisor(schema)] };
        bool exclusive = keyword.StartsWith("exclusive", StringComparison.Ordinal);
        var bound = new DecimalBound(SchemaKeywords.Number(schema, keyword), !exclusive);
        return keyword is "minimum" or "exclusiveMinimum"
            ? new NumberFacts { High = bound }
            : new NumberFacts { Low = bound };
    }

    private static IEnumerable<SchemaCase> Strings(SchemaPlace schema, string keyword)
    {
        SchemaCase strings = Case(JsonTypes.String);
        if (keyword == "pattern")
            return [strings with { Strings = new StringFacts { NoPatterns = [SchemaKeywords.Text(schema, keyword)] } }];
        int count = SchemaKeywords.Count(schema, keyword);
        return keyword == "maxLength"
            ? [strings with { Strings = new StringFacts { Least = count + 1 } }]
            : count == 0 ? [] : [strings with { Strings = new StringFacts { Most = count - 1 } }];
    }

    private static IEnumerable<ArrayFacts> Arrays(SchemaPlace schema, string keyword)
    {
        switch (keyword)
        {
            case "minItems":
                int least = SchemaKeywords.Count(schema, keyword);
                return least == 0 ? [] : [new ArrayFacts { Most = least - 1 }];
            case "maxItems":
                return [new ArrayFacts { Least = SchemaKeywords.Count(schema, keyword) + 1 }];
            case "prefixItems":
                return SchemaKeywords.ListOf(schema, keyword).Items().Select((item, i) => new ArrayFacts
                {
                    Items = [new ItemRule(i, i + 1, new SchemaLiteral(item).Not, [])],
                    Least = i + 1,
                });
            case "items":
                var other = new SchemaLiteral(SchemaFacts.Items(schema)).Not;
                return [new ArrayFacts { Counts = [new ItemCount(SchemaFacts.PrefixOf(schema), other, 1, null)] }];
            case "contains":
                ItemCount count = SchemaFacts.Contains(schema);
                ItemCount[] fewer = count.Least > 0 ? [count with { Least = 0, Most = count.Least - 1 }] : [];
                ItemCount[] more = count.Most is int most ? [count with { Least = most + 1, Most = null }] : [];
                return fewer.Concat(more).Select(c => new ArrayFacts { Counts = [c] });
            default:
                return SchemaKeywords.Flag(schema, keyword) ? throw Unsupported(schema, keyword) : [];
        }
    }

    private static IEnumerable<ObjectFacts> Objects(SchemaPlace schema, string keyword)
    {
        switch (keyword)
        {
            case "minProperties":
                int least = SchemaKeywords.Count(schema, keyword);
                return least == 0 ? [] : [new ObjectFacts { Most = least - 1 }];
            case "maxProperties":
                return [new ObjectFacts { Least = SchemaKeywords.Count(schema, keyword) + 1 }];
            case "required":
                return SchemaKeywords.Names(schema, keyword).Select(name => SchemaFacts.Lacking(name).Objects);
            case "properties":
                return SchemaKeywords.Members(schema, keyword).Select(m => new ObjectFacts
                {
                    Properties = [new PropertyRule(NameSet.Of(m.Name), new SchemaLiteral(m.Place).Not)],
                    Required = [m.Name],
                });
            case "patternProperties":
                return SchemaKeywords.Members(schema, keyword).Select(m => new ObjectFacts
                {
                    Some = [new PropertyRule(new NameSet([], [m.Name]), new SchemaLiteral(m.Place).Not)],
                });
            default:
                var rest = new SchemaLiteral(schema.At(keyword));
                return [new ObjectFacts { Some = [new PropertyRule(SchemaFacts.Named(schema, keyword), rest.Not)] }];
        }
    }

    private static AtelierException Unsupported(SchemaPlace schema, string keyword) => SchemaKeywords.Wrong(schema,
        $"the opposite of '{keyword}' is not supported",
        "it arises inside not, if, and alternatives of oneOf that overlap: leave it out there");
}
