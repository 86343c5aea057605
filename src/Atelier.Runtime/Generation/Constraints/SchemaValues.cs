using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>Finite lists of null, booleans, numbers and strings that a case allows.</summary>
internal static class SchemaValues
{
    private const int MostListed = 1_000; // integers between two bounds

    /// <summary>Returns the allowed constants of a case that satisfy its other facts.</summary>
    public static IEnumerable<JsonElement> Allowed(SchemaCase @case, SchemaPatterns patterns)
    {
        CharacterAutomaton? strings = null;
        foreach ((string key, JsonElement value) in @case.Allowed!)
        {
            JsonTypes type = SchemaCase.TypeOf(value);
            if ((@case.Types & type) == JsonTypes.None || @case.Excluded.ContainsKey(key))
                continue;
            if (type == JsonTypes.Number && !(DecimalNumber.Parse(value.GetRawText()) is { } number
                && @case.Numbers.Allow(number)))
                continue;
            if (type == JsonTypes.String && StringTexts.IsRestricted(@case))
            {
                strings ??= StringTexts.Automaton(@case with { Allowed = null }, patterns);
                if (!strings.Accepts(value.GetString()!))
                    continue;
            }
            yield return value;
        }
    }

    /// <summary>Returns all values of some cases, or null if there are infinitely or very many.</summary>
    public static IReadOnlyList<JsonElement>? All(IEnumerable<SchemaCase> cases, SchemaPatterns patterns)
    {
        var values = new Dictionary<string, JsonElement>();
        foreach (SchemaCase @case in cases)
        {
            if (Of(@case, patterns) is not { } some)
                return null;
            foreach (JsonElement value in some)
                values.TryAdd(SchemaCase.KeyOf(value), value);
        }
        return [.. values.Values];
    }

    /// <summary>
    /// Returns an expression for constants. Numbers may be written as in the schema or without an exponent.
    /// </summary>
    public static Expression Choice(IReadOnlyList<JsonElement> values)
    {
        string[] strings = [.. values.Where(v => v.ValueKind == JsonValueKind.String).Select(v => v.GetString()!)];
        IEnumerable<Expression> others = values.Where(v => v.ValueKind != JsonValueKind.String).SelectMany(Spellings)
            .Distinct().Select(Expression.Literal);
        return new Choice(strings.Length == 0 ? [.. others]
            : [.. others, JsonText.Quoted(TextList.ToExpression(strings))]);
    }

    private static IEnumerable<JsonElement>? Of(SchemaCase @case, SchemaPatterns patterns)
    {
        if (@case.Allowed is not null)
            return Allowed(@case, patterns);
        if ((@case.Types & ~(JsonTypes.Null | JsonTypes.Boolean | JsonTypes.Number)) != JsonTypes.None)
            return null;
        List<string> texts = [];
        if ((@case.Types & JsonTypes.Null) != JsonTypes.None)
            texts.Add("null");
        if ((@case.Types & JsonTypes.Boolean) != JsonTypes.None)
            texts.AddRange(["true", "false"]);
        if ((@case.Types & JsonTypes.Number) != JsonTypes.None)
        {
            NumberFacts facts = @case.Numbers;
            if (!facts.IsInteger || facts.Low is not DecimalBound low || facts.High is not DecimalBound high)
                return null;
            (BigInteger first, BigInteger last) = (low.Value.Floor, high.Value.Floor);
            if (last - first > MostListed)
                return null;
            for (BigInteger value = first; value <= last; value++)
            {
                if (facts.Allow(new DecimalNumber(value, 0)))
                    texts.Add(value.ToString(CultureInfo.InvariantCulture));
            }
        }
        return texts.Where(text => !@case.Excluded.ContainsKey(text)).Select(text => JsonElement.Parse(text));
    }

    private static IEnumerable<string> Spellings(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && DecimalNumber.Parse(value.GetRawText()) is { } number
            && number.Whole.Length + number.Scale < 40
            ? [value.GetRawText(), number.ToString()]
            : [value.GetRawText()];
}
