using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>Types of JSON values.</summary>
[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Number = 4,
    String = 8,
    Array = 16,
    Object = 32,
    All = 63,
}

/// <summary>What numbers satisfy.</summary>
internal sealed record NumberFacts
{
    public DecimalBound? Low { get; init; }

    public DecimalBound? High { get; init; }

    public bool IsInteger { get; init; }

    /// <summary>Whether integers are excluded.</summary>
    public bool IsNoInteger { get; init; }

    public IReadOnlyList<DecimalNumber> Multiples { get; init; } = [];

    /// <summary>The numbers must not be multiples of any of these.</summary>
    public IReadOnlyList<DecimalNumber> NoMultiples { get; init; } = [];

    public NumberFacts And(NumberFacts other) => new()
    {
        Low = Tighter(Low, other.Low, +1),
        High = Tighter(High, other.High, -1),
        IsInteger = IsInteger || other.IsInteger,
        IsNoInteger = IsNoInteger || other.IsNoInteger,
        Multiples = [.. Multiples.Union(other.Multiples)],
        NoMultiples = [.. NoMultiples.Union(other.NoMultiples)],
    };

    /// <summary>Whether evidently no number satisfies all.</summary>
    public bool IsContradictory => (IsInteger && IsNoInteger) || (Low is DecimalBound low && High is DecimalBound high
        && low.Value.ComparedTo(high.Value) >= (low.IsExclusive || high.IsExclusive ? 0 : 1));

    /// <summary>Returns whether a number satisfies all.</summary>
    public bool Allow(DecimalNumber number) =>
        (Low is not DecimalBound low || number.ComparedTo(low.Value) >= (low.IsExclusive ? 1 : 0))
        && (High is not DecimalBound high || number.ComparedTo(high.Value) <= (high.IsExclusive ? -1 : 0))
        && (!IsInteger || number.IsInteger) && !(IsNoInteger && number.IsInteger)
        && Multiples.All(number.IsMultipleOf) && !NoMultiples.Any(number.IsMultipleOf);

    private static DecimalBound? Tighter(DecimalBound? a, DecimalBound? b, int sign)
    {
        if ((a, b) is not (DecimalBound first, DecimalBound second))
            return a ?? b;
        int order = first.Value.ComparedTo(second.Value) * sign;
        return order > 0 || (order == 0 && first.IsExclusive) ? a : b;
    }
}

/// <summary>What strings satisfy. Lengths are in characters; patterns may match anywhere.</summary>
internal sealed record StringFacts
{
    public int Least { get; init; }

    public int? Most { get; init; }

    public IReadOnlyList<string> Patterns { get; init; } = [];

    public IReadOnlyList<string> NoPatterns { get; init; } = [];

    /// <summary>The names of formats.</summary>
    public IReadOnlyList<string> Formats { get; init; } = [];

    public StringFacts And(StringFacts other) => new()
    {
        Least = Math.Max(Least, other.Least),
        Most = Most is null || other.Most < Most ? other.Most : Most,
        Patterns = [.. Patterns.Union(other.Patterns)],
        NoPatterns = [.. NoPatterns.Union(other.NoPatterns)],
        Formats = [.. Formats.Union(other.Formats)],
    };
}

/// <summary>A condition on the items from one index up to another, which is excluded; null means the end.</summary>
/// <param name="From">The first index.</param>
/// <param name="To">The index after the last.</param>
/// <param name="Literal">The condition.</param>
/// <param name="Unless">The items that satisfy one of these are left out.</param>
internal sealed record ItemRule(int From, int? To, SchemaLiteral Literal, IReadOnlyList<SchemaLiteral> Unless);

/// <summary>How many of the items from one index on satisfy a condition.</summary>
internal sealed record ItemCount(int From, SchemaLiteral Literal, int Least, int? Most);

/// <summary>What arrays satisfy.</summary>
internal sealed record ArrayFacts
{
    public IReadOnlyList<ItemRule> Items { get; init; } = [];

    public IReadOnlyList<ItemCount> Counts { get; init; } = [];

    public int Least { get; init; }

    public int? Most { get; init; }

    public bool IsUnique { get; init; }

    /// <summary>Number of items at the beginning that keywords evaluated.</summary>
    public int Evaluated { get; init; }

    /// <summary>Items that satisfy one of these were evaluated too.</summary>
    public IReadOnlyList<SchemaLiteral> EvaluatedIf { get; init; } = [];

    public ArrayFacts And(ArrayFacts other) => new()
    {
        Items = [.. Items, .. other.Items],
        Counts = [.. Counts.Union(other.Counts)],
        Least = Math.Max(Least, other.Least),
        Most = Most is null || other.Most < Most ? other.Most : Most,
        IsUnique = IsUnique || other.IsUnique,
        Evaluated = Math.Max(Evaluated, other.Evaluated),
        EvaluatedIf = [.. EvaluatedIf.Union(other.EvaluatedIf)],
    };
}

/// <summary>A condition on the values of the properties with some names.</summary>
internal sealed record PropertyRule(NameSet Names, SchemaLiteral Literal);

/// <summary>What objects satisfy.</summary>
internal sealed record ObjectFacts
{
    public IReadOnlyList<PropertyRule> Properties { get; init; } = [];

    public IReadOnlyCollection<string> Required { get; init; } = [];

    /// <summary>
    /// At least one property must have one of the names, and its value must satisfy the condition.
    /// </summary>
    public IReadOnlyList<PropertyRule> Some { get; init; } = [];

    /// <summary>Conditions on the names of all properties.</summary>
    public IReadOnlyList<SchemaLiteral> Names { get; init; } = [];

    public int Least { get; init; }

    public int? Most { get; init; }

    /// <summary>The names that keywords evaluated.</summary>
    public IReadOnlyList<NameSet> Evaluated { get; init; } = [];

    public ObjectFacts And(ObjectFacts other) => new()
    {
        Properties = [.. Properties, .. other.Properties],
        Required = Required.Count == 0 ? other.Required : [.. Required.Union(other.Required)],
        Some = [.. Some, .. other.Some],
        Names = [.. Names.Union(other.Names)],
        Least = Math.Max(Least, other.Least),
        Most = Most is null || other.Most < Most ? other.Most : Most,
        Evaluated = [.. Evaluated, .. other.Evaluated],
    };
}

/// <summary>
/// A conjunction of conditions on a value. A schema is a disjunction of cases: facts about numbers hold for numbers
/// only, and so on.
/// </summary>
internal sealed record SchemaCase
{
    /// <summary>The case of all values.</summary>
    public static SchemaCase Any { get; } = new();

    public JsonTypes Types { get; init; } = JsonTypes.All;

    /// <summary>Whether a schema named the types; otherwise only those that keywords apply to are generated.</summary>
    public bool IsTyped { get; init; }

    /// <summary>The types that keywords apply to.</summary>
    public JsonTypes Implied { get; init; }

    /// <summary>The only null, booleans, numbers and strings that are allowed, by <see cref="KeyOf"/>.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Allowed { get; init; }

    /// <summary>The null, booleans, numbers and strings that are excluded.</summary>
    public IReadOnlyDictionary<string, JsonElement> Excluded { get; init; } = new Dictionary<string, JsonElement>();

    public NumberFacts Numbers { get; init; } = new();

    public StringFacts Strings { get; init; } = new();

    public ArrayFacts Arrays { get; init; } = new();

    public ObjectFacts Objects { get; init; } = new();

    /// <summary>Returns the values of both cases, or null if there are none.</summary>
    public SchemaCase? And(SchemaCase other)
    {
        if (ReferenceEquals(this, Any) || ReferenceEquals(other, Any))
            return ReferenceEquals(this, Any) ? other : this;
        IReadOnlyDictionary<string, JsonElement>? allowed = (Allowed, other.Allowed) switch
        {
            (null, _) => other.Allowed,
            (_, null) => Allowed,
            _ => Allowed.Where(a => other.Allowed.ContainsKey(a.Key)).ToDictionary(),
        };
        IReadOnlyDictionary<string, JsonElement> excluded = Excluded.Count == 0 ? other.Excluded
            : other.Excluded.Count == 0 ? Excluded : Excluded.UnionBy(other.Excluded, e => e.Key).ToDictionary();
        JsonTypes types = Types & other.Types;
        if (allowed is not null && !allowed.All(IsPossible))
            allowed = allowed.Where(IsPossible).ToDictionary();
        NumberFacts numbers = Numbers.And(other.Numbers);
        if (numbers.IsContradictory)
            types &= ~JsonTypes.Number;
        var both = new SchemaCase
        {
            Types = types,
            IsTyped = IsTyped || other.IsTyped,
            Implied = Implied | other.Implied,
            Allowed = allowed,
            Excluded = excluded,
            Numbers = numbers,
            Strings = Strings.And(other.Strings),
            Arrays = Arrays.And(other.Arrays),
            Objects = Objects.And(other.Objects),
        };
        return types == JsonTypes.None || allowed?.Count == 0 ? null : both;

        bool IsPossible(KeyValuePair<string, JsonElement> value) =>
            !excluded.ContainsKey(value.Key) && (TypeOf(value.Value) & Types & other.Types) != JsonTypes.None;
    }

    /// <summary>Returns the case as one that has evaluated nothing, as inside a negation.</summary>
    public SchemaCase WithoutEvaluated() => Arrays.Evaluated == 0 && Arrays.EvaluatedIf.Count == 0
        && Objects.Evaluated.Count == 0 ? this : this with
        {
            Arrays = Arrays with { Evaluated = 0, EvaluatedIf = [] },
            Objects = Objects with { Evaluated = [] },
        };

    /// <summary>Returns the case with a condition on the properties that no keyword has evaluated.</summary>
    public SchemaCase WithUnevaluatedProperties(SchemaLiteral rest)
    {
        if (Objects.Evaluated.Any(e => e.IsComplement))
            return this;
        var others = new NameSet(Objects.Evaluated.SelectMany(e => e.Names).ToHashSet(),
            [.. Objects.Evaluated.SelectMany(e => e.Patterns).Distinct()], IsComplement: true);
        return this with
        {
            Implied = Implied | JsonTypes.Object,
            Objects = Objects with
            {
                Properties = [.. Objects.Properties, new PropertyRule(others, rest)],
                Evaluated = [NameSet.All],
            },
        };
    }

    /// <summary>Returns the case with a condition on the items that no keyword has evaluated.</summary>
    public SchemaCase WithUnevaluatedItems(SchemaLiteral rest) => Arrays.Evaluated == int.MaxValue ? this : this with
    {
        Implied = Implied | JsonTypes.Array,
        Arrays = Arrays with
        {
            Items = [.. Arrays.Items, new ItemRule(Arrays.Evaluated, null, rest, Arrays.EvaluatedIf)],
            Evaluated = int.MaxValue,
        },
    };

    /// <summary>Returns a text that is the same for equal primitive values only.</summary>
    public static string KeyOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => $"\"{value.GetString()}",
        JsonValueKind.Number => DecimalNumber.Parse(value.GetRawText())?.ToString() ?? value.GetRawText(),
        _ => value.GetRawText(),
    };

    /// <summary>Returns the type of a value.</summary>
    public static JsonTypes TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => JsonTypes.Object,
        JsonValueKind.Array => JsonTypes.Array,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Number => JsonTypes.Number,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        _ => JsonTypes.Null,
    };
}
