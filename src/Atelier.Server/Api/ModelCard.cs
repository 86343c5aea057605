namespace Atelier.Server.Api;

/// <summary>The model card of a bundle, in the form that trainings write: a table of facts, and paragraphs.</summary>
/// <param name="Facts">The rows of its tables that have two cells.</param>
/// <param name="Paragraphs">The texts outside of tables, without headings.</param>
internal sealed record ModelCard(IReadOnlyList<(string Name, string Value)> Facts,
    IReadOnlyList<string> Paragraphs)
{
    private const string Fence = "---\n"; // before and after the settings

    /// <summary>Reads a card from Markdown; what is neither a row nor a paragraph is left out.</summary>
    public static ModelCard Parse(string markdown)
    {
        var facts = new List<(string, string)>();
        var paragraphs = new List<string>();
        string body = AfterSettings(markdown.ReplaceLineEndings("\n"));
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

    /// <summary>Returns the text after the settings for other tools that a card may begin with.</summary>
    private static string AfterSettings(string text)
    {
        if (!text.StartsWith(Fence, StringComparison.Ordinal))
            return text;
        int end = text.IndexOf('\n' + Fence, StringComparison.Ordinal);
        return end < 0 ? text : text[(end + 1 + Fence.Length)..];
    }
}
