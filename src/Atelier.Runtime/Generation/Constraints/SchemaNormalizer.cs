using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>
/// Brings schemas into disjunctive normal form: a value satisfies a schema if it satisfies one of its cases. Negations
/// are pushed inwards, down to the facts of single keywords.
/// </summary>
/// <param name="references">Resolves the references of the schemas.</param>
internal sealed class SchemaNormalizer(JsonReferences references)
{
    private const int MostCases = 6_000; // of one schema: more than the 5,000 values that an enumeration may have
    private const int MostSteps = 100_000; // of all conjunctions together: a fraction of a second
    private const int DeepestProbe = 4;
    private const int DeepestSchema = 256; // references included
    private const int MostCombined = 4; // alternatives of anyOf of which all combinations are considered

    private readonly Dictionary<string, IReadOnlyList<SchemaCase>> _known = [];
    private readonly Dictionary<string, bool> _void = [];
    private readonly HashSet<string> _open = [];
    private int _steps;
    private int _probes;
    private bool _tainted; // whether a probe met a schema that is being read, and took it for one that allows all

    /// <summary>The automata of the patterns of names.</summary>
    public SchemaPatterns Patterns { get; } = new();

    /// <summary>Returns the cases of the values that satisfy all of several conditions.</summary>
    /// <exception cref="AtelierException">A schema is wrong or not supported, refers to itself directly, or has too
    /// many cases.</exception>
    public IReadOnlyList<SchemaCase> CasesOf(IEnumerable<SchemaLiteral> conditions)
    {
        IReadOnlyList<SchemaCase> cases = [SchemaCase.Any];
        foreach (SchemaLiteral condition in conditions)
            cases = And(cases, CasesOf(condition), condition.Place);
        return cases;
    }

    private IReadOnlyList<SchemaCase> CasesOf(SchemaLiteral literal)
    {
        if (literal.IsAlways is bool always)
            return always ? [SchemaCase.Any] : [];
        if (_known.TryGetValue(literal.Key, out IReadOnlyList<SchemaCase>? known))
            return known;
        if (_open.Contains(literal.Key))
        {
            if (_probes == 0)
                throw SchemaKeywords.Wrong(literal.Place, "a rule starts with itself",
                    "a $ref must not refer directly to itself");
            _tainted = true;
            return [SchemaCase.Any];
        }
        if (_open.Count > DeepestSchema)
            throw SchemaKeywords.Wrong(literal.Place, "schemas are nested too deeply",
                $"at most {DeepestSchema} may lead to one another by $ref");
        bool wasTainted = _tainted;
        _tainted = false;
        _open.Add(literal.Key);
        IReadOnlyList<SchemaCase> cases = (literal.IsConstant, literal.IsNegated) switch
        {
            (true, false) => [SchemaConstants.Equal(literal.Place)],
            (true, true) => [.. SchemaConstants.Different(literal.Place)],
            (false, false) => Positive(literal.Place),
            (false, true) => Negative(literal.Place),
        };
        _open.Remove(literal.Key);
        if (!_tainted)
            _known.Add(literal.Key, cases);
        _tainted |= wasTainted;
        return cases;
    }

    private IReadOnlyList<SchemaCase> Positive(SchemaPlace schema)
    {
        IReadOnlyList<string> keywords = KeywordsOf(schema);
        IReadOnlyList<SchemaCase> cases = [SchemaCase.Any];
        foreach (string keyword in keywords)
            cases = And(cases, Stated(schema, keyword), schema);
        if (keywords.Contains("unevaluatedProperties"))
        {
            var rest = new SchemaLiteral(schema.At("unevaluatedProperties"));
            cases = [.. cases.Select(c => c.WithUnevaluatedProperties(rest))];
        }
        if (keywords.Contains("unevaluatedItems"))
        {
            var rest = new SchemaLiteral(schema.At("unevaluatedItems"));
            cases = [.. cases.Select(c => c.WithUnevaluatedItems(rest))];
        }
        return [.. cases.Select(Simplified).OfType<SchemaCase>()];
    }

    private IReadOnlyList<SchemaCase> Negative(SchemaPlace schema)
    {
        var cases = new List<SchemaCase>();
        foreach (string keyword in KeywordsOf(schema))
            cases.AddRange(Denied(schema, keyword).Select(c => c.WithoutEvaluated()));
        return Checked(cases, schema);
    }

    private static IReadOnlyList<string> KeywordsOf(SchemaPlace schema) =>
        schema.Element.ValueKind == JsonValueKind.Object ? SchemaKeywords.Of(schema)
            : throw SchemaKeywords.Wrong(schema, "a schema must be an object, true or false");

    /// <summary>Returns the cases of the values that satisfy a keyword.</summary>
    private IReadOnlyList<SchemaCase> Stated(SchemaPlace schema, string keyword)
    {
        switch (keyword)
        {
            case "const" or "enum":
                return Constants(schema, keyword);
            case "$ref" or "$dynamicRef":
                return CasesOf(new SchemaLiteral(Target(schema, keyword)));
            case "allOf":
                return CasesOf(SchemaKeywords.Schemas(schema, keyword));
            case "anyOf":
                return AnyOf(SchemaKeywords.Schemas(schema, keyword), schema);
            case "oneOf":
                return OneOf(SchemaKeywords.Schemas(schema, keyword), schema);
            case "not":
                return [.. CasesOf(new SchemaLiteral(schema.At(keyword)).Not).Select(c => c.WithoutEvaluated())];
            case "if":
                (SchemaLiteral condition, SchemaLiteral then, SchemaLiteral otherwise) = Conditional(schema);
                return then.IsAlways == true && otherwise.IsAlways == true && !references.TracksEvaluated
                    ? [SchemaCase.Any]
                    : Checked([.. CasesOf([condition, then]), .. CasesOf([condition.Not, otherwise])], schema);
            case "then" or "else" or "nullable":
                return [SchemaCase.Any];
            case "dependentRequired" or "dependentSchemas":
                IReadOnlyList<SchemaCase> cases = [SchemaCase.Any];
                foreach ((string name, SchemaPlace place) in SchemaKeywords.Members(schema, keyword))
                {
                    cases = And(cases, [SchemaFacts.Without(name), .. keyword == "dependentSchemas"
                        ? And([SchemaFacts.With([name])], CasesOf(new SchemaLiteral(place)), schema)
                        : [SchemaFacts.With([name, .. SchemaKeywords.Names(place)])]], schema);
                }
                return cases;
            default:
                return [SchemaFacts.Of(schema, keyword)];
        }
    }

    /// <summary>Returns the cases of the values that do not satisfy a keyword.</summary>
    private IReadOnlyList<SchemaCase> Denied(SchemaPlace schema, string keyword)
    {
        switch (keyword)
        {
            case "const" or "enum":
                IReadOnlyList<SchemaPlace> constants = SchemaKeywords.Constants(schema, keyword);
                IReadOnlyList<SchemaCase> others =
                    [SchemaConstants.Except(constants.Where(c => !IsCompound(c)).Select(c => c.Element))];
                foreach (SchemaPlace constant in constants.Where(IsCompound))
                    others = And(others, [.. SchemaConstants.Different(constant)], schema);
                return others;
            case "$ref" or "$dynamicRef":
                return CasesOf(new SchemaLiteral(Target(schema, keyword)).Not);
            case "allOf":
                return [.. SchemaKeywords.Schemas(schema, keyword).SelectMany(s => CasesOf(s.Not))];
            case "anyOf":
                return CasesOf(SchemaKeywords.Schemas(schema, keyword).Select(s => s.Not));
            case "oneOf":
                SchemaLiteral[] all = SchemaKeywords.Schemas(schema, keyword);
                var none = CasesOf(all.Select(s => s.Not)).ToList();
                for (int i = 0; i < all.Length; i++)
                {
                    for (int j = 0; j < i; j++)
                        none.AddRange(CasesOf([all[j], all[i]]));
                }
                return Checked(none, schema);
            case "not":
                return CasesOf(new SchemaLiteral(schema.At(keyword)));
            case "if":
                (SchemaLiteral condition, SchemaLiteral then, SchemaLiteral otherwise) = Conditional(schema);
                return Checked([.. CasesOf([condition, then.Not]), .. CasesOf([condition.Not, otherwise.Not])], schema);
            case "then" or "else" or "nullable":
                return [];
            case "propertyNames":
                var names = new SchemaLiteral(schema.At(keyword));
                string key = Patterns.Add(names.Key, StringTexts.Automaton(CasesOf(names), Patterns));
                return [SchemaNegation.Property(new NameSet([], [key], IsComplement: true))];
            case "dependentRequired":
                return [.. SchemaKeywords.Members(schema, keyword).SelectMany(m => SchemaKeywords.Names(m.Place)
                    .SelectMany(other => And([SchemaFacts.With([m.Name])], [SchemaFacts.Lacking(other)], schema)))];
            case "dependentSchemas":
                return [.. SchemaKeywords.Members(schema, keyword).SelectMany(m => And(
                    [SchemaFacts.With([m.Name]) with { Types = JsonTypes.Object }],
                    CasesOf(new SchemaLiteral(m.Place).Not), schema))];
            default:
                return [.. SchemaNegation.Of(schema, keyword)];
        }
    }

    private IReadOnlyList<SchemaCase> Constants(SchemaPlace schema, string keyword)
    {
        IReadOnlyList<SchemaPlace> constants = SchemaKeywords.Constants(schema, keyword);
        JsonElement[] simple = [.. constants.Where(c => !IsCompound(c)).Select(c => c.Element)];
        IEnumerable<SchemaCase> compound = constants.Where(IsCompound).Select(SchemaConstants.Equal);
        return Checked(simple.Length > 0 ? [SchemaConstants.OneOf(simple), .. compound] : [.. compound], schema);
    }

    /// <summary>
    /// Returns the cases of anyOf. Where evaluated properties or items matter, a value that satisfies several
    /// alternatives has been evaluated by all of them, so combinations are cases too.
    /// </summary>
    private IReadOnlyList<SchemaCase> AnyOf(SchemaLiteral[] all, SchemaPlace schema)
    {
        if (!references.TracksEvaluated || all.Length > MostCombined)
            return Checked([.. all.SelectMany(CasesOf)], schema);
        var cases = new List<SchemaCase>();
        for (int chosen = 1; chosen < 1 << all.Length; chosen++)
            cases.AddRange(CasesOf(all.Where((_, i) => (chosen >> i & 1) != 0)));
        return Checked(cases, schema);
    }

    /// <summary>
    /// Returns the cases of oneOf: those of each alternative without the values of those others that overlap with it.
    /// </summary>
    private IReadOnlyList<SchemaCase> OneOf(SchemaLiteral[] all, SchemaPlace schema)
    {
        var cases = new List<SchemaCase>();
        foreach (SchemaLiteral one in all)
        {
            IEnumerable<SchemaLiteral> overlapping =
                all.Where(other => !ReferenceEquals(other, one) && !IsVoid([one, other]));
            cases.AddRange(CasesOf([one, .. overlapping.Select(other => other.Not)]));
        }
        return Checked(cases, schema);
    }

    private static (SchemaLiteral If, SchemaLiteral Then, SchemaLiteral Else) Conditional(SchemaPlace schema)
    {
        return (new SchemaLiteral(schema.At("if")), Branch("then"), Branch("else"));

        SchemaLiteral Branch(string keyword) => schema.Element.TryGetProperty(keyword, out _)
            ? new SchemaLiteral(schema.At(keyword)) : SchemaLiteral.True;
    }

    private SchemaPlace Target(SchemaPlace schema, string keyword)
    {
        string reference = SchemaKeywords.Text(schema, keyword);
        if (references.Find(schema, reference) is not SchemaPlace target)
            throw SchemaKeywords.Wrong(schema, $"'{reference}' is not in this schema",
                "references point to locations in the document: #/$defs/name");
        return keyword == "$ref" || references.FindDynamic(schema, reference) is not null ? target
            : throw SchemaKeywords.Wrong(schema, $"the $dynamicRef '{reference}' leads to several schemas",
                "refer to one of them with $ref");
    }

    private static bool IsCompound(SchemaPlace constant) =>
        constant.Element.ValueKind is JsonValueKind.Array or JsonValueKind.Object;

    private IReadOnlyList<SchemaCase> And(IReadOnlyList<SchemaCase> some, IReadOnlyList<SchemaCase> others,
        SchemaPlace schema)
    {
        if (some is [var one] && ReferenceEquals(one, SchemaCase.Any))
            return others;
        if (others is [var other] && ReferenceEquals(other, SchemaCase.Any))
            return some;
        var cases = new List<SchemaCase>();
        foreach (SchemaCase a in some)
        {
            foreach (SchemaCase b in others)
            {
                if (++_steps > MostSteps)
                    throw TooMany(schema);
                if (a.And(b) is { } both && Simplified(both) is { } possible)
                    cases.Add(possible);
            }
            Checked(cases, schema);
        }
        return cases;
    }

    /// <summary>
    /// Returns a case without objects if no object satisfies it because of a required property, or null if nothing
    /// remains. Such cases are dropped early, since alternatives would multiply them.
    /// </summary>
    private SchemaCase? Simplified(SchemaCase @case)
    {
        if ((@case.Types & JsonTypes.Object) == JsonTypes.None || !@case.Objects.Required.Any(IsImpossible))
            return @case;
        JsonTypes rest = @case.Types & ~JsonTypes.Object;
        return rest == JsonTypes.None ? null : @case with { Types = rest, Objects = new ObjectFacts() };

        bool IsImpossible(string name)
        {
            SchemaLiteral[] conditions = [.. @case.Objects.Properties.Where(p => p.Names.Contains(name, Patterns))
                .Select(p => p.Literal).Distinct()];
            return conditions.Any(c => c.IsAlways == false) || (conditions.Length > 1 && IsVoid(conditions));
        }
    }

    /// <summary>Returns whether it is evident that no value satisfies all conditions.</summary>
    private bool IsVoid(IReadOnlyList<SchemaLiteral> conditions)
    {
        string key = string.Join('\n', conditions.Select(c => c.Key).Order(StringComparer.Ordinal));
        if (_void.TryGetValue(key, out bool known))
            return known;
        if (_probes == DeepestProbe)
        {
            _tainted = true;
            return false;
        }
        bool wasTainted = _tainted;
        _tainted = false;
        _probes++;
        bool isVoid = CasesOf(conditions).Count == 0;
        _probes--;
        if (!_tainted)
            _void.Add(key, isVoid);
        _tainted = wasTainted || (_probes > 0 && _tainted);
        return isVoid;
    }

    private static IReadOnlyList<SchemaCase> Checked(IReadOnlyList<SchemaCase> cases, SchemaPlace schema) =>
        cases.Count <= MostCases ? cases : throw TooMany(schema);

    private static AtelierException TooMany(SchemaPlace schema) => SchemaKeywords.Wrong(schema,
        "the alternatives combine to too many cases",
        "tell those of oneOf apart by type, or by a required property with another const in each; use fewer of not, if "
        + "and anyOf in one allOf");
}
