using System.Text.Json.Nodes;
using Atelier.Evaluation.Ratings;
using Atelier.Server.Serving;

namespace Atelier.Server.Api;

/// <summary>GET /v1/atelier/studies: the studies, their results so far, and their answers for other programs.</summary>
internal sealed class StudiesEndpoint(StudyList studies)
{
    public Task ListAsync(HttpContext context) => JsonAnswer.WriteAsync(context, new JsonObject
    {
        ["studies"] = new JsonArray([.. studies.All.Select(study => study.Store.Study).Select(study =>
            (JsonNode)new JsonObject
            {
                ["id"] = study.Id, ["title"] = study.Title, ["items"] = study.Items.Count,
            })]),
    });

    public Task ReportAsync(HttpContext context)
    {
        string json = RatingReport.Create(Find(context).Store).ToJson();
        context.Response.ContentType = "application/json; charset=utf-8";
        return context.Response.WriteAsync(json, context.RequestAborted);
    }

    public Task AnswersAsync(HttpContext context) => SendAsync(context, "answers.csv", "text/csv", writer =>
        RatingExport.WriteAnswers(Find(context).Store, writer));

    public Task PreferencesAsync(HttpContext context) =>
        SendAsync(context, "preferences.jsonl", "application/jsonl", writer =>
            RatingExport.WritePreferences(Find(context).Store, writer));

    private static Task SendAsync(HttpContext context, string name, string mediaType, Action<TextWriter> write)
    {
        string answer = Written(write);
        context.Response.ContentType = mediaType + "; charset=utf-8";
        context.Response.Headers.ContentDisposition = $"attachment; filename={name}";
        return context.Response.WriteAsync(answer, context.RequestAborted);
    }

    private static string Written(Action<TextWriter> write)
    {
        using var text = new StringWriter();
        write(text);
        return text.ToString();
    }

    private OpenStudy Find(HttpContext context)
    {
        string id = (string)context.Request.RouteValues["id"]!;
        return studies.All.FirstOrDefault(study => study.Store.Study.Id == id)
            ?? throw new ApiException(StatusCodes.Status404NotFound, $"there is no study '{id}'", "id",
                "study_not_found");
    }
}
