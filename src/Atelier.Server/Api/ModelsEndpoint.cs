using System.Text.Json.Nodes;
using Atelier.Runs;
using Atelier.Server.Serving;
using Atelier.Tasks;
using Atelier.Tasks.Conversations;
using Atelier.Tasks.Text;

namespace Atelier.Server.Api;

/// <summary>GET /v1/models and /v1/models/NAME: the models; /v1/atelier/models/NAME: what requests can ask.</summary>
internal sealed class ModelsEndpoint(ModelStore models, Workshop workshop)
{
    private static readonly HashSet<string> Fields =
        [.. typeof(GenerateFields).GetProperties().Select(property => RequestBody.Field(property.Name))];

    public Task ListAsync(HttpContext context) => JsonAnswer.WriteAsync(context, new JsonObject
    {
        ["object"] = "list",
        ["data"] = new JsonArray([.. models.Models.OrderBy(model => model.Name, StringComparer.Ordinal)
            .Select(model => (JsonNode)Describe(model))]),
    });

    public Task OneAsync(HttpContext context) =>
        JsonAnswer.WriteAsync(context,
            Describe(models.Find(Name(context)) ?? throw ApiException.NoModel(Name(context))));

    /// <summary>The fields that a request to a model can have, with their defaults and examples.</summary>
    public async Task OptionsAsync(HttpContext context)
    {
        using ModelLease lease = await models.RequireAsync(Name(context), context.RequestAborted).ConfigureAwait(false);
        ITask task = workshop.TaskOf(lease.Model);
        JsonObject json = Describe(lease.Served);
        json["task"] = task.Name;
        json["explains"] = ExplainEndpoint.Abilities(lease.Model);
        json["edits"] = ImagesEndpoint.CanEdit(lease.Model);
        json["options"] = new JsonArray([.. task.RequestOptions(lease.Model)
            .Select(option => (Field: option.Field == "count" ? "n" : RequestBody.Field(option.Field), option))
            .Where(pair => Fields.Contains(pair.Field)) // others are of the command-line tool
            .Select(pair => (JsonNode)new JsonObject
            {
                ["field"] = pair.Field, ["description"] = pair.option.Description,
                ["default"] = pair.option.Default, ["example"] = pair.option.Example,
                ["choices"] = new JsonArray([.. pair.option.Choices.Select(choice => (JsonNode)choice)]),
            })]);
        await JsonAnswer.WriteAsync(context, json).ConfigureAwait(false);
    }

    private static string Name(HttpContext context) => (string)context.Request.RouteValues["name"]!;

    private JsonObject Describe(ServedModel model) => new()
    {
        ["id"] = model.Name, ["object"] = "model", ["created"] = model.Created.ToUnixTimeSeconds(),
        ["owned_by"] = "atelier", ["model_type"] = model.ModelType, ["loaded"] = model.IsLoaded,
        ["task"] = TaskOf(model),
    };

    /// <summary>The task of a model without loading it: that of its run, or the only one of its type; null if neither
    /// tells.</summary>
    private string? TaskOf(ServedModel model)
    {
        string folder = model.RunFolder;
        if (Run.Exists(folder))
        {
            try
            {
                ITask task = workshop.TaskOf(folder);
                return task is ConversationTask ? new TextTask().Name : task.Name; // it writes texts like any other
            }
            catch (AtelierException)
            {
                return null; // of a family that this server does not know
            }
        }
        IEnumerable<ITask>? tasks = workshop.Families
            .FirstOrDefault(family => family.ModelTypes.Contains(model.ModelType ?? ""))?.Tasks
            .Where(task => task is not ConversationTask);
        return tasks?.ToArray() is [var only] ? only.Name : null;
    }
}
