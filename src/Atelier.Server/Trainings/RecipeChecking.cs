using System.Text.Json;
using Atelier.Recipes;
using Atelier.Server.Uploads;
using Atelier.Tasks;

namespace Atelier.Server.Trainings;

/// <summary>An error in a recipe.</summary>
/// <param name="Message">What is wrong and what to do, in one line.</param>
/// <param name="Line">The line; null if it is unknown.</param>
/// <param name="Key">The key; null if there is none.</param>
internal sealed record RecipeError(string Message, int? Line, string? Key);

/// <summary>A recipe of a request, checked.</summary>
/// <param name="Recipe">The recipe, with names; null if it cannot be read.</param>
/// <param name="Yaml">Its text, with the paths of this machine; the text of the request if there are errors.</param>
/// <param name="Errors">What is wrong.</param>
/// <param name="Summary">The training in one line; null if there are errors.</param>
/// <param name="Fields">The keys.</param>
internal sealed record CheckedRecipe(Recipe? Recipe, string Yaml, IReadOnlyList<RecipeError> Errors, string? Summary,
    IReadOnlyList<RecipeField> Fields);

/// <summary>Checks recipes of requests as the trainer will read them.</summary>
internal sealed class RecipeChecking(Workshop workshop, RecipeNaming naming, PathRedaction paths)
{
    /// <summary>Checks a recipe.</summary>
    /// <param name="yaml">Its text, with names of data and models.</param>
    public CheckedRecipe Check(string yaml)
    {
        RecipeCheck check = RecipeCheck.Of(yaml, workshop.Families);
        var errors = check.Faults.Select(fault => new RecipeError(Words(fault.Error), fault.Line, fault.Key)).ToList();
        if (check.Recipe is not { } recipe)
            return new(null, yaml, errors, null, []);
        IReadOnlyList<RecipeField> fields = [.. RecipeField.Of(recipe, workshop.Families).Select(WithChoices)];
        var refused = new List<RefusedKey>();
        string resolved = naming.ToPaths(yaml, recipe, refused);
        errors.AddRange(refused.Select(one =>
            new RecipeError(one.Message, RecipeCheck.LineOf(yaml, one.Key), one.Key)));
        if (errors.Count > 0)
            return new(recipe, yaml, errors, null, fields);
        try
        {
            Recipe whole = workshop.Resolve(RecipeReader.Parse(resolved, "", workshop.Families));
            TaskList.Of(whole, workshop.FamilyOf(whole));
            return new(recipe, resolved, [], RecipeSummary.Of(whole, workshop.FamilyOf(whole)), fields);
        }
        catch (AtelierException e)
        {
            string? key = fields.Any(field => field.Key == e.Where) ? e.Where : null;
            errors.Add(new(Words(e), key is null ? null : RecipeCheck.LineOf(yaml, key), key));
            return new(recipe, yaml, errors, null, fields);
        }

        RecipeField WithChoices(RecipeField field) => field.Key != "data.kind" ? field : field with
        {
            Type = "choice", Choices = [.. workshop.FamilyOf(recipe).Tasks.Select(task => task.Name)],
        };
    }

    /// <summary>An error in one line, in the words of requests and without the folders of this machine.</summary>
    public string Words(AtelierException e)
    {
        AtelierException said = e.InWords(name => $"'{JsonNamingPolicy.SnakeCaseLower.ConvertName(name)}'",
            name => $"'atelier {name}'");
        return paths.Redact(said.Hint is null ? said.Message : $"{said.Message}; {said.Hint}");
    }
}
