using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Atelier.Recipes;

/// <summary>Finds the places of a key in the text of a recipe, and replaces the text between them.</summary>
internal static class RecipeTextEdit
{
    /// <summary>
    /// Returns the text with a key set or removed. The result may be wrong where the text is unusual.
    /// </summary>
    /// <param name="text">Valid YAML: a mapping, or nothing.</param>
    /// <param name="path">The path of the key.</param>
    /// <param name="value">The value as YAML; null removes the key.</param>
    public static string Apply(string text, string[] path, string? value)
    {
        if (Root(text) is not { } root)
            return value is null ? text : WithLine(text) + Lines(path, value, indent: 0);
        var parents = new List<(Part Section, int Index)>();
        Part section = root;
        for (int depth = 0; ; depth++)
        {
            string name = path[depth];
            int at = section.Entries.FindIndex(entry => entry.Key == name);
            if (at < 0)
                return value is null ? text : Add(text, section, path.AsSpan()[depth..], value);
            parents.Add((section, at));
            Entry entry = section.Entries[at];
            if (depth == path.Length - 1 || !entry.Value.IsSection)
            {
                return value is null ? Remove(text, parents)
                    : Replace(text, entry, depth == path.Length - 1 ? value
                        : Flow(path.AsSpan()[(depth + 1)..], value));
            }
            section = entry.Value;
        }
    }

    private static string Add(string text, Part section, ReadOnlySpan<string> path, string value)
    {
        if (section.IsFlow)
        {
            string comma = section.Entries.Count > 0 ? ", " : "";
            return text.Insert(section.End - 1, $"{comma}{path[0]}: "
                + (path.Length == 1 ? value : Flow(path[1..], value)));
        }
        Entry last = section.Entries[^1];
        int end = EndOfLine(text, last.Value.End);
        string before = WithLine(text[..end]);
        return before + Lines(path, value, section.Entries[0].Column) + text[end..];
    }

    private static string Replace(string text, Entry entry, string value)
    {
        int colon = text.IndexOf(':', entry.KeyEnd) + 1;
        return entry.Value.Start > colon && text.IndexOf('\n', colon, entry.Value.Start - colon) < 0
            && entry.Value.End > entry.Value.Start
            ? text[..entry.Value.Start] + value + text[entry.Value.End..]
            : text[..colon] + " " + value + text[Math.Max(colon, entry.Value.End)..];
    }

    /// <summary>Removes an entry, with the sections around it that it leaves empty.</summary>
    private static string Remove(string text, List<(Part Section, int Index)> parents)
    {
        while (parents.Count > 1 && parents[^1].Section.Entries.Count == 1)
            parents.RemoveAt(parents.Count - 1);
        (Part section, int at) = parents[^1];
        Entry entry = section.Entries[at];
        if (!section.IsFlow)
        {
            int line = text.LastIndexOf('\n', Math.Max(0, entry.KeyStart - 1)) + 1;
            return text[..(entry.KeyStart == 0 ? 0 : line)] + text[EndOfLine(text, entry.Value.End)..];
        }
        (int from, int to) = at + 1 < section.Entries.Count ? (entry.KeyStart, section.Entries[at + 1].KeyStart)
            : at > 0 ? (section.Entries[at - 1].Value.End, entry.Value.End) : (entry.KeyStart, entry.Value.End);
        return text[..from] + text[to..];
    }

    private static string Lines(ReadOnlySpan<string> path, string value, int indent) =>
        $"{new string(' ', indent)}{path[0]}:"
            + (path.Length == 1 ? $" {value}\n" : "\n" + Lines(path[1..], value, indent + 2));

    private static string Flow(ReadOnlySpan<string> path, string value) =>
        $"{{{path[0]}: {(path.Length == 1 ? value : Flow(path[1..], value))}}}";

    private static string WithLine(string text) => text.Length == 0 || text[^1] == '\n' ? text : text + "\n";

    /// <summary>The place after the line that holds a place, or that ends before it.</summary>
    private static int EndOfLine(string text, int at)
    {
        if (at > 0 && text[at - 1] == '\n')
            return at;
        int end = text.IndexOf('\n', at);
        return end < 0 ? text.Length : end + 1;
    }

    private static Part? Root(string text)
    {
        var parser = new Parser(new StringReader(text));
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _))
            return null;
        parser.Consume<DocumentStart>();
        Part root = Read(text, parser);
        return root.IsSection ? root : null;
    }

    private static Part Read(string text, Parser parser)
    {
        if (parser.TryConsume<Scalar>(out Scalar? scalar))
        {
            int after = At(scalar.End);
            while (after > At(scalar.Start) && text[after - 1] == '\n')
                after--; // a block of text ends with its last line
            return new Part([], At(scalar.Start), after, IsSection: false, IsFlow: false);
        }
        bool isSection = parser.Accept<MappingStart>(out _);
        var start = parser.Consume<NodeEvent>();
        bool isFlow = start is MappingStart { Style: MappingStyle.Flow } or SequenceStart { Style: SequenceStyle.Flow };
        var entries = new List<Entry>();
        int end = At(start.End);
        while (!parser.Accept<MappingEnd>(out _) && !parser.Accept<SequenceEnd>(out _))
        {
            Scalar? key = isSection ? parser.Consume<Scalar>() : null;
            Part value = Read(text, parser);
            int column = key is null ? 0 : (int)key.Start.Column - 1;
            entries.Add(new Entry(key?.Value ?? "", At(key?.Start), At(key?.End), column, value));
            end = Math.Max(value.End, At(key?.End));
        }
        var closing = parser.Consume<ParsingEvent>();
        // the mark at a closing bracket is before it
        return new Part(isSection ? entries : [], At(start.Start), isFlow ? At(closing.Start) + 1 : end, isSection,
            isFlow);
    }

    private static int At(Mark? mark) => (int)(mark?.Index ?? 0);

    private sealed record Entry(string Key, int KeyStart, int KeyEnd, int Column, Part Value);

    private sealed record Part(List<Entry> Entries, int Start, int End, bool IsSection, bool IsFlow);
}
