namespace Atelier.Generation.Constraints;

/// <summary>
/// Names of properties that a schema does not list, all matched by the same of its patterns.
/// </summary>
internal sealed class FreeNames
{
    private const int Most = 64; // combinations of patterns

    private readonly IReadOnlyList<string> _patterns; // those that match
    private readonly CharacterAutomaton? _automaton; // null if only names of the schema are excluded
    private readonly IReadOnlyCollection<string> _known;

    private FreeNames(IReadOnlyList<string> patterns, CharacterAutomaton? automaton,
        IReadOnlyCollection<string> known) => (_patterns, _automaton, _known) = (patterns, automaton, known);

    /// <summary>
    /// Returns the free names by the patterns that match them, without those that no object may have.
    /// </summary>
    /// <exception cref="AtelierException">Too many combinations of patterns are possible.</exception>
    public static IReadOnlyList<FreeNames> Of(ObjectFacts facts, IReadOnlyCollection<string> known,
        CharacterAutomaton? names, SchemaPatterns automata)
    {
        string[] patterns =
            [.. facts.Properties.Concat(facts.Some).SelectMany(p => p.Names.Patterns).Distinct()];
        List<FreeNames> all;
        if (patterns.Length == 0 && names is null)
        {
            all = [new FreeNames([], null, known)];
        }
        else
        {
            CharacterAutomaton free = names ?? CharacterAutomaton.All;
            if (known.Count > 0)
                free = free.Except(CharacterAutomaton.Of(TextList.ToExpression(known)));
            all = [new FreeNames([], free, known)];
            foreach (string pattern in patterns)
            {
                all = [.. all.SelectMany(f => f.Split(pattern, automata.Of(pattern)))];
                if (all.Count > Most)
                    throw new AtelierException($"names match more than {Most} combinations of patterns", "schema",
                        "use fewer patternProperties");
            }
        }
        return [.. all.Where(f => f._automaton is not { IsEmpty: true }
            && !facts.Properties.Any(p => p.Literal.IsAlways == false && f.AreIn(p.Names)))];
    }

    /// <summary>Returns whether all of the names are in a set.</summary>
    public bool AreIn(NameSet set) => set.IsComplement != set.Patterns.Any(_patterns.Contains);

    /// <summary>Returns an expression for the names in quotes.</summary>
    /// <param name="index">The number of free names before.</param>
    /// <param name="distinct">How many of the first names must differ. They begin with different characters.</param>
    public Expression Texts(int index, int distinct) => index < distinct ? Beginning(index, distinct) : Texts();

    private Expression Texts() => _automaton is null ? JsonText.StringExcept(_known)
        : JsonText.Quoted(_automaton.ToExpression());

    private Expression Beginning(int index, int distinct)
    {
        // the printable characters of ASCII are dealt out; all others belong to the last name
        const char first = '!', last = '~';
        if (distinct > last - first)
            throw new AtelierException($"minProperties needs {distinct} names that the schema does not list", "schema",
                $"at most {last - first} are supported");
        IEnumerable<(int, int)> dealt = Enumerable.Range(first, last - first + 1)
            .Where(c => (c - first) % distinct == index).Select(c => (c, c));
        if (index == distinct - 1)
            dealt = dealt.Append((last + 1, 0x10FFFF));
        CharacterAutomaton beginning = CharacterAutomaton.Of(Expression.Of(new Characters(CharacterSet.Of(dealt)),
            new Repetition(new Characters(CharacterSet.All), 0, null)));
        CharacterAutomaton names = _automaton ?? (_known.Count == 0 ? CharacterAutomaton.All
            : CharacterAutomaton.All.Except(CharacterAutomaton.Of(TextList.ToExpression(_known))));
        return JsonText.Quoted(names.Intersect(beginning).ToExpression());
    }

    private IEnumerable<FreeNames> Split(string pattern, CharacterAutomaton matched)
    {
        CharacterAutomaton inside = _automaton!.Intersect(matched), outside = _automaton.Except(matched);
        if (!inside.IsEmpty)
            yield return new FreeNames([.. _patterns, pattern], inside, _known);
        if (!outside.IsEmpty)
            yield return new FreeNames(_patterns, outside, _known);
    }
}
