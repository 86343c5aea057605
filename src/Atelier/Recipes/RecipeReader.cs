using System.Text;
using Atelier.Formats;

namespace Atelier.Recipes;

/// <summary>
/// Reads recipes, and checks all keys and values. An error message gives the line, the value and the allowed values.
/// </summary>
public static class RecipeReader
{
    private const int MaximumBytes = 1 << 20;

    /// <summary>Reads a recipe from a file, or a built-in recipe by its name.</summary>
    /// <param name="pathOrName">The path of a YAML file, or the name of one of <see cref="BuiltInRecipes"/>.</param>
    /// <param name="families">The families that a recipe may name, with their keys of the model section.</param>
    /// <param name="overrides">Changes such as "training.steps=500", applied in order.</param>
    /// <param name="unread">Receives the keys that nothing reads, which are then ignored; null makes them an
    /// error.</param>
    /// <exception cref="AtelierException">The recipe does not exist, or is invalid.</exception>
    public static Recipe Read(string pathOrName, IReadOnlyList<IModelSection> families,
        IReadOnlyList<string>? overrides = null, ICollection<string>? unread = null)
    {
        if (!File.Exists(pathOrName) && BuiltInRecipes.Find(pathOrName) is { } builtIn)
            return Parse(builtIn.Text, builtIn.Name, families, overrides, unread);
        return Parse(ReadFile(pathOrName), pathOrName, families, overrides, unread);
    }

    /// <summary>Parses a recipe.</summary>
    /// <param name="text">The YAML; an empty text is the recipe with all defaults.</param>
    /// <param name="name">The name of the text in error messages.</param>
    /// <param name="families">The families that a recipe may name, with their keys of the model section.</param>
    /// <param name="overrides">Changes such as "training.steps=500", applied in order.</param>
    /// <param name="unread">Receives the keys that nothing reads, which are then ignored; null makes them an
    /// error.</param>
    /// <exception cref="AtelierException">The recipe is invalid.</exception>
    public static Recipe Parse(string text, string name, IReadOnlyList<IModelSection> families,
        IReadOnlyList<string>? overrides = null, ICollection<string>? unread = null) =>
        Parse(() => RecipeYaml.Read(text, name), families, overrides, unread);

    /// <summary>Parses a recipe.</summary>
    /// <param name="read">Reads the recipe as it is written; it may be called twice.</param>
    /// <param name="families">The families that a recipe may name, with their keys of the model section.</param>
    /// <param name="overrides">Changes such as "training.steps=500", applied in order.</param>
    /// <param name="unread">Receives the keys that nothing reads; null makes them an error.</param>
    /// <param name="checksTogether">Whether to check values that must fit each other.</param>
    internal static Recipe Parse(Func<RecipeMapping> read, IReadOnlyList<IModelSection> families,
        IReadOnlyList<string>? overrides, ICollection<string>? unread, bool checksTogether = true)
    {
        var binder = new RecipeBinder(families.ToDictionary(f => f.Name, f => f.ConfigType));
        var renamed = new RenamedKeys(families);
        RecipeMapping root = Written();
        foreach (string change in overrides ?? [])
            Override(root, change, renamed);
        renamed.Apply(root, FamilyOf(root), replaces: true); // in sections that a change set as a whole
        Recipe recipe = binder.Bind(root);
        if (checksTogether)
            Check(recipe, root);
        (string Key, string Reader)[] keys = [.. Unread(recipe)];
        // What a change leaves without a use, such as another family or network, is left out of the text.
        var unreadInText = new Lazy<string[]>(() => [.. Unread(binder.Bind(Written())).Select(found => found.Key)]);
        foreach ((string key, string reader) in keys)
        {
            string place = Place(root, key.Split('.'));
            bool isOfText = !place.StartsWith(OverridePlace, StringComparison.Ordinal);
            if (unread is null && (!isOfText || unreadInText.Value.Contains(key)))
                throw new AtelierException($"{key} would be ignored: {reader} does not read it", place,
                    "leave it out");
            unread?.Add(key);
            Remove(root, key.Split('.'));
        }
        return (keys.Length == 0 ? recipe : binder.Bind(root)) with
        {
            Notes = renamed.Notes, Given = [.. Given(root, "")],
        };

        RecipeMapping Written()
        {
            RecipeMapping written = read();
            renamed.Apply(written, FamilyOf(written));
            return written;
        }

        IEnumerable<(string Key, string Reader)> Unread(Recipe of) =>
            UnreadKeys.Find(of, families.First(family => family.Name == of.Model.Family));
    }

    private static IEnumerable<string> Given(RecipeMapping section, string path) =>
        section.Entries.SelectMany(entry => entry.Value is RecipeMapping inner
            ? Given(inner, $"{path}{entry.Key}.") : [path + entry.Key]);

    private static string OverridePlace => Mention.Field("overrides");

    private static string FamilyOf(RecipeMapping root) =>
        ((root.Find("model") as RecipeMapping)?.Find("family") as RecipeScalar)?.Text ?? new Recipe().Model.Family;

    /// <summary>Removes a key; if it is in a section that is given by a name, removes the whole section.</summary>
    private static void Remove(RecipeMapping section, ReadOnlySpan<string> keys)
    {
        if (keys.Length > 1 && section.Find(keys[0]) is RecipeMapping inner)
            Remove(inner, keys[1..]);
        else
            section.Remove(keys[0]);
    }

    private static string ReadFile(string path)
    {
        if (Directory.Exists(path))
            throw new AtelierException("this is a folder, not a recipe", path,
                $"a run's recipe is its recipe.yaml; to train on a folder of text use {Mention.Field("text")}");
        if (!File.Exists(path))
        {
            string? near = Spelling.Nearest(path, BuiltInRecipes.All.Select(r => r.Name));
            throw new AtelierException("there is no such file or built-in recipe", path,
                near is null ? $"{Mention.Command("recipes list")} shows the built-in ones"
                    : $"did you mean '{near}'? {Mention.Command("recipes list")} shows the built-in ones");
        }
        try
        {
            using FileStream stream = InputFile.Open(path);
            if (stream.Length > MaximumBytes)
                throw new AtelierException($"{stream.Length} bytes are too many for a recipe", path,
                    $"recipes are small YAML files; to train on text use {Mention.Field("text")}");
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException e)
        {
            throw new AtelierException("this is not UTF-8 text", path, "save the recipe as UTF-8", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"cannot be read: {e.Message.TrimEnd('.')}", path, "check its permissions", e);
        }
    }

    private static void Override(RecipeMapping root, string change, RenamedKeys renamed)
    {
        string where = $"{OverridePlace} {change}";
        int equals = change.IndexOf('=', StringComparison.Ordinal);
        string[] keys =
            equals < 0 ? [] : renamed.PresentName(change[..equals].Trim(), FamilyOf(root)).Split('.');
        if (equals < 1 || keys.Any(k => k.Length == 0))
            throw new AtelierException("a change has the form key=value",
                where, $"for example: {Mention.Field("overrides")} training.steps=500");
        RecipeMapping section = root.SectionAt(keys.AsSpan()[..^1], where);
        RecipeNode value = RecipeYaml.ReadValue(change[(equals + 1)..], where);
        // The other keys of the model section belong to the replaced family.
        if (keys is ["model", "family"]
            && (section.Find("family") as RecipeScalar)?.Text != (value as RecipeScalar)?.Text)
            section.KeepOnly("family");
        section.Set(keys[^1], where, value);
    }

    // Checks combinations of values; the binder has checked each value.
    private static void Check(Recipe recipe, RecipeMapping root)
    {
        SplitSection split = recipe.Data.Split;
        double shares = split.Train + split.Validation + split.Test;
        if (shares > 1 + 1e-9)
        {
            throw new AtelierException(FormattableString.Invariant($"data.split sums to {shares:0.######}"),
                Place(root, "data", "split"), "train, validation and test together are at most 1");
        }
        TrainingSection training = recipe.Training;
        if (training.Steps is null && training.Epochs is null && training.Minutes is null)
            throw new AtelierException("the training would never end", Place(root, "training"),
                "give training.steps, training.epochs or training.minutes");
        if (training.Optimizer is { Nesterov: true, Momentum: 0 })
            throw new AtelierException("training.optimizer.nesterov needs momentum",
                Place(root, "training", "optimizer"), "set training.optimizer.momentum, for example 0.9");
    }

    private static string Place(RecipeMapping root, params ReadOnlySpan<string> keys)
    {
        RecipeNode node = root;
        foreach (string key in keys)
        {
            if ((node as RecipeMapping)?.Find(key) is not { } inner)
                break;
            node = inner;
        }
        return node.Where;
    }
}
