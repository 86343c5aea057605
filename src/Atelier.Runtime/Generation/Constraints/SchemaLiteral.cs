using System.Text.Json;

namespace Atelier.Generation.Constraints;

/// <summary>
/// A condition on a value: that it satisfies a schema, or equals a constant of one, or that it does not.
/// </summary>
/// <param name="Place">The schema or the constant.</param>
/// <param name="IsConstant">Whether the place is that of a constant.</param>
/// <param name="IsNegated">Whether the value must not satisfy it.</param>
internal sealed record SchemaLiteral(SchemaPlace Place, bool IsConstant = false, bool IsNegated = false)
{
    /// <summary>The condition that no value satisfies.</summary>
    public static SchemaLiteral False { get; } =
        new(new SchemaPlace("false", JsonElement.Parse("false")));

    /// <summary>The condition that every value satisfies.</summary>
    public static SchemaLiteral True { get; } = False.Not;

    /// <summary>The opposite condition.</summary>
    public SchemaLiteral Not => new(Place, IsConstant, !IsNegated);

    /// <summary>A text that identifies the condition in its document.</summary>
    public string Key { get; } = $"{(IsNegated ? '-' : '+')}{(IsConstant ? "=" : "")}{Place.Pointer}";

    /// <summary>Whether every value, or none, satisfies it by the schemas true and false.</summary>
    public bool? IsAlways => IsConstant ? null : Place.Element.ValueKind switch
    {
        JsonValueKind.True => !IsNegated,
        JsonValueKind.False => IsNegated,
        _ => null,
    };

    /// <summary>Conditions are equal if they are about the same place.</summary>
    public bool Equals(SchemaLiteral? other) => other is not null && Key == other.Key;

    public override int GetHashCode() => Key.GetHashCode(StringComparison.Ordinal);
}

/// <summary>
/// A set of names of properties: those listed and those that match a pattern, or all others.
/// </summary>
/// <param name="Names">The listed names.</param>
/// <param name="Patterns">The patterns, which may match anywhere in a name, or keys of other automata.</param>
/// <param name="IsComplement">Whether the set has all other names instead.</param>
internal sealed record NameSet(IReadOnlyCollection<string> Names, IReadOnlyList<string> Patterns,
    bool IsComplement = false)
{
    /// <summary>All names.</summary>
    public static NameSet All { get; } = new([], [], IsComplement: true);

    public static NameSet Of(string name) => new([name], []);

    /// <summary>Returns whether a name is in the set.</summary>
    public bool Contains(string name, SchemaPatterns patterns) =>
        IsComplement != (Names.Contains(name) || Patterns.Any(p => patterns.Of(p).Accepts(name)));
}

/// <summary>The automata of patterns, each built once.</summary>
internal sealed class SchemaPatterns
{
    private readonly Dictionary<string, CharacterAutomaton> _automata = [];

    /// <summary>Adds an automaton under a key, and returns the key, which is no pattern.</summary>
    public string Add(string name, CharacterAutomaton automaton)
    {
        string key = $"*{name}"; // a pattern does not begin with a repetition
        _automata.TryAdd(key, automaton);
        return key;
    }

    /// <summary>Returns the automaton of the texts in which a pattern matches anywhere.</summary>
    public CharacterAutomaton Of(string pattern)
    {
        if (!_automata.TryGetValue(pattern, out CharacterAutomaton? automaton))
        {
            automaton = CharacterAutomaton.Of(RegexParser.Parse(pattern, whole: false));
            _automata.Add(pattern, automaton);
        }
        return automaton;
    }
}
