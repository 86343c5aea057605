using System.Text;

namespace Atelier;

/// <summary>
/// Names a field or a command in the text of an <see cref="AtelierException"/>, so that every front end can write it in
/// its own form: the library shows the plain name, 'out'; the tool shows its option, "--out"; a server shows a JSON
/// pointer.
/// </summary>
public static class Mention
{
    // Unicode sets these code points aside for use inside a program: no text that is read has a meaning for them.
    private const char FieldStart = '\uFDD0', CommandStart = '\uFDD1', End = '\uFDD2';

    /// <summary>A field of a request, of options or of a recipe.</summary>
    /// <param name="name">Its name in the library, in camel case: "out", "learningRate".</param>
    public static string Field(string name) => $"{FieldStart}{name}{End}";

    /// <summary>A command that a user may give.</summary>
    /// <param name="name">Its name: "evaluate", "runs list".</param>
    public static string Command(string name) => $"{CommandStart}{name}{End}";

    /// <summary>Writes out the fields and commands that a text names.</summary>
    /// <param name="text">A text that may name some.</param>
    /// <param name="field">The form of a field, from its name.</param>
    /// <param name="command">The form of a command, from its name.</param>
    public static string Write(string text, Func<string, string> field, Func<string, string> command)
    {
        if (text.AsSpan().IndexOfAny(FieldStart, CommandStart, End) < 0)
            return text;
        var written = new StringBuilder();
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] is not (FieldStart or CommandStart))
            {
                if (text[at] != End)
                    written.Append(text[at]);
                continue;
            }
            int end = text.IndexOf(End, at);
            if (end < 0)
                continue; // cut off, or a stranger's: the mark is left out and the name stays
            string name = text[(at + 1)..end];
            written.Append(text[at] == FieldStart ? field(name) : command(name));
            at = end;
        }
        return written.ToString();
    }

    /// <summary>The text with plain names.</summary>
    internal static string Plain(string text) => Write(text, name => name, name => name);

    /// <summary>The text with the names in quotation marks, since they stand in a sentence.</summary>
    internal static string Quoted(string text) => Write(text, name => $"'{name}'", name => $"'{name}'");
}
