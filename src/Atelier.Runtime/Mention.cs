using System.Text;

namespace Atelier;

/// <summary>
/// Names a field or a command in the text of an <see cref="AtelierException"/>, so that every front end can write it in
/// its own form: the library shows the plain name, 'out'; the tool shows its option, "--out"; a server shows a JSON
/// pointer.
/// </summary>
public static class Mention
{
    // Unicode reserves these noncharacters for internal use, so they cannot occur in ordinary text.
    private const char FieldStart = '\uFDD0', CommandStart = '\uFDD1', End = '\uFDD2';

    /// <summary>Names a field of a request, of options or of a recipe.</summary>
    /// <param name="name">The field's name in the library, in camel case: "out", "learningRate".</param>
    public static string Field(string name) => $"{FieldStart}{name}{End}";

    /// <summary>Names a command of the tool.</summary>
    /// <param name="name">The command's name: "evaluate", "runs list".</param>
    public static string Command(string name) => $"{CommandStart}{name}{End}";

    /// <summary>Replaces the fields and commands that a text names by their written forms.</summary>
    /// <param name="text">A text that may name fields or commands.</param>
    /// <param name="field">Returns the written form of a field from its name.</param>
    /// <param name="command">Returns the written form of a command from its name.</param>
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
                continue; // a mark without its end, as in a shortened text: drop the mark and keep the name
            string name = text[(at + 1)..end];
            written.Append(text[at] == FieldStart ? field(name) : command(name));
            at = end;
        }
        return written.ToString();
    }

    /// <summary>Returns the text with plain names.</summary>
    internal static string Plain(string text) => Write(text, name => name, name => name);

    /// <summary>Returns the text with the names in quotation marks, as for use in a sentence.</summary>
    internal static string Quoted(string text) => Write(text, name => $"'{name}'", name => $"'{name}'");
}
