using System.Text.Json.Nodes;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Server.Trainings;
using Atelier.Server.Uploads;
using Atelier.Tasks;

namespace Atelier.Server.Api;

/// <summary>/v1/atelier/families, /advice and /recipes: which models learn data, and the recipes for them.</summary>
internal sealed class RecipesEndpoint(Workshop workshop, DataList data, RecipeChecking checking)
{
    // what the first reasons name
    private static readonly string[] Named = ["data.source", "name", "data.kind", "model.family"];

    public Task FamiliesAsync(HttpContext context)
    {
        IEnumerable<IModelFamily> families = context.Request.Query["kind"] is [{ Length: > 0 } kind]
            ? workshop.FamiliesFor(TaskOf(kind)) : workshop.Families;
        return JsonAnswer.WriteAsync(context, new JsonObject
        {
            ["families"] = new JsonArray([.. families.Select(family => (JsonNode)new JsonObject
            {
                ["name"] = family.Name, ["description"] = family.Description,
            })]),
        });
    }

    public Task ListAsync(HttpContext context) => JsonAnswer.WriteAsync(context, new JsonObject
    {
        ["recipes"] = new JsonArray([.. BuiltInRecipes.All.Select(recipe => (JsonNode)new JsonObject
        {
            ["name"] = recipe.Name, ["description"] = recipe.Description, ["recipe_yaml"] = recipe.Text,
        })]),
    });

    public async Task AdviseAsync(HttpContext context)
    {
        AdviceFields fields = await RequestBody.ReadAsync<AdviceFields>(context).ConfigureAwait(false);
        KnownData known = data.Require(fields.Data, "data");
        ITask task = TaskOf(fields.Kind ?? known.Kind);
        IReadOnlyList<IModelFamily> able = workshop.FamiliesFor(task);
        if (fields.Family is { } asked && able.All(family => family.Name != asked))
            throw ApiException.Invalid("family", workshop.Families.Any(family => family.Name == asked)
                ? $"the family {asked} does not learn data of the kind '{task.Name}'; those that do are "
                    + string.Join(", ", able.Select(family => family.Name))
                : $"there is no family '{asked}'; GET /v1/atelier/families lists them");
        TrainingAdvice advice;
        try
        {
            advice = await Task.Run(() => Advise(known, task, fields.Family ?? able[0].Name, context.RequestAborted),
                context.RequestAborted).ConfigureAwait(false);
        }
        catch (AtelierException e)
        {
            throw ApiException.Invalid("data", checking.Words(e), "unreadable_data");
        }
        string yaml = advice.Settings.Select(setting => setting.Split('=', 2)).Aggregate("", (text, pair) =>
            RecipeEditor.Set(text, pair[0], pair[0] switch
            {
                "data.source" => RecipeEditor.Quote(known.Id),
                "name" => RecipeEditor.Quote(Path.GetFileNameWithoutExtension(known.Name.Split(':')[^1])),
                _ => pair[1],
            }));
        await JsonAnswer.WriteAsync(context, new JsonObject
        {
            ["recipe_yaml"] = yaml, ["summary"] = advice.Summary, ["amount"] = advice.Amount,
            ["reasons"] = new JsonArray([.. Reasons(known, task, advice, fields).Select(line => (JsonNode)line)]),
        }).ConfigureAwait(false);
    }

    public async Task CheckAsync(HttpContext context)
    {
        RecipeFields fields = await RequestBody.ReadAsync<RecipeFields>(context).ConfigureAwait(false);
        CheckedRecipe found = await Task.Run(() => checking.Check(Required(fields.RecipeYaml)), context.RequestAborted)
            .ConfigureAwait(false);
        await JsonAnswer.WriteAsync(context, new JsonObject
        {
            ["valid"] = found.Errors.Count == 0,
            ["errors"] = new JsonArray([.. found.Errors.Select(error => (JsonNode)new JsonObject
            {
                ["message"] = error.Message, ["line"] = error.Line, ["key"] = error.Key,
            })]),
            ["summary"] = found.Summary,
            ["fields"] = new JsonArray([.. found.Fields.Where(field => field.IsRead || field.IsSet).Select(Json)]),
        }).ConfigureAwait(false);
    }

    public async Task SetAsync(HttpContext context)
    {
        RecipeSetFields fields = await RequestBody.ReadAsync<RecipeSetFields>(context).ConfigureAwait(false);
        string yaml = Required(fields.RecipeYaml);
        if (string.IsNullOrEmpty(fields.Key))
            throw ApiException.Invalid("key", "'key' is missing; it is a path such as training.steps");
        CheckedRecipe found = checking.Check(yaml);
        if (found.Recipe is null)
            throw ApiException.Invalid("recipe_yaml", found.Errors[0].Message, "invalid_recipe");
        RecipeField field = found.Fields.FirstOrDefault(field => field.Key == fields.Key)
            ?? throw ApiException.Invalid("key", $"recipes of the family {found.Recipe.Model.Family} have no key "
                + $"'{RecipeNaming.Short(fields.Key)}'; POST /v1/atelier/recipes/check lists them");
        string? value = fields.Value is null ? null
            : field.Type is "text" or "choice" ? RecipeEditor.Quote(fields.Value) : fields.Value;
        try
        {
            yaml = RecipeEditor.Set(yaml, field.Key, value);
        }
        catch (AtelierException e)
        {
            throw ApiException.Invalid("value", checking.Words(e));
        }
        await JsonAnswer.WriteAsync(context, new JsonObject { ["recipe_yaml"] = yaml }).ConfigureAwait(false);
    }

    private static string Required(string? yaml) => yaml
        ?? throw ApiException.Invalid("recipe_yaml", "'recipe_yaml' is missing; it is the text of a recipe");

    private ITask TaskOf(string kind) => workshop.Tasks.FirstOrDefault(task => task.Name == kind)
        ?? throw ApiException.Invalid("kind", $"there is no kind of data '{RecipeNaming.Short(kind)}'; there are "
            + string.Join(", ", workshop.Tasks.Select(task => task.Name)));

    /// <summary>
    /// Settings for data by their amount, or the usual ones where the data are not on this machine yet.
    /// </summary>
    private TrainingAdvice Advise(KnownData known, ITask task, string family, CancellationToken cancellation)
    {
        string? path = known.Upload is not null ? known.Source
            : known.Entry is { } entry && Catalogue.OfThisMachine().Folder(entry) is { } folder
            ? entry.Files is [var only] ? Path.Combine(folder, only.Name) : folder : null;
        if (path is not null)
            return workshop.Advise(task, path, family, cancellation: cancellation);
        string[] settings = [$"data.source={RecipeEditor.Quote(known.Id)}", $"name={RecipeEditor.Quote(known.Name)}",
            $"data.kind={task.Name}", $"model.family={family}"];
        Recipe recipe = RecipeReader.Parse("", "", workshop.Families, settings);
        string amount = known.Origin == "world"
            ? FormattableString.Invariant($"{recipe.Data.WorldDocuments} samples of a world")
            : "a data set to download";
        return new(recipe, settings, amount, RecipeSummary.Of(recipe, workshop.FamilyOf(recipe)));
    }

    private static IEnumerable<string> Reasons(KnownData known, ITask task, TrainingAdvice advice, AdviceFields asked)
    {
        yield return asked.Kind is null ? $"{known.Name} is read as {task.Name}, the kind of most of its files."
            : $"{known.Name} is read as {task.Name}, as asked.";
        yield return asked.Family is null ? $"{advice.Recipe.Model.Family} is the usual family for {task.Name}."
            : $"The family is {advice.Recipe.Model.Family}, as asked.";
        string[] chosen = [.. advice.Settings.Where(setting => !Named.Contains(setting.Split('=')[0]))];
        if (chosen.Length > 0)
            yield return $"For {advice.Amount}: {string.Join(", ", chosen)}.";
    }

    private static JsonNode Json(RecipeField field) => new JsonObject
    {
        ["key"] = field.Key, ["value"] = field.Value, ["default"] = field.Default, ["type"] = field.Type,
        ["choices"] = field.Choices is null ? null : new JsonArray([.. field.Choices.Select(one => (JsonNode)one)]),
        ["minimum"] = field.Minimum, ["maximum"] = field.Maximum, ["description"] = field.Description,
        ["section"] = field.Key.Contains('.', StringComparison.Ordinal) ? field.Key.Split('.')[0] : "recipe",
        ["set"] = field.IsSet,
    };
}

/// <summary>The body of a request for advice.</summary>
internal sealed record AdviceFields : RequestFields
{
    /// <summary>The id of the data.</summary>
    public string? Data { get; init; }

    /// <summary>How to read the data; by default, the kind of most of their files.</summary>
    public string? Kind { get; init; }

    /// <summary>The family to train; by default, the usual one for the kind.</summary>
    public string? Family { get; init; }
}

/// <summary>The body of a request with a recipe.</summary>
internal sealed record RecipeFields : RequestFields
{
    /// <summary>The text of the recipe.</summary>
    public string? RecipeYaml { get; init; }
}

/// <summary>The body of a request that changes a recipe.</summary>
internal sealed record RecipeSetFields : RequestFields
{
    /// <summary>The text of the recipe.</summary>
    public string? RecipeYaml { get; init; }

    /// <summary>The path of the key.</summary>
    public string? Key { get; init; }

    /// <summary>The value, as in the field's own; null removes the key.</summary>
    public string? Value { get; init; }
}
