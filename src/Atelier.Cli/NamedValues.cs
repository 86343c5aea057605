using System.CommandLine;

namespace Atelier.Cli;

/// <summary>Reads options of the form NAME=VALUE, such as --evidence smoke=yes.</summary>
internal static class NamedValues
{
    /// <summary>Returns the values by name.</summary>
    /// <exception cref="AtelierException">An option has another form, or a name appears twice.</exception>
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
