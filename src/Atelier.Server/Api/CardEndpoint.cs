using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Data;
using Atelier.Evaluation;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Server.Serving;
using Atelier.Server.Trainings;
using Atelier.Tasks;
using Atelier.Tasks.Text;

namespace Atelier.Server.Api;

/// <summary>
/// GET /v1/atelier/runs/ID/card and /report: what the model of a run is, its data, its figures beside baselines, its
/// curves and samples, and its limits.
/// </summary>
internal sealed class CardEndpoint(Workshop workshop, RunList runs, RecipeNaming naming)
{
    private const int MostSamples = 4; // of a section
    private const string Bundled = "bundle";

    public Task CardAsync(HttpContext context)
    {
        RunView view = runs.Require(Id(context));
        RunRecord run = view.Record;
        ServedModel? model = runs.ModelOf(view);
        JsonObject json = RunsEndpoint.Describe(run, view.Status);
        json["model"] = model?.Name;
        Describe(json, run.Folder);
        json["downloads"] = new JsonArray([.. model is null ? [] : Downloads(run.Folder).Select(one => (JsonNode)one)]);
        json["report"] = EvaluationReport.Read(run.Folder) is { } report ? Describe(report, run.Folder) : null;
        json["curves"] = RunsEndpoint.Curves(Run.MetricsOf(run.Folder), out _);
        json["samples"] = RunsEndpoint.Files(Run.SamplesOf(run.Folder), MostSamples);
        return JsonAnswer.WriteAsync(context, json);
    }

    public Task ReportAsync(HttpContext context)
    {
        RunRecord run = runs.Require(Id(context)).Record;
        EvaluationReport report = EvaluationReport.Read(run.Folder)
            ?? throw new ApiException(StatusCodes.Status404NotFound, $"the run '{run.Id}' was not evaluated", "id",
                "not_evaluated");
        string name = Path.GetFileName(run.Folder);
        DownloadsEndpoint.SetHeaders(context, "text/markdown; charset=utf-8",
            DownloadsEndpoint.FileNameOf(name) + "-report.md");
        // without the folders of this machine
        return context.Response.WriteAsync((report with { Run = name, Data = FigureJson.DataOf(report) }).ToMarkdown(),
            context.RequestAborted);
    }

    private static string Id(HttpContext context) => (string)context.Request.RouteValues["id"]!;

    /// <summary>Adds what the recipe and the bundle say; parts that are missing or of an unknown family are
    /// null.</summary>
    private void Describe(JsonObject json, string folder)
    {
        string path = Run.RecipePath(folder);
        json["recipe_yaml"] = File.Exists(path) ? naming.ToNames(InputFile.ReadAllText(path)) : null;
        Recipe? recipe = Known(() => Run.ReadRecipe(folder, workshop.Families));
        json["description"] = recipe?.Description;
        json["summary"] = recipe is null ? null : Known(() => RecipeSummary.Of(recipe, workshop.FamilyOf(recipe)));
        json["seed"] = recipe?.Seed;
        json["data"] = recipe is null ? null : DataOf(recipe, folder);
        ModelSummary? size = Known(() => ModelSummary.Of(folder));
        json["model_type"] = size?.ModelType;
        json["parameters"] = size?.Parameters;
        string? text = Known(() => Bundle.Open(folder).CardPath) is { } card && File.Exists(card)
            ? InputFile.ReadAllText(card) : null;
        ModelCard written = ModelCard.Parse(text ?? "");
        json["facts"] = new JsonArray([.. written.Facts.Select(fact =>
            (JsonNode)new JsonObject { ["name"] = fact.Name, ["value"] = fact.Value })]);
        json["about"] = Texts(written.Paragraphs);
    }

    private static JsonObject DataOf(Recipe recipe, string folder)
    {
        string source = recipe.Data.Source ?? "";
        CatalogueEntry? entry = Catalogue.OfThisMachine().Find(source.Split(':')[0]);
        return new JsonObject
        {
            ["source"] = source.Split('/', '\\')[^1],
            ["description"] = entry?.Description,
            ["published_by"] = entry?.Source,
            ["licence"] = entry?.Licence,
            ["files"] = new JsonArray([.. (entry?.Files ?? []).Select(file => (JsonNode)new JsonObject
            {
                ["name"] = file.Name, ["bytes"] = file.Bytes, ["sha256"] = file.Sha256,
            })]),
            ["evaluated_hash"] = Known(() => JudgedScores.Read(folder)?.Content),
        };
    }

    private static JsonObject Describe(EvaluationReport report, string folder)
    {
        string plots = Run.PlotsOf(folder);
        return new JsonObject
        {
            ["data"] = FigureJson.DataOf(report),
            ["verdict"] = report.Verdict,
            ["headline"] = FigureJson.Of(report.Headline),
            ["figures"] = FigureJson.Of(report.Metrics),
            ["baselines"] = new JsonObject(report.Baselines.Select(pair =>
                KeyValuePair.Create<string, JsonNode?>(pair.Key, FigureJson.Of(pair.Value)))),
            ["comparisons"] = new JsonObject(report.Comparisons.Select(pair =>
                KeyValuePair.Create<string, JsonNode?>(pair.Key, FigureJson.Of(pair.Value)))),
            ["notes"] = Texts(report.Notes),
            ["picture"] = report.Picture is { } picture ? RunsEndpoint.Media(plots, picture) : null,
            ["sections"] = new JsonArray([.. report.Sections.Select(section => (JsonNode)new JsonObject
            {
                ["title"] = section.Title,
                ["figures"] = FigureJson.Of(section.Figures),
                ["notes"] = Texts(section.Notes),
                ["images"] = new JsonArray([.. section.Images
                    .Select(image => (image.Caption, Media: RunsEndpoint.Media(plots, image.File)))
                    .Where(image => image.Media is not null).Select(image => (JsonNode)new JsonObject
                    {
                        ["caption"] = image.Caption, ["media"] = image.Media,
                    })]),
                ["samples"] = Texts(section.Samples.Take(MostSamples)),
            })]),
        };
    }

    private IEnumerable<string> Downloads(string folder) =>
        (Known(() => workshop.ExportFormats(folder)) ?? []).Where(format => format == "gguf").Prepend(Bundled);

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode)text)]);

    /// <summary>A part of a card that may be missing, as in a run that is not finished.</summary>
    private static T? Known<T>(Func<T> read)
        where T : class?
    {
        try
        {
            return read();
        }
        catch (AtelierException)
        {
            return null; // the card says what is known
        }
    }
}
