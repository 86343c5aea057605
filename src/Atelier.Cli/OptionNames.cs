namespace Atelier.Cli;

/// <summary>Writes the fields and commands in errors of the library as options and commands of the tool.</summary>
internal static class OptionNames
{
    // Options with another name than the field of the library.
    private static readonly Dictionary<string, string> Others = new()
    {
        ["format"] = "--to", ["states"] = "--state", ["targets"] = "--query", ["interventions"] = "--do",
        ["overrides"] = "--set",
    };

    /// <summary>Returns the option of a field: "--max-tokens" for "maxTokens".</summary>
    public static string Of(string field) => Others.GetValueOrDefault(field)
        ?? "--" + string.Concat(field.Select(c => char.IsUpper(c) ? $"-{char.ToLowerInvariant(c)}" : $"{c}"));

    /// <summary>Returns an error with the options and commands of the tool in its text.</summary>
    public static AtelierException Write(AtelierException error) => error.InWords(Of, name => $"atelier {name}");

    /// <summary>Writes fields and their values as options.</summary>
    public static string Write(IReadOnlyList<(string Field, string Value)> example) =>
        string.Join(' ', example.Select(part => $"{Of(part.Field)} {Quoted(part.Value)}"));

    private static string Quoted(string value) =>
        value.Contains(' ', StringComparison.Ordinal) || !value.Any(char.IsLetterOrDigit) ? $"\"{value}\"" : value;
}
