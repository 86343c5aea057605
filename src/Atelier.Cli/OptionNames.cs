using System.CommandLine;

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
    public static string Of(string field) => Others.GetValueOrDefault(field) ?? Option(field);

    private static string Option(string field) =>
        "--" + string.Concat(field.Select(c => char.IsUpper(c) ? $"-{char.ToLowerInvariant(c)}" : $"{c}"));

    /// <summary>Returns an error with the options and commands of the tool in its text.</summary>
    /// <param name="error">The error. A key of a recipe, such as data.column, is written as the command's option of
    /// that name, if it has one.</param>
    /// <param name="command">The command that failed, if it is known.</param>
    public static AtelierException Write(AtelierException error, Command? command = null)
    {
        return error.InWords(field => field.Contains('.', StringComparison.Ordinal) ? OfKey(field) : Of(field),
            name => $"atelier {name}");

        string OfKey(string key) => Option(key[(key.LastIndexOf('.') + 1)..]) is var option
            && command?.Options.Any(o => o.Name == option) == true ? option : key;
    }

    /// <summary>Writes fields and their values as options.</summary>
    public static string Write(IReadOnlyList<(string Field, string Value)> example) =>
        string.Join(' ', example.Select(part => $"{Of(part.Field)} {Quoted(part.Value)}"));

    private static string Quoted(string value) =>
        value.AsSpan().IndexOfAny(" '?*&;|()<>#") >= 0 || !value.Any(char.IsLetterOrDigit) ? $"\"{value}\"" : value;
}
