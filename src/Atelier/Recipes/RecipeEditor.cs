using System.Text;

namespace Atelier.Recipes;

/// <summary>
/// Changes single keys in the text of a recipe, and leaves the rest of the text, with its comments, as it is.
/// </summary>
public static class RecipeEditor
{
    private const string Special = ",[]{}#:&*!|>'\"%@`\n"; // characters that may end a plain value
    private const string FamilyKey = "model.family";
    private static readonly string Place = Mention.Field("recipe");

    /// <summary>Returns the text with a key set, or without it.</summary>
    /// <param name="text">The YAML of a recipe.</param>
    /// <param name="key">The path of the key, such as "training.steps".</param>
    /// <param name="value">The value as YAML on one line, such as "500" or "[a, b]"; null removes the key.</param>
    /// <exception cref="AtelierException">The text is not valid YAML, or the value is not.</exception>
    /// <remarks>A new family takes the other keys of the model section away, which belong to the family
    /// before.</remarks>
    public static string Set(string text, string key, string? value)
    {
        text = text.ReplaceLineEndings("\n");
        RecipeMapping before = RecipeYaml.Read(text, "");
        if (key == FamilyKey && before.Find("model") is RecipeMapping model && (Find(before, key) as RecipeScalar)?.Text
            != (value is null ? null : RecipeYaml.ReadValue(value, Place) as RecipeScalar)?.Text)
        {
            foreach (string other in model.Entries.Select(entry => entry.Key).Where(other => other != "family"))
                text = SetOne(text, "model." + other, null);
        }
        return SetOne(text, key, value);
    }

    /// <summary>Returns a string as a value for <see cref="Set"/>, in quotes if it needs them.</summary>
    /// <param name="text">The string.</param>
    public static string Quote(string text) => RecipeWriter.Quote(text);

    private static string SetOne(string text, string key, string? value)
    {
        string[] path = key.Split('.');
        RecipeMapping due = RecipeYaml.Read(text, "");
        if (value is not null)
            due.SectionAt(path.AsSpan()[..^1], "").Set(path[^1], "", RecipeYaml.ReadValue(value, Place));
        else if (!Remove(due, path))
            return text;
        string edited = RecipeTextEdit.Apply(text, path, value);
        return IsSame(edited, due) ? edited : Write(due, 0); // the text is written in a way that no edit fits
    }

    /// <summary>Removes a key, and the sections that it leaves empty.</summary>
    private static bool Remove(RecipeMapping section, ReadOnlySpan<string> path)
    {
        if (path.Length == 1)
            return section.Remove(path[0]);
        if (section.Find(path[0]) is RecipeScalar)
            return section.Remove(path[0]); // a section that is given by the name of its values
        if (section.Find(path[0]) is not RecipeMapping inner || !Remove(inner, path[1..]))
            return false;
        if (!inner.Entries.Any())
            section.Remove(path[0]);
        return true;
    }

    private static RecipeNode? Find(RecipeMapping root, string key) =>
        key.Split('.').Aggregate((RecipeNode?)root, (node, part) => (node as RecipeMapping)?.Find(part));

    private static bool IsSame(string text, RecipeMapping due)
    {
        try
        {
            return IsSame(RecipeYaml.Read(text, ""), due);
        }
        catch (AtelierException)
        {
            return false;
        }
    }

    private static bool IsSame(RecipeNode one, RecipeNode other) => (one, other) switch
    {
        (RecipeScalar a, RecipeScalar b) => a.IsNull == b.IsNull && (a.IsNull || (a.Text == b.Text
            && a.Quoted == b.Quoted)),
        (RecipeList a, RecipeList b) => a.Items.Count == b.Items.Count && a.Items.Zip(b.Items).All(IsSame),
        (RecipeMapping a, RecipeMapping b) => a.Entries.Count() == b.Entries.Count()
            && a.Entries.All(entry => b.Find(entry.Key) is { } value && IsSame(entry.Value, value)),
        _ => false,
    };

    private static bool IsSame((RecipeNode One, RecipeNode Other) pair) => IsSame(pair.One, pair.Other);

    private static string Write(RecipeMapping section, int indent)
    {
        var text = new StringBuilder();
        foreach ((string key, _, RecipeNode value) in section.Entries)
        {
            text.Append(' ', indent).Append(RecipeWriter.Quote(key)).Append(':');
            if (value is RecipeMapping inner && inner.Entries.Any())
                text.Append('\n').Append(Write(inner, indent + 2));
            else
                text.Append(' ').Append(Plain(value)).Append('\n');
        }
        return text.ToString();
    }

    private static string Plain(RecipeNode node) => node switch
    {
        RecipeScalar { IsNull: true } => "null",
        RecipeScalar { Quoted: false } scalar when scalar.Text.AsSpan().IndexOfAny(Special) < 0 => scalar.Text,
        RecipeScalar scalar => RecipeWriter.Quote(scalar.Text),
        RecipeList list => $"[{string.Join(", ", list.Items.Select(Plain))}]",
        RecipeMapping section => $"{{{string.Join(", ", section.Entries.Select(entry =>
            $"{RecipeWriter.Quote(entry.Key)}: {Plain(entry.Value)}"))}}}",
        _ => throw new NotSupportedException(node.GetType().Name),
    };
}
