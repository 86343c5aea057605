using System.Globalization;
using System.Text.RegularExpressions;

namespace Atelier.Recipes;

/// <summary>An error in the text of a recipe.</summary>
/// <param name="Error">What is wrong.</param>
/// <param name="Line">The line, from 1; null if it is unknown.</param>
/// <param name="Key">The path of the key; null if the error has none.</param>
public sealed record RecipeFault(AtelierException Error, int? Line, string? Key);

/// <summary>The errors in the text of a recipe, and the recipe without the keys that have them.</summary>
/// <param name="Recipe">The recipe; null if the text is no YAML, or nothing can be read without the faults.</param>
/// <param name="Faults">The errors, in the order in which they were found.</param>
public sealed partial record RecipeCheck(Recipe? Recipe, IReadOnlyList<RecipeFault> Faults)
{
    private const int MostFaults = 50;

    /// <summary>Checks the text of a recipe, and goes on after an error.</summary>
    /// <param name="text">The YAML.</param>
    /// <param name="families">The families that a recipe may name.</param>
    public static RecipeCheck Of(string text, IReadOnlyList<IModelSection> families)
    {
        var faults = new List<RecipeFault>();
        var without = new List<string[]>();
        RecipeMapping? root = null;
        Recipe? recipe = null;
        while (recipe is null && faults.Count < MostFaults)
        {
            try
            {
                recipe = RecipeReader.Parse(Read, families, overrides: null, unread: null, checksTogether: false);
            }
            catch (AtelierException e)
            {
                string[]? key = Add(e);
                if (key is null || !RemoveAt(root!, key))
                    break;
                without.Add(key);
            }
        }
        try
        {
            if (recipe is not null)
                RecipeReader.Parse(Read, families, overrides: null, unread: null);
        }
        catch (AtelierException e)
        {
            Add(e);
        }
        return new(recipe, faults);

        string[]? Add(AtelierException e)
        {
            string[]? key = root is null ? null : KeyOf(e, root);
            faults.Add(new(e, LineOf(e), key is null ? null : string.Join('.', key)));
            return key;
        }

        RecipeMapping Read()
        {
            RecipeMapping read = RecipeYaml.Read(text, "");
            foreach (string[] key in without)
                RemoveAt(read, key);
            return root = read;
        }
    }

    /// <summary>Returns the line of a key in the text of a recipe; null if the text does not set it.</summary>
    /// <param name="text">Valid YAML.</param>
    /// <param name="key">The path of the key.</param>
    public static int? LineOf(string text, string key) =>
        Find(RecipeYaml.Read(text, ""), key.Split('.'))?.Where is { } place ? Line(place) : null;

    private static int? LineOf(AtelierException e) => e.Where is { } place ? Line(place) : null;

    private static int? Line(string place) =>
        place.LastIndexOf(':') is >= 0 and var colon
        && int.TryParse(place[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int line) ? line
            : null;

    /// <summary>
    /// The key that an error is about: the one that its message begins with, or the last of its line.
    /// </summary>
    private static string[]? KeyOf(AtelierException e, RecipeMapping root)
    {
        if (Unknown().Match(e.Message) is { Success: true } unknown)
        {
            string section = unknown.Groups["section"].Value;
            return [.. section == "a recipe" ? [] : section.Split('.'), unknown.Groups["key"].Value];
        }
        string[] first = e.Message.Split(' ')[0].Split('[')[0].Split('.');
        return Find(root, first) is not null ? first
            : Leaves(root, []).LastOrDefault(leaf => leaf.Where == e.Where).Key;
    }

    private static IEnumerable<(string[] Key, string Where)> Leaves(RecipeMapping section, string[] path) =>
        section.Entries.SelectMany(entry => entry.Value is RecipeMapping inner
            ? Leaves(inner, [.. path, entry.Key]) : [([.. path, entry.Key], entry.Where)]);

    private static RecipeNode? Find(RecipeMapping root, ReadOnlySpan<string> key)
    {
        RecipeNode? node = root;
        foreach (string part in key)
            node = (node as RecipeMapping)?.Find(part);
        return node;
    }

    private static bool RemoveAt(RecipeMapping root, string[] key) =>
        Find(root, key.AsSpan()[..^1]) is RecipeMapping section && section.Remove(key[^1]);

    [GeneratedRegex("^(?<section>a recipe|[^ ]+) has no key '(?<key>.*)'$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Unknown();
}
