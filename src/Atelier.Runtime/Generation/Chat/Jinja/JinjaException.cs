namespace Atelier.Generation.Chat.Jinja;

/// <summary>A template cannot be parsed, or cannot be rendered with the given variables.</summary>
/// <param name="message">What is wrong; it may quote the template, of which line ends become spaces.</param>
/// <param name="isRaised">Whether the template raised it with raise_exception.</param>
internal sealed class JinjaException(string message, bool isRaised = false) : Exception(OneLine(message))
{
    private const int Longest = 400;

    /// <summary>Whether the template raised it with raise_exception.</summary>
    public bool IsRaised { get; } = isRaised;

    /// <summary>The same error with the line of the template in front.</summary>
    public JinjaException At(int line) => new(FormattableString.Invariant($"line {line}: {Message}"), IsRaised);

    private static string OneLine(string message)
    {
        message = message.Length > Longest ? message[..Longest] + "…" : message;
        return string.Create(message.Length, message, static (line, said) =>
        {
            for (int i = 0; i < line.Length; i++)
                line[i] = char.IsControl(said[i]) || said[i] is '\u2028' or '\u2029' ? ' ' : said[i];
        });
    }
}
