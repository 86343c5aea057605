namespace Atelier.Generation.Chat.Jinja;

/// <summary>A template cannot be parsed, or cannot be rendered with the given variables.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="isRaised">Whether the template raised it with raise_exception.</param>
internal sealed class JinjaException(string message, bool isRaised = false) : Exception(message)
{
    /// <summary>Whether the template raised it with raise_exception.</summary>
    public bool IsRaised { get; } = isRaised;

    /// <summary>The same error with the line of the template in front.</summary>
    public JinjaException At(int line) => new(FormattableString.Invariant($"line {line}: {Message}"), IsRaised);
}
