using System.Text.Json.Nodes;
using Atelier.Evaluation.Ratings;
using Atelier.Formats;
using Atelier.Server.Serving;

namespace Atelier.Server.Api;

/// <summary>The body of a rater's request: the token, and an answer.</summary>
internal sealed record RateFields : RequestFields
{
    /// <summary>The token of the rater.</summary>
    public string? Token { get; init; }

    /// <summary>The item on the left.</summary>
    public string? Left { get; init; }

    /// <summary>The item on the right.</summary>
    public string? Right { get; init; }

    /// <summary>The answer to a pair.</summary>
    public PairChoice? Choice { get; init; }

    /// <summary>The item that is valued on a scale.</summary>
    public string? Item { get; init; }

    /// <summary>The name of the scale.</summary>
    public string? Rubric { get; init; }

    /// <summary>The value on the scale.</summary>
    public int? Value { get; init; }

    /// <summary>The time that the rater took, in seconds.</summary>
    public double? Seconds { get; init; }

    /// <summary>The reason, in the rater's words.</summary>
    public string? Reason { get; init; }
}

/// <summary>
/// POST /v1/rate/next, answer and undo: the questions of a study for one rater, whom the token admits. Answers are on
/// the disk before the next question is sent.
/// </summary>
internal sealed class RateEndpoint(StudyList studies)
{
    public async Task NextAsync(HttpContext context)
    {
        (_, OpenStudy study, Rater rater) = await ReadAsync(context).ConfigureAwait(false);
        await AskAsync(context, study, rater, again: null).ConfigureAwait(false);
    }

    public async Task AnswerAsync(HttpContext context)
    {
        (RateFields body, OpenStudy study, Rater rater) = await ReadAsync(context).ConfigureAwait(false);
        double seconds = body.Seconds ?? 0;
        if (study.Store.Study.Kind == StudyKind.Pairwise)
            study.Store.AddPairAnswer(rater.Id, Required(body.Left, "left"), Required(body.Right, "right"),
                body.Choice ?? throw Missing("choice"), seconds, body.Reason);
        else
            study.Store.AddScaleAnswer(rater.Id, Required(body.Item, "item"), Required(body.Rubric, "rubric"),
                body.Value ?? throw Missing("value"), seconds, body.Reason);
        await AskAsync(context, study, rater, again: null).ConfigureAwait(false);
    }

    public async Task UndoAsync(HttpContext context)
    {
        (_, OpenStudy study, Rater rater) = await ReadAsync(context).ConfigureAwait(false);
        PairAnswer? last = null;
        if (study.Store.Study.Kind == StudyKind.Pairwise)
        {
            last = study.Store.PairAnswers().LastOrDefault(answer => answer.Rater == rater.Id);
            study.Store.Undo(rater.Id);
        }
        else
        {
            ScaleAnswer[] own = [.. study.Store.ScaleAnswers().Where(answer => answer.Rater == rater.Id)];
            foreach (ScaleAnswer _ in own.Reverse().TakeWhile(answer => answer.Item == own[^1].Item))
                study.Store.Undo(rater.Id); // all scales of the output
        }
        await AskAsync(context, study, rater, last).ConfigureAwait(false);
    }

    private async Task<(RateFields Body, OpenStudy Study, Rater Rater)> ReadAsync(HttpContext context)
    {
        RateFields body = await RequestBody.ReadAsync<RateFields>(context).ConfigureAwait(false);
        foreach (OpenStudy study in studies.All)
        {
            if (study.Store.FindRater(Required(body.Token, "token")) is { } rater)
                return (body, study, rater);
        }
        throw new ApiException(StatusCodes.Status401Unauthorized,
            "this link is not valid (any more); ask the person who sent it for a new one", "token", "invalid_token");
    }

    /// <summary>Sends the next question, or one that the rater has undone.</summary>
    private static Task AskAsync(HttpContext context, OpenStudy study, Rater rater, PairAnswer? again)
    {
        RatingStore store = study.Store;
        JsonNode? pair = null, item = null;
        IReadOnlyList<Rubric> open = store.Study.Rubrics;
        int answered;
        if (store.Study.Kind == StudyKind.Pairwise)
        {
            IReadOnlyList<PairAnswer> answers = store.PairAnswers();
            answered = answers.Count(answer => answer.Rater == rater.Id);
            if (again is not null)
                pair = Pair(study, study.Item(again.Left), study.Item(again.Right));
            else if (study.Pairs!.Next(rater.Id, answers) is { } next)
                pair = Pair(study, next.Left, next.Right);
        }
        else
        {
            IReadOnlyList<ScaleAnswer> answers = store.ScaleAnswers();
            var own = answers.Where(answer => answer.Rater == rater.Id).ToLookup(answer => answer.Item);
            answered = own.Count(values => values.Count() == open.Count);
            if (study.Items!.Next(rater.Id, answers) is { } next)
            {
                item = Output(study, next);
                item["prompt"] = next.Prompt;
                open = [.. open.ExceptBy(own[next.Id].Select(answer => answer.Rubric), rubric => rubric.Name)];
            }
        }
        return JsonAnswer.WriteAsync(context, new JsonObject
        {
            ["study"] = Describe(store.Study, open), ["rater"] = rater.Name, ["answered"] = answered, ["pair"] = pair,
            ["item"] = item,
        });
    }

    /// <summary>The study, with the scales on which the output has not been valued yet.</summary>
    private static JsonObject Describe(Study study, IReadOnlyList<Rubric> open) => new()
    {
        ["id"] = study.Id,
        ["title"] = study.Title,
        ["kind"] = study.Kind == StudyKind.Pairwise ? "pairwise" : "scale",
        ["rubrics"] = new JsonArray([.. open.Select(rubric => (JsonNode)new JsonObject
        {
            ["name"] = rubric.Name, ["description"] = rubric.Description, ["lowest"] = rubric.Lowest,
            ["highest"] = rubric.Highest, ["lowest_label"] = rubric.LowestLabel,
            ["highest_label"] = rubric.HighestLabel,
        })]),
    };

    private static JsonObject Pair(OpenStudy study, StudyItem left, StudyItem right) => new()
    {
        ["prompt"] = left.Prompt, ["left"] = Output(study, left), ["right"] = Output(study, right),
    };

    /// <summary>An output without the name of its model.</summary>
    private static JsonObject Output(OpenStudy study, StudyItem item) => item.Text is { } text
        ? new JsonObject { ["id"] = item.Id, ["media_type"] = "text/plain", ["text"] = text }
        : new JsonObject
        {
            ["id"] = item.Id, ["media_type"] = item.MediaType,
            ["b64"] = Convert.ToBase64String(InputFile.ReadAllBytes(study.PathOf(item.File!))),
        };

    private static string Required(string? value, string field) =>
        string.IsNullOrEmpty(value) ? throw Missing(field) : value;

    private static ApiException Missing(string field) => ApiException.Invalid(field, $"'{field}' is missing");
}
