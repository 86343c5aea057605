namespace Atelier;

/// <summary>
/// An error that the user can correct, such as a wrong value or a damaged file. It describes what is wrong, where, and
/// what to do. The tool prints it as one line and exits with code 2; any other unhandled exception is a bug. The texts
/// may name fields and commands with <see cref="Mention"/>, which <see cref="InWords"/> writes in the form of a front
/// end.
/// </summary>
/// <param name="message">What is wrong, as one sentence without a full stop.</param>
/// <param name="where">The file, line, key, tensor or step with the error; null if there is none.</param>
/// <param name="hint">What to do about it, as one sentence without a full stop.</param>
/// <param name="inner">The original exception.</param>
public sealed class AtelierException(string message, string? where = null, string? hint = null, Exception? inner = null)
    : Exception(OneLine(Mention.Quoted(message)), inner)
{
    private const int Longest = 500;

    private readonly string _message = message;
    private readonly string? _where = where, _hint = hint;

    /// <summary>The file, line, key, field, tensor or step with the error, or null.</summary>
    public string? Where => _where is null ? null : Mention.Plain(_where);

    /// <summary>What to do about it, or null.</summary>
    public string? Hint => _hint is null ? null : Mention.Quoted(_hint);

    /// <summary>Runs an action on a file and adds the file's name to errors that name no place.</summary>
    /// <param name="where">The file.</param>
    /// <param name="action">The action.</param>
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

    /// <summary>Returns the same error with another place.</summary>
    /// <param name="where">The file, line, key, tensor or step.</param>
    /// <param name="hint">What to do about it, used if the error has no hint.</param>
    public AtelierException At(string where, string? hint = null) => new(_message, where, _hint ?? hint, this);

    /// <summary>Returns the same error with fields and commands written in the form of a front end.</summary>
    /// <param name="field">Returns the written form of a field from its name in the library, such as "--out" for
    /// "out".</param>
    /// <param name="command">Returns the written form of a command from its name, such as "atelier runs list" for "runs
    /// list".</param>
    public AtelierException InWords(Func<string, string> field, Func<string, string> command)
    {
        return new(Written(_message)!, Written(_where), Written(_hint), this);

        string? Written(string? text) => text is null ? null : Mention.Write(text, field, command);
    }

    /// <summary>Returns the error as one line: where, what, and what to do.</summary>
    public string ToLine() => (Where, Hint) switch
    {
        (null, null) => Message,
        (null, _) => $"{Message}; {Hint}",
        (_, null) => $"{Where}: {Message}",
        _ => $"{Where}: {Message}; {Hint}",
    };

    /// <summary>Shortens a message to one line, since it may quote the contents of a file.</summary>
    private static string OneLine(string message) =>
        (message.Length > Longest ? message[..Longest] + "…" : message).ReplaceLineEndings(" ");
}
