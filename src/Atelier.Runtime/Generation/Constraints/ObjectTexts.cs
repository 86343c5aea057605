namespace Atelier.Generation.Constraints;

/// <summary>
/// Builds expressions for objects: a graph whose states are the properties so far and what they leave to be satisfied.
/// A few known properties may come in any order, more come in the order of the schema. Properties with free names come
/// once the required ones are there, or after all known ones if the order is fixed.
/// </summary>
internal sealed class ObjectTexts(SchemaTranslator translator, ObjectFacts facts)
{
    private const int MostInAnyOrder = 6;
    private const int MostKnown = 500;
    private const int MostWitnessed = 4;

    private readonly SchemaPatterns _patterns = translator.Normalizer.Patterns;
    private readonly List<string> _names = []; // known names, in the order of the schema
    private readonly Dictionary<(object Name, int Before, int Witnesses), RuleReference> _members = [];
    private IReadOnlyList<FreeNames> _free = [];
    private int _least;
    private int? _most;
    private bool _anyOrder;

    /// <summary>Returns the expression of the objects.</summary>
    /// <exception cref="AtelierException">There are too many properties or states.</exception>
    public Expression Build()
    {
        if (facts.Some.Count > MostWitnessed)
            throw Refused("more than 4 opposites of patternProperties or additionalProperties meet in one object",
                "use fewer of not, if, and alternatives of oneOf that overlap");
        IEnumerable<string> known = facts.Properties.Concat(facts.Some).SelectMany(p => p.Names.Names)
            .Concat(facts.Required).Distinct();
        CharacterAutomaton? names = facts.Names.Count == 0 ? null
            : StringTexts.Automaton(translator.Normalizer.CasesOf(facts.Names), _patterns);
        _names.AddRange(known.Where(name => (names is null || names.Accepts(name)) && IsPossible(name)));
        if (facts.Required.Any(name => !_names.Contains(name)))
            return Expression.Nothing;
        if (_names.Count > MostKnown)
            throw Refused($"{_names.Count} properties are too many", $"at most {MostKnown} are supported");
        _free = FreeNames.Of(facts, [.. known], names, _patterns);
        if (!translator.EveryValue && facts.Least <= _names.Count)
            _free = [.. _free.Where(f => IsMentioned(f))];
        _least = facts.Least <= facts.Required.Count ? 0 : facts.Least;
        _most = _free.Count > 0 || facts.Most < _names.Count ? facts.Most : null;
        if (_least > _most || facts.Most < facts.Required.Count)
            return Expression.Nothing;
        _anyOrder = _names.Count <= MostInAnyOrder;
        var graph = new GraphBuilder<State>(translator.Count);
        return JsonText.Listed('{', graph.Build(new State(), Edges, IsEnd), '}');
    }

    private static AtelierException Refused(string what, string hint) => new(what, "schema", hint);

    private bool IsPossible(string name) => Conditions(name).All(c => c.IsAlways != false);

    private IEnumerable<SchemaLiteral> Conditions(string name) =>
        facts.Properties.Where(p => p.Names.Contains(name, _patterns)).Select(p => p.Literal);

    /// <summary>
    /// Returns whether the schema mentions properties with these names, or mentions no properties at all. People do not
    /// expect others, although most schemas allow them.
    /// </summary>
    private bool IsMentioned(FreeNames free) => (facts.Properties.Count == 0 && facts.Required.Count == 0)
        || facts.Properties.Concat(facts.Some).Any(p => free.AreIn(p.Names));

    private bool IsEnd(State state) =>
        HasRequired(state) && state.Count >= _least && state.Witnessed == (1 << facts.Some.Count) - 1;

    private bool HasRequired(State state)
    {
        for (int i = 0; i < _names.Count; i++)
        {
            if (facts.Required.Contains(_names[i]) && !(_anyOrder ? (state.Seen >> i & 1) != 0 : i < state.Seen))
                return false;
        }
        return true;
    }

    private IEnumerable<(Expression, State)> Edges(State state)
    {
        bool isFull = state.Count == _most;
        for (int i = 0; i < _names.Count && !isFull; i++)
        {
            if (_anyOrder ? (state.Seen >> i & 1) != 0 : i != state.Seen)
                continue;
            int seen = _anyOrder ? state.Seen | 1 << i : i + 1;
            foreach (int witnesses in Witnesses(state, p => p.Contains(_names[i], _patterns)))
                yield return (Begun(Known(i, witnesses), state.Begun), After(state, witnesses) with { Seen = seen });
        }
        if (!_anyOrder && state.Seen < _names.Count)
        {
            if (!facts.Required.Contains(_names[state.Seen]))
                yield return (Expression.Empty, state with { Seen = state.Seen + 1 });
            yield break;
        }
        if (isFull || !(translator.EveryValue || HasRequired(state)))
            yield break;
        foreach (FreeNames free in _free)
        {
            foreach (int witnesses in Witnesses(state, free.AreIn))
            {
                // A later property with the same name would replace one that an opposite needs, so it satisfies that
                // too.
                int all = witnesses | Enumerable.Range(0, facts.Some.Count)
                    .Where(s => !translator.EveryValue && (state.Witnessed >> s & 1) != 0
                        && free.AreIn(facts.Some[s].Names))
                    .Aggregate(0, (bits, s) => bits | 1 << s);
                State after = After(state, witnesses) with { Free = Math.Min(state.Free + 1, Distinct) };
                yield return (Begun(Free(free, Math.Min(state.Free, Distinct), all), state.Begun), after);
            }
        }
    }

    /// <summary>
    /// Number of properties with free names that must differ, since only different names count towards a minimum.
    /// </summary>
    private int Distinct => _least > 1 && !translator.EveryValue ? _least : 0;

    private State After(State state, int witnesses) => state with
    {
        Begun = true,
        Count = Math.Min(state.Count + 1, _most ?? _least),
        Witnessed = state.Witnessed | witnesses,
    };

    /// <summary>
    /// Returns the sets, as bits, of the opposites that a property with some names may satisfy next, the empty one
    /// included.
    /// </summary>
    private IEnumerable<int> Witnesses(State state, Func<NameSet, bool> areIn)
    {
        int possible = 0;
        for (int i = 0; i < facts.Some.Count; i++)
        {
            if ((state.Witnessed >> i & 1) == 0 && areIn(facts.Some[i].Names))
                possible |= 1 << i;
        }
        for (int some = possible; ; some = (some - 1) & possible)
        {
            yield return some;
            if (some == 0)
                yield break;
        }
    }

    private IEnumerable<SchemaLiteral> Witnessed(int witnesses) =>
        facts.Some.Where((_, i) => (witnesses >> i & 1) != 0).Select(p => p.Literal);

    private RuleReference Known(int name, int witnesses) => Member((name, 0, witnesses),
        () => JsonText.Quoted(Expression.Literal(_names[name])),
        [.. Conditions(_names[name]), .. Witnessed(witnesses)]);

    private RuleReference Free(FreeNames names, int before, int witnesses) =>
        Member((names, before, witnesses), () => names.Texts(before, Distinct),
            [.. facts.Properties.Where(p => names.AreIn(p.Names)).Select(p => p.Literal), .. Witnessed(witnesses)]);

    /// <summary>
    /// Returns a name and its value as a rule, since many states lead on with the same.
    /// </summary>
    private RuleReference Member((object, int, int) key, Func<Expression> name, SchemaLiteral[] conditions)
    {
        if (!_members.TryGetValue(key, out RuleReference? member))
        {
            member = translator.Rule(Expression.Of(name(), JsonText.Colon, translator.ValueOf(conditions)));
            _members.Add(key, member);
        }
        return member;
    }

    private static Expression Begun(Expression member, bool begun) =>
        begun ? Expression.Of(JsonText.Comma, member) : member;

    /// <summary>
    /// A state: the known properties so far, as bits or as the number of those that were decided on; how many
    /// properties and free names there are, as far as that matters; and the opposites that were satisfied.
    /// </summary>
    private readonly record struct State(int Seen, int Count, int Free, int Witnessed, bool Begun);
}
