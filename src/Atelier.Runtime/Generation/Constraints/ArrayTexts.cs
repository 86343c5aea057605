using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>
/// Builds expressions for arrays: a graph whose states are the number of items so far, how many of them satisfy each
/// counted condition, and which values occurred if they must differ.
/// </summary>
internal sealed class ArrayTexts(SchemaTranslator translator, ArrayFacts facts)
{
    private const int MostInAnyOrder = 8; // values that must differ and may come in any order

    private readonly List<(string Key, JsonElement Value)> _values = []; // those that must differ
    private bool _isUnique;

    /// <summary>Returns the expression of the arrays.</summary>
    /// <exception cref="AtelierException">There are too many states, or values without a finite list must differ.
    /// </exception>
    public Expression Build()
    {
        if (facts.Least > facts.Most)
            return Expression.Nothing;
        _isUnique = facts.IsUnique && facts.Most is not (0 or 1);
        int settled = Math.Max(facts.Most ?? 0, Math.Max(facts.Least, Math.Max(
            facts.Items.Select(r => r.To ?? r.From).DefaultIfEmpty().Max(),
            facts.Counts.Select(c => c.From).DefaultIfEmpty().Max())));
        if (_isUnique)
            FindValues(settled);
        var graph = new GraphBuilder<State>(translator.Count);
        return JsonText.Listed('[', graph.Build(new State(0, "", 0), state => Edges(state, settled), IsEnd), ']');
    }

    private bool IsEnd(State state)
    {
        int[] counts = CountsOf(state);
        return state.Index >= facts.Least && facts.Counts.Index().All(c => counts[c.Index] >= c.Item.Least);
    }

    private IEnumerable<(Expression, State)> Edges(State state, int settled)
    {
        if (state.Index == facts.Most)
            yield break;
        Expression before = state.Index == 0 ? Expression.Empty : JsonText.Comma;
        // without a limit of items, all further ones are alike once nothing depends on their index
        int next = Math.Min(state.Index + 1, Math.Max(1, settled));
        foreach ((SchemaLiteral[] conditions, int[] counts) in Counted(state))
        {
            var after = new State(next, string.Join(',', counts), state.Used);
            if (!_isUnique)
            {
                yield return (Expression.Of(before, translator.ValueOf(conditions)), after);
                continue;
            }
            var possible = translator.Normalizer.CasesOf(conditions);
            foreach (JsonElement value in SchemaValues.All(possible, translator.Normalizer.Patterns)!)
            {
                int index = _values.FindIndex(v => v.Key == SchemaCase.KeyOf(value));
                if (Use(state.Used, index) is long used)
                    yield return (Expression.Of(before, SchemaValues.Choice([value])), after with { Used = used });
            }
        }
    }

    /// <summary>
    /// Returns what the next item may satisfy, and how many items satisfied each counted condition after it.
    /// </summary>
    private IEnumerable<(SchemaLiteral[] Conditions, int[] Counts)> Counted(State state)
    {
        IEnumerable<(SchemaLiteral[] Conditions, int[] Counts)> options = [([], CountsOf(state))];
        foreach (ItemRule rule in facts.Items.Where(r => r.From <= state.Index && !(r.To <= state.Index)))
        {
            options = [.. options.SelectMany(o => rule.Unless.Prepend(rule.Literal)
                .Select(literal => ((SchemaLiteral[])[.. o.Conditions, literal], o.Counts)))];
        }
        foreach ((int i, ItemCount count) in facts.Counts.Index().Where(c => c.Item.From <= state.Index))
            options = [.. options.SelectMany(o => With(o.Conditions, o.Counts, i, count))];
        return options.Where(o => o.Conditions.All(c => c.IsAlways != false));
    }

    private static IEnumerable<(SchemaLiteral[], int[])> With(SchemaLiteral[] conditions, int[] counts, int index,
        ItemCount count)
    {
        // An item that is not counted may satisfy the condition too, unless there is a largest number.
        yield return count.Most is null ? (conditions, counts) : ([.. conditions, count.Literal.Not], counts);
        if (counts[index] == (count.Most ?? count.Least))
            yield break;
        int[] more = [.. counts];
        more[index]++;
        yield return ([.. conditions, count.Literal], more);
    }

    private int[] CountsOf(State state) => state.Counts.Length == 0 ? new int[facts.Counts.Count]
        : [.. state.Counts.Split(',').Select(int.Parse)];

    /// <summary>Finds all values that items may have, which must be finitely many if they have to differ.</summary>
    private void FindValues(int settled)
    {
        for (int i = 0; i <= settled && i < (facts.Most ?? int.MaxValue); i++)
        {
            SchemaLiteral[] conditions = [.. facts.Items.Where(r => r.From <= i && !(r.To <= i) && r.Unless.Count == 0)
                .Select(r => r.Literal)];
            IReadOnlyList<SchemaCase> cases = translator.Normalizer.CasesOf(conditions);
            if (SchemaValues.All(cases, translator.Normalizer.Patterns) is not { } values)
            {
                throw new AtelierException("uniqueItems needs items from a finite list", "schema",
                    "give the items an enum, const, the type boolean, or an integer between two bounds");
            }
            if (values.Count == 0)
                return;
            foreach (JsonElement value in values)
            {
                if (_values.All(v => v.Key != SchemaCase.KeyOf(value)))
                    _values.Add((SchemaCase.KeyOf(value), value));
            }
        }
    }

    /// <summary>
    /// Returns which values occurred after a further one, or null if it must not occur. A few values may come in any
    /// order; more come in the order of the schema, and the last one is remembered.
    /// </summary>
    private long? Use(long used, int value)
    {
        if (_values.Count > MostInAnyOrder)
            return value + 1 > used ? value + 1 : null;
        return (used >> value & 1) == 0 ? used | 1L << value : null;
    }

    private readonly record struct State(int Index, string Counts, long Used);
}
