using Atelier.Data;
using Atelier.Recipes;
using Atelier.Server.Serving;
using Atelier.Server.Uploads;

namespace Atelier.Server.Trainings;

/// <summary>A key of a recipe that a request may not use as it does.</summary>
/// <param name="Key">The key.</param>
/// <param name="Message">Why, and what to write.</param>
internal sealed record RefusedKey(string Key, string Message);

/// <summary>
/// Gives the keys of recipes that may be paths the names that requests use, and the paths that trainings need: requests
/// name data by their ids and models by their names, and no path of theirs reaches the file system.
/// </summary>
internal sealed class RecipeNaming(Workshop workshop, DataList data, ModelStore models, RunList runs)
{
    private static readonly string[] Words = ["auto", "none"];

    /// <summary>Returns the text of a recipe with paths instead of names.</summary>
    /// <param name="yaml">The text, with names.</param>
    /// <param name="recipe">The recipe of the text.</param>
    /// <param name="refused">Receives the keys with other values than names.</param>
    public string ToPaths(string yaml, Recipe recipe, ICollection<RefusedKey> refused)
    {
        foreach (RecipeField field in RecipeField.Of(recipe, workshop.Families))
        {
            if (field.Path is not { } kind || field.Value is not { } value)
                continue;
            string? path = kind switch
            {
                RecipePath.Data => data.Find(value)?.Source,
                RecipePath.Model => FolderOf(value),
                RecipePath.WithinData => IsWithin(value) ? value : null,
                _ => Words.Contains(value) || Catalogue.OfThisMachine().Find(value) is not null ? value : null,
            };
            if (path is null)
                refused.Add(new(field.Key, $"{field.Key} is '{Short(value)}', but {Allowed(kind)}"));
            else if (path != value)
                yaml = RecipeEditor.Set(yaml, field.Key, RecipeEditor.Quote(path));
        }
        return yaml;
    }

    /// <summary>Returns the text of a recipe with names instead of paths, where there are names.</summary>
    /// <param name="yaml">The text, with paths.</param>
    public string ToNames(string yaml)
    {
        if (RecipeCheck.Of(yaml, workshop.Families).Recipe is not { } recipe)
            return yaml;
        foreach (RecipeField field in RecipeField.Of(recipe, workshop.Families))
        {
            if (field.Value is not { } value || field.Path is not (RecipePath.Data or RecipePath.Model))
                continue;
            string? name = field.Path == RecipePath.Data ? data.Uploads.At(value)?.Id : runs.ModelIn(value)?.Name;
            if (name is not null)
                yaml = RecipeEditor.Set(yaml, field.Key, RecipeEditor.Quote(name));
        }
        // the tokenizer of the model that training starts from, which the text need not name
        return recipe.Training.From is { } from && recipe.Data.Tokenizer.File is { } file
            && Path.GetDirectoryName(file) == from ? RecipeEditor.Set(yaml, "data.tokenizer.file", null) : yaml;
    }

    /// <summary>The id of the data that a recipe with paths names; null if they have none.</summary>
    public string? DataOf(string source) => data.Uploads.At(source)?.Id ?? data.Find(source)?.Id;

    /// <summary>Returns a value of a request as messages show it.</summary>
    public static string Short(string value) => value.Length <= 60 ? value : value[..57] + "...";

    private string? FolderOf(string name)
    {
        if (models.Find(name) is { } model)
            return Directory.Exists(model.Path) ? Path.GetFullPath(model.Path) : null;
        return runs.Find(name) is { Status: "finished" } run ? run.Record.Folder : null;
    }

    private static bool IsWithin(string value) => !Path.IsPathRooted(value)
        && !value.Contains('\0', StringComparison.Ordinal) && !value.Split('/', '\\').Contains("..");

    private static string Allowed(RecipePath kind) => kind switch
    {
        RecipePath.Data => "recipes of requests name an upload, a world or a data set; GET /v1/atelier/data lists them",
        RecipePath.Model => "recipes of requests name a model of GET /v1/models, or the id of a finished run",
        RecipePath.WithinData => "recipes of requests name a file within the data",
        _ => "recipes of requests name no files; leave it out",
    };
}
