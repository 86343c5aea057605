namespace Atelier.Recipes;

/// <summary>A part of a recipe as written, with its location: "recipe.yaml:12" or "--set training.steps=500".</summary>
internal abstract class RecipeNode(string where)
{
    public string Where { get; } = where;

    /// <summary>A short form of the content, for messages.</summary>
    public abstract string Shown { get; }
}

internal sealed class RecipeScalar(string where, string text, bool quoted) : RecipeNode(where)
{
    public string Text { get; } = text;

    /// <summary>
    /// Whether the text is quoted. Quoted text is always a string; plain text may be a number, a boolean or null.
    /// </summary>
    public bool Quoted { get; } = quoted;

    public bool IsNull => !Quoted && Text is "" or "~" or "null";

    public override string Shown => Text.Length <= 60 ? $"'{Text}'" : $"'{Text[..57]}...'";
}

internal sealed class RecipeList(string where, IReadOnlyList<RecipeNode> items) : RecipeNode(where)
{
    public IReadOnlyList<RecipeNode> Items { get; } = items;

    public override string Shown => "a list";
}

internal sealed class RecipeMapping(string where) : RecipeNode(where)
{
    private readonly Dictionary<string, (string Where, RecipeNode Value)> _entries = [];

    public IEnumerable<(string Key, string Where, RecipeNode Value)> Entries =>
        _entries.Select(e => (e.Key, e.Value.Where, e.Value.Value));

    public override string Shown => "a section";

    public bool Add(string key, string where, RecipeNode value) => _entries.TryAdd(key, (where, value));

    public void Set(string key, string where, RecipeNode value) => _entries[key] = (where, value);

    public RecipeNode? Find(string key) => _entries.TryGetValue(key, out var entry) ? entry.Value : null;

    /// <summary>The section at a path; sections that are missing are made, at a place.</summary>
    public RecipeMapping SectionAt(ReadOnlySpan<string> keys, string where)
    {
        RecipeMapping section = this;
        foreach (string key in keys)
        {
            if (section.Find(key) is not RecipeMapping inner)
                section.Set(key, where, inner = new RecipeMapping(where));
            section = inner;
        }
        return section;
    }

    public bool Remove(string key) => _entries.Remove(key);

    public void KeepOnly(string key)
    {
        foreach (string other in _entries.Keys.Where(k => k != key).ToList())
            _entries.Remove(other);
    }
}
