using System.Text.RegularExpressions;

namespace Atelier.Server.Api;

/// <summary>The model card of a bundle, in the form that trainings write: a table of facts, and paragraphs.</summary>
/// <param name="Facts">The rows of its tables that have two cells.</param>
/// <param name="Paragraphs">The texts outside of tables, without headings.</param>
internal sealed partial record ModelCard(IReadOnlyList<(string Name, string Value)> Facts,
    IReadOnlyList<string> Paragraphs)
{
    /// <summary>Reads a card from Markdown; what is neither a row nor a paragraph is left out.</summary>
    public static ModelCard Parse(string markdown)
    {
        var facts = new List<(string, string)>();
        var paragraphs = new List<string>();
        string body = FrontMatter().Replace(markdown.ReplaceLineEndings("\n"), "");
        foreach (string block in body.Split("\n\n").Select(block => block.Trim()))
        {
            string[] lines = block.Split('\n');
            foreach (string line in lines.Where(line => line.StartsWith('|')))
            {
                if (line.Split('|', StringSplitOptions.TrimEntries) is ["", { Length: > 0 } name, var value, ""]
                    && !name.StartsWith("--", StringComparison.Ordinal))
                    facts.Add((name, value));
            }
            string text = string.Join(' ', lines.Where(line => !line.StartsWith('|') && !line.StartsWith('#')));
            if (text.Length > 0)
                paragraphs.Add(text);
        }
        return new ModelCard(facts, paragraphs);
    }

    [GeneratedRegex(@"\A---\n.*?\n---\n", RegexOptions.Singleline)]
    private static partial Regex FrontMatter();
}
