namespace Atelier.Recipes;

/// <summary>Gives the keys of recipes from earlier versions their present names.</summary>
/// <param name="families">The families that recipes may name.</param>
internal sealed class RenamedKeys(IReadOnlyList<IModelSection> families)
{
    private readonly List<string> _renamed = [];

    /// <summary>What was renamed, as one sentence; empty where nothing was.</summary>
    public IReadOnlyList<string> Notes => _renamed.Count == 0 ? []
        : [$"{string.Join(", ", _renamed.Distinct())}; the earlier names still work"];

    /// <summary>Renames the keys of a recipe.</summary>
    /// <param name="root">The recipe.</param>
    /// <param name="family">The name of its family.</param>
    /// <param name="replaces">Whether an earlier name replaces what the present one says; otherwise both are
    /// refused.</param>
    /// <exception cref="AtelierException">A key is given by both of its names.</exception>
    public void Apply(RecipeMapping root, string family, bool replaces = false)
    {
        foreach ((string earlier, string present) in Of(family))
        {
            string[] from = earlier.Split('.'), to = present.Split('.');
            if (SectionOf(root, from) is not { } section || section.Find(from[^1]) is not { } value)
                continue;
            if (!replaces && SectionOf(root, to)?.Find(to[^1]) is not null)
                throw new AtelierException($"{earlier} is the earlier name of {present}, and both are given",
                    value.Where, $"leave {earlier} out");
            section.Remove(from[^1]);
            root.SectionAt(to[..^1], value.Where).Set(to[^1], value.Where, value);
            Note(earlier, present);
        }
    }

    /// <summary>Returns the present name of a key.</summary>
    public string PresentName(string key, string family)
    {
        if (!Of(family).TryGetValue(key, out string? present))
            return key;
        Note(key, present);
        return present;
    }

    private IReadOnlyDictionary<string, string> Of(string family) =>
        families.FirstOrDefault(known => known.Name == family)?.RenamedKeys ?? new Dictionary<string, string>();

    private void Note(string earlier, string present) => _renamed.Add($"{earlier} is now {present}");

    private static RecipeMapping? SectionOf(RecipeMapping root, string[] keys)
    {
        RecipeMapping? section = root;
        foreach (string key in keys[..^1])
            section = section?.Find(key) as RecipeMapping;
        return section;
    }
}
