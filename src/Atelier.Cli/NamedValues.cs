using System.CommandLine;

namespace Atelier.Cli;

/// <summary>Reads options of the form NAME=VALUE, such as --evidence smoke=yes, or '"x=1"=yes'.</summary>
internal static class NamedValues
{
    /// <summary>Returns the values by name.</summary>
    /// <exception cref="AtelierException">An option has another form, or a name appears twice.</exception>
    public static Dictionary<string, string> Read(ParseResult parse, Option<string[]> option)
    {
        var pairs = new Dictionary<string, string>();
        foreach (string text in parse.GetRequiredValue(option))
        {
            // A name in double quotes may itself have an equals sign.
            int quote = text.StartsWith('"') ? text.IndexOf("\"=", StringComparison.Ordinal) : -1,
                equals = quote > 0 ? quote + 1 : text.IndexOf('=', StringComparison.Ordinal);
            string name = quote > 0 ? text[1..quote] : text[..Math.Max(0, equals)];
            if (name.Length == 0)
                throw new AtelierException($"'{text}' is not of the form {option.HelpName}", option.Name,
                    $"write {option.HelpName}");
            if (!pairs.TryAdd(name, text[(equals + 1)..]))
                throw new AtelierException($"'{name}' is given twice", option.Name, "give it once");
        }
        return pairs;
    }
}
