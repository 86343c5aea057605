namespace Atelier;

/// <summary>
/// A mistake that the user can mend, or a file that is not what it claims to be: says what is wrong, where, and what to
/// do. The tool prints it as one line and exits with code 2; every other exception that escapes is a bug. The texts may
/// name fields and commands by <see cref="Mention"/>; <see cref="InWords"/> writes them as a front end does.
/// </summary>
/// <param name="message">What is wrong, one sentence without a full stop.</param>
/// <param name="where">The file, line, key, tensor or step it was found at, where there is one.</param>
/// <param name="hint">What to do about it, one sentence without a full stop.</param>
/// <param name="inner">The original exception.</param>
public sealed class AtelierException(string message, string? where = null, string? hint = null, Exception? inner = null)
    : Exception(OneLine(Mention.Quoted(message)), inner)
{
    private const int Longest = 500;

    private readonly string _message = message;
    private readonly string? _where = where, _hint = hint;

    /// <summary>The file, line, key, field, tensor or step the mistake was found at, or null.</summary>
    public string? Where => _where is null ? null : Mention.Plain(_where);

    /// <summary>What to do about it, or null.</summary>
    public string? Hint => _hint is null ? null : Mention.Quoted(_hint);

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
            throw e.At(where);
        }
    }

    /// <summary>The same mistake, found at another place.</summary>
    /// <param name="where">The file, line, key, tensor or step.</param>
    /// <param name="hint">What to do about it, where the error does not say.</param>
    public AtelierException At(string where, string? hint = null) => new(_message, where, _hint ?? hint, this);

    /// <summary>The same mistake in a front end's words.</summary>
    /// <param name="field">How a field is written, from its name in the library: "--out" for "out".</param>
    /// <param name="command">How a command is written, from its name: "atelier runs list" for "runs list".</param>
    public AtelierException InWords(Func<string, string> field, Func<string, string> command)
    {
        return new(Written(_message)!, Written(_where), Written(_hint), this);

        string? Written(string? text) => text is null ? null : Mention.Write(text, field, command);
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
