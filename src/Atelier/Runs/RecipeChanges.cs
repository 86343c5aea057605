using Atelier.Formats;
using Atelier.Recipes;

namespace Atelier.Runs;

/// <summary>
/// Checks that the recipe of an unfinished run was not edited in a way that invalidates its data or checkpoints. The
/// folder of the prepared data holds a copy of the recipe, with which a resumed run is compared.
/// </summary>
internal static class RecipeChanges
{
    private const string FileName = "recipe.yaml"; // in the folder of the prepared data

    /// <summary>Stores a copy of the recipe by which the data were prepared.</summary>
    public static void Keep(Recipe recipe, string dataFolder) =>
        AtomicFile.WriteText(Path.Combine(dataFolder, FileName), RecipeWriter.Write(recipe));

    /// <summary>
    /// Checks that the recipe of a run still matches its prepared data, and its checkpoints if there are any.
    /// </summary>
    /// <exception cref="AtelierException">A key was changed that must not change; the message names it.</exception>
    public static void Check(Run run, IReadOnlyList<IModelSection> families)
    {
        string kept = Path.Combine(run.DataFolder, FileName);
        if (!File.Exists(kept))
            return; // no data was prepared yet
        bool learned = new CheckpointStore(run.CheckpointFolder).Steps.Count > 0;
        Recipe original = RecipeReader.Read(kept, families, overrides: null, unread: []);
        IReadOnlyList<RecipeEntry> before = RecipeEntry.Of(original);
        IReadOnlyList<RecipeEntry> now = RecipeEntry.Of(run.Recipe);
        IEnumerable<string> keys = before.Concat(now)
            .Where(entry => !entry.MayChange && (learned || IsOfData(entry.Key))).Select(entry => entry.Key).Distinct();
        foreach (string key in keys)
        {
            string? was = before.FirstOrDefault(entry => entry.Key == key)?.Value;
            string? current = now.FirstOrDefault(entry => entry.Key == key)?.Value;
            if (was == current)
                continue;
            string misfit = learned && !IsOfData(key) ? "its checkpoint no longer fits"
                : "its prepared data no longer fits";
            throw new AtelierException(
                $"{key} was {was ?? "not set"} when the run was started and is {current ?? "not set"} now: {misfit}",
                Run.RecipePath(run.Folder),
                $"{(was is null ? "take the key out" : $"set it to {was} again")}, or train into another "
                    + $"folder with {Mention.Field("out")}");
        }
        Keep(run.Recipe, run.DataFolder);
    }

    private static bool IsOfData(string key) => key.StartsWith("data.", StringComparison.Ordinal)
        || key is "seed" or "model.family";
}
