namespace Atelier.Generation.Constraints;

/// <summary>Expressions for the strings of a case.</summary>
internal static class StringTexts
{
    /// <summary>Returns whether a case restricts its strings.</summary>
    public static bool IsRestricted(SchemaCase @case) => @case.Strings is not
    {
        Least: 0, Most: null, Patterns.Count: 0, NoPatterns.Count: 0, Formats.Count: 0,
    };

    /// <summary>Returns an expression for the strings of a case without allowed constants.</summary>
    public static Expression Of(SchemaCase @case, SchemaPatterns patterns)
    {
        StringFacts facts = @case.Strings;
        bool hasLength = facts.Least > 0 || facts.Most is not null;
        int others = facts.Patterns.Count + facts.Formats.Count;
        if (facts.NoPatterns.Count > 0 || Excluded(@case).Any() || (hasLength && others > 0) || others > 1)
            return JsonText.Quoted(Automaton(@case, patterns).ToExpression());
        if (facts.Patterns is [var pattern])
            return JsonText.Quoted(RegexParser.Parse(pattern, whole: false));
        if (facts.Formats is [var format])
            return JsonText.Quoted(JsonFormats.Find(format)!);
        return facts.Least > facts.Most ? Expression.Nothing : JsonText.String(facts.Least, facts.Most);
    }

    /// <summary>Returns the automaton of the strings of some cases.</summary>
    /// <exception cref="AtelierException">It needs too many states.</exception>
    public static CharacterAutomaton Automaton(IEnumerable<SchemaCase> cases, SchemaPatterns patterns) =>
        CharacterAutomaton.Of(new Choice([.. cases.Where(c => (c.Types & JsonTypes.String) != JsonTypes.None)
            .Select(c => Automaton(c, patterns).ToExpression())]));

    /// <summary>Returns the automaton of the strings of a case.</summary>
    /// <exception cref="AtelierException">It needs too many states.</exception>
    public static CharacterAutomaton Automaton(SchemaCase @case, SchemaPatterns patterns)
    {
        if (@case.Allowed is not null)
        {
            return CharacterAutomaton.Of(TextList.ToExpression(SchemaValues.Allowed(@case, patterns)
                .Where(v => SchemaCase.TypeOf(v) == JsonTypes.String).Select(v => v.GetString()!)));
        }
        StringFacts facts = @case.Strings;
        CharacterAutomaton texts = CharacterAutomaton.All;
        foreach (string pattern in facts.Patterns)
            texts = texts.Intersect(patterns.Of(pattern));
        foreach (string format in facts.Formats)
            texts = texts.Intersect(CharacterAutomaton.Of(JsonFormats.Find(format)!));
        foreach (string pattern in facts.NoPatterns)
            texts = texts.Except(patterns.Of(pattern));
        if (facts.Least > facts.Most)
            return texts.Except(CharacterAutomaton.All);
        if (facts.Least > 0 || facts.Most is not null)
        {
            texts = texts.Intersect(CharacterAutomaton.Of(
                new Repetition(new Characters(CharacterSet.All), facts.Least, facts.Most)));
        }
        string[] excluded = [.. Excluded(@case)];
        return excluded.Length == 0 ? texts
            : texts.Except(CharacterAutomaton.Of(TextList.ToExpression(excluded)));
    }

    private static IEnumerable<string> Excluded(SchemaCase @case) => @case.Excluded.Values
        .Where(v => SchemaCase.TypeOf(v) == JsonTypes.String).Select(v => v.GetString()!);
}
