using System.CommandLine;

namespace Atelier.Cli;

/// <summary>Options that give values by name: --evidence smoke=yes.</summary>
internal static class NamedValues
{
    /// <summary>The values by their names.</summary>
    /// <exception cref="AtelierException">One is no name, '=' and value, or a name appears twice.</exception>
    public static Dictionary<string, string> Read(ParseResult parse, Option<string[]> option)
    {
        var pairs = new Dictionary<string, string>();
        foreach (string text in parse.GetRequiredValue(option))
        {
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
                throw new AtelierException($"'{text}' is not of the form {option.HelpName}", option.Name,
                    $"write {option.HelpName}");
            if (!pairs.TryAdd(text[..equals], text[(equals + 1)..]))
                throw new AtelierException($"'{text[..equals]}' is given twice", option.Name, "give it once");
        }
        return pairs;
    }
}
