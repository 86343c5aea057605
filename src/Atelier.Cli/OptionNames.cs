namespace Atelier.Cli;

/// <summary>How the tool writes the fields and commands that the library's errors name: as its own options.</summary>
internal static class OptionNames
{
    // Options that are named otherwise than the library's field.
    private static readonly Dictionary<string, string> Others = new()
    {
        ["format"] = "--to", ["states"] = "--state", ["targets"] = "--query", ["interventions"] = "--do",
        ["overrides"] = "--set",
    };

    /// <summary>The option of a field: "--max-tokens" of "maxTokens".</summary>
    public static string Of(string field) => Others.GetValueOrDefault(field)
        ?? "--" + string.Concat(field.Select(c => char.IsUpper(c) ? $"-{char.ToLowerInvariant(c)}" : $"{c}"));

    /// <summary>An error as a user of the tool reads it.</summary>
    public static AtelierException Write(AtelierException error) => error.InWords(Of, name => $"atelier {name}");

    /// <summary>Fields and their values as they are typed.</summary>
    public static string Write(IReadOnlyList<(string Field, string Value)> example) =>
        string.Join(' ', example.Select(part => $"{Of(part.Field)} {Quoted(part.Value)}"));

    private static string Quoted(string value) =>
        value.Contains(' ', StringComparison.Ordinal) || !value.Any(char.IsLetterOrDigit) ? $"\"{value}\"" : value;
}
