namespace Atelier.Generation.Constraints;

/// <summary>
/// Translates schemas in normal form into a grammar, with one rule for each conjunction of conditions that a value has
/// to satisfy. Conjunctions are named by their places, so recursion through references ends.
/// </summary>
/// <param name="normalizer">Brings conditions into normal form.</param>
/// <param name="everyValue">Whether types and properties that the schema does not mention are generated too.</param>
internal sealed class SchemaTranslator(SchemaNormalizer normalizer, bool everyValue)
{
    private const int MostRules = 20_000;

    private readonly List<Expression> _rules = [];
    private readonly Dictionary<string, int> _ruleOf = [];
    private readonly Queue<(int Rule, SchemaLiteral[] Conditions)> _open = [];
    private int? _anyValue;
    private int _parts;

    /// <summary>The cases of conditions, and the automata of patterns.</summary>
    public SchemaNormalizer Normalizer => normalizer;

    /// <summary>Whether types and properties that the schema does not mention are generated too.</summary>
    public bool EveryValue => everyValue;

    /// <summary>Returns the grammar of a schema.</summary>
    /// <exception cref="AtelierException">The schema is wrong, not supported or too large.</exception>
    public Grammar Translate(SchemaPlace root)
    {
        _rules.Add(Expression.Nothing);
        _rules[0] = ValueOf([new SchemaLiteral(root)]);
        while (_open.TryDequeue(out (int Rule, SchemaLiteral[] Conditions) next))
        {
            _rules[next.Rule] = new Choice([.. normalizer.CasesOf(next.Conditions).Select(Translate)]);
        }
        return new Grammar(_rules);
    }

    /// <summary>Returns an expression for the values that satisfy all of several conditions.</summary>
    public Expression ValueOf(IEnumerable<SchemaLiteral> conditions)
    {
        SchemaLiteral[] all = [.. conditions.Where(c => c.IsAlways != true).DistinctBy(c => c.Key)
            .OrderBy(c => c.Key, StringComparer.Ordinal)];
        if (all.Length == 0)
            return AnyValue();
        if (all.Any(c => c.IsAlways == false))
            return Expression.Nothing;
        string key = string.Join('\n', all.Select(c => c.Key));
        if (!_ruleOf.TryGetValue(key, out int rule))
        {
            _ruleOf.Add(key, rule = Rule(Expression.Nothing).Rule);
            _open.Enqueue((rule, all));
        }
        return new RuleReference(rule);
    }

    /// <summary>Adds a rule.</summary>
    /// <exception cref="AtelierException">There are too many.</exception>
    public RuleReference Rule(Expression expression)
    {
        if (_rules.Count == MostRules)
            throw TooLarge();
        _rules.Add(expression);
        return new RuleReference(_rules.Count - 1);
    }

    /// <summary>Counts states and edges of graphs, whose number is limited.</summary>
    /// <exception cref="AtelierException">There are too many.</exception>
    public void Count(int parts)
    {
        if ((_parts += parts) > ByteNetwork.MostParts)
            throw TooLarge();
    }

    private static AtelierException TooLarge() =>
        new($"the constraint needs more than {ByteNetwork.MostParts} states", "schema",
            "use smaller counts, and fewer alternatives that overlap");

    private Expression Translate(SchemaCase @case)
    {
        if (ReferenceEquals(@case, SchemaCase.Any))
            return AnyValue();
        if (@case.Allowed is not null)
            return SchemaValues.Choice([.. SchemaValues.Allowed(@case, normalizer.Patterns)]);
        JsonTypes types = @case.Types;
        if (!everyValue && !@case.IsTyped && (types & @case.Implied) != JsonTypes.None)
            types &= @case.Implied;
        var options = new List<Expression>();
        if ((types & JsonTypes.Null) != JsonTypes.None && !@case.Excluded.ContainsKey("null"))
            options.Add(JsonText.Null);
        if ((types & JsonTypes.Boolean) != JsonTypes.None && !@case.Excluded.ContainsKey("true"))
            options.Add(JsonText.True);
        if ((types & JsonTypes.Boolean) != JsonTypes.None && !@case.Excluded.ContainsKey("false"))
            options.Add(JsonText.False);
        if ((types & JsonTypes.Number) != JsonTypes.None)
            options.Add(NumberTexts.Of(@case));
        if ((types & JsonTypes.String) != JsonTypes.None)
            options.Add(StringTexts.Of(@case, normalizer.Patterns));
        if ((types & JsonTypes.Array) != JsonTypes.None)
            options.Add(new ArrayTexts(this, @case.Arrays).Build());
        if ((types & JsonTypes.Object) != JsonTypes.None)
            options.Add(new ObjectTexts(this, @case.Objects).Build());
        return new Choice(options);
    }

    private RuleReference AnyValue()
    {
        if (_anyValue is int known)
            return new RuleReference(known);
        var any = new RuleReference(_rules.Count);
        _anyValue = any.Rule;
        _rules.Add(new Choice(
        [
            JsonText.Null, JsonText.True, JsonText.False, JsonText.Number, JsonText.String(),
            JsonText.Listed('[', JsonText.CommaSeparated(any, 0, null), ']'),
            JsonText.Listed('{',
                JsonText.CommaSeparated(Expression.Of(JsonText.String(), JsonText.Colon, any), 0, null), '}'),
        ]));
        return any;
    }
}
