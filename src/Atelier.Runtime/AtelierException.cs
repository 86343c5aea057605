namespace Atelier;

/// <summary>
/// A mistake that the user can fix, or a file that is not what it claims to be: what is wrong, where, and what to do.
/// The tool prints it as one line and exits with code 2; every other exception that escapes is a bug.
/// </summary>
/// <param name="message">What is wrong, one sentence without a full stop.</param>
/// <param name="where">The file, line, key, tensor or step it was found at, where there is one.</param>
/// <param name="hint">What to do about it, one sentence without a full stop.</param>
/// <param name="inner">The original exception.</param>
public sealed class AtelierException(string message, string? where = null, string? hint = null, Exception? inner = null)
    : Exception(OneLine(message), inner)
{
    private const int Longest = 500;

    /// <summary>The file, line, key, tensor or step the mistake was found at, or null.</summary>
    public string? Where { get; } = where;

    /// <summary>What to do about it, or null.</summary>
    public string? Hint { get; } = hint;

    /// <summary>Works on a file, and adds its name to errors that have no place.</summary>
    /// <param name="where">The file.</param>
    /// <param name="action">What to do.</param>
    public static T At<T>(string where, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (AtelierException e) when (e.Where is null)
        {
            throw new AtelierException(e.Message, where, e.Hint, e);
        }
    }

    /// <summary>The one line that a user reads: what, where, what to do.</summary>
    public string ToLine() => (Where, Hint) switch
    {
        (null, null) => Message,
        (null, _) => $"{Message}; {Hint}",
        (_, null) => $"{Where}: {Message}",
        _ => $"{Where}: {Message}; {Hint}",
    };

    /// <summary>Shortens the contents of a file to one short line for an error.</summary>
    private static string OneLine(string message) =>
        (message.Length > Longest ? message[..Longest] + "…" : message).ReplaceLineEndings(" ");
}
