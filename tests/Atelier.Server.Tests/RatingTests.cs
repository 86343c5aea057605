using System.Text.Json.Nodes;
using Atelier.Evaluation.Ratings;
using Atelier.Tests.Data;

namespace Atelier.Server.Tests;

/// <summary>People judge outputs over HTTP: blind, by tokens, with every answer on the disk.</summary>
public sealed class RatingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Two_raters_at_once_answer_blind_questions_and_the_scores_follow()
    {
        (string path, string[] tokens) = Pairs("ann", "ben");
        await using TestServer server = await TestServer.StartAsync(new ServerOptions { Studies = [path] });
        await Task.WhenAll(tokens.Select(async token =>
        {
            JsonNode question = await AskAsync(server, "next", Body(token));
            for (int i = 0; i < 20; i++)
            {
                JsonNode pair = question["pair"]!;
                question.ToJsonString().ShouldNotContain("good-model", Case.Sensitive, "raters are blind");
                string left = (string)pair["left"]!["text"]!, right = (string)pair["right"]!["text"]!;
                left.ShouldNotBe(right);
                // both prefer the outputs with the word "fine"
                string choice = left.Contains("fine", StringComparison.Ordinal) ? "left" : "right";
                question = await AskAsync(server, "answer", Body(token, ("left", (string)pair["left"]!["id"]!),
                    ("right", (string)pair["right"]!["id"]!), ("choice", choice), ("seconds", 1.5)));
                ((int)question["answered"]!).ShouldBe(i + 1);
            }
        }));
        JsonNode report = JsonNode.Parse(await server.Http.GetStringAsync("v1/atelier/studies/test", Cancellation))!;
        ((string)report["scores"]![0]!["model"]!).ShouldBe("good-model");
        ((int)report["raters"]!).ShouldBe(2);
        string csv = await server.Http.GetStringAsync("v1/atelier/studies/test/answers.csv", Cancellation);
        csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(41);
        string preferences =
            await server.Http.GetStringAsync("v1/atelier/studies/test/preferences.jsonl", Cancellation);
        preferences.ShouldContain("\"chosen\"");
    }

    [Fact]
    public async Task The_last_answer_can_be_undone_and_is_asked_again()
    {
        (string path, string[] tokens) = Pairs("ann");
        await using TestServer server = await TestServer.StartAsync(new ServerOptions { Studies = [path] });
        JsonNode pair = (await AskAsync(server, "next", Body(tokens[0])))["pair"]!;
        string left = (string)pair["left"]!["id"]!, right = (string)pair["right"]!["id"]!;
        await AskAsync(server, "answer",
            Body(tokens[0], ("left", left), ("right", right), ("choice", "both_bad"), ("reason", "neither")));
        JsonNode again = await AskAsync(server, "undo", Body(tokens[0]));
        ((int)again["answered"]!).ShouldBe(0);
        ((string)again["pair"]!["left"]!["id"]!).ShouldBe(left);
        ((string)again["pair"]!["right"]!["id"]!).ShouldBe(right);
    }

    [Fact]
    public async Task Scales_are_answered_one_after_another()
    {
        string path = _folder["scales.db"], token;
        using (var store = RatingStore.Create(path, Study() with
        {
            Kind = StudyKind.Scale, CheckEvery = 0,
            Rubrics = [new() { Name = "sense", Description = "Does it make sense?" },
                new() { Name = "style", Description = "Is it well written?" }],
        }))
            token = store.AddRater("ann").Token;
        await using TestServer server = await TestServer.StartAsync(new ServerOptions { Studies = [path] });
        JsonNode question = await AskAsync(server, "next", Body(token));
        string item = (string)question["item"]!["id"]!;
        question["study"]!["rubrics"]!.AsArray().Count.ShouldBe(2);
        question = await AskAsync(server, "answer", Body(token, ("item", item), ("rubric", "sense"), ("value", 4)));
        ((string)question["item"]!["id"]!).ShouldBe(item, "the second scale of the same output");
        ((string)question["study"]!["rubrics"]!.AsArray().Single()!["name"]!).ShouldBe("style");
        ((int)question["answered"]!).ShouldBe(0);
        question = await AskAsync(server, "answer", Body(token, ("item", item), ("rubric", "style"), ("value", 2)));
        ((string)question["item"]!["id"]!).ShouldNotBe(item);
        ((int)question["answered"]!).ShouldBe(1);
        JsonNode undone = await AskAsync(server, "undo", Body(token));
        ((string)undone["item"]!["id"]!).ShouldBe(item, "all scales of the output are asked again");
        undone["study"]!["rubrics"]!.AsArray().Count.ShouldBe(2);
        await AskAsync(server, "answer", Body(token, ("item", item), ("rubric", "sense"), ("value", 3)));
        (int status, JsonNode answer) = await server.PostAsync("v1/rate/answer",
            Body(token, ("item", item), ("rubric", "sense"), ("value", 9)).ToJsonString(), Cancellation);
        status.ShouldBe(400, answer.ToJsonString());
        ((string)answer["error"]!["param"]!).ShouldBe("value");
    }

    [Theory]
    [InlineData("""{}""", 400, "token")]
    [InlineData("""{"token":"wrong"}""", 401, "token")]
    [InlineData("""{"token":"TOKEN"}""", 400, "left")]
    [InlineData("""{"token":"TOKEN","left":"1","right":"2"}""", 400, "choice")]
    [InlineData("""{"token":"TOKEN","left":"1","right":"2","choice":"up"}""", 400, "choice")]
    [InlineData("""{"token":"TOKEN","left":"1","right":"99","choice":"left"}""", 400, "left")]
    [InlineData("""{"token":"TOKEN","left":"1","right":"2","choice":"left","seconds":-1}""", 400, "seconds")]
    public async Task A_wrong_answer_is_refused(string body, int status, string param)
    {
        (string path, string[] tokens) = Pairs("ann");
        await using TestServer server = await TestServer.StartAsync(
            new ServerOptions { Studies = [path], Keys = ApiKeys.Of("a-key-of-the-owner") });
        (int answered, JsonNode answer) = await server.PostAsync("v1/rate/answer",
            body.Replace("TOKEN", tokens[0], StringComparison.Ordinal), Cancellation);
        answered.ShouldBe(status, answer.ToJsonString());
        ((string?)answer["error"]!["param"]).ShouldBe(param);
        using HttpResponseMessage report = await server.Http.GetAsync("v1/atelier/studies/test", Cancellation);
        ((int)report.StatusCode).ShouldBe(401, "results are the owner's");
    }

    [Fact]
    public async Task A_study_is_generated_from_models_with_attention_checks()
    {
        TestServer.WriteModel(_folder["a"], 1);
        TestServer.WriteModel(_folder["b"], 2);
        var workshop = new Workshop(new WorkshopOptions { Home = _folder["home"] });
        var request = new StudyRequest
        {
            Id = "made", Title = "Which?", Prompts = ["ab ", "c d "], Count = 2,
            Models = new Dictionary<string, string> { ["a"] = _folder["a"], ["b"] = _folder["b"] },
        };
        string path = await workshop.CreateStudyAsync(_folder["study"], request, null, Cancellation);
        using (var store = RatingStore.Open(path))
        {
            store.Study.Models.ShouldBe(["a", "b"]);
            store.Study.Items.Count.ShouldBe(8);
            store.Study.Items.GroupBy(item => item.PromptId).ShouldAllBe(prompt => prompt.Count() == 2);
        }
        (await Should.ThrowAsync<AtelierException>(
            () => workshop.CreateStudyAsync(_folder["study"], request, null, Cancellation)))
            .Message.ShouldContain("not empty");
    }

    [Fact]
    public async Task Identical_outputs_are_not_asked_about_and_the_author_is_told_how_many()
    {
        // two names of one model, and another one: of three pairs for each prompt, one has identical outputs
        TestServer.WriteModel(_folder["a"], 1);
        TestServer.WriteModel(_folder["b"], 2);
        var said = new List<string>();
        var request = new StudyRequest
        {
            Id = "twins", Title = "Which?", Prompts = ["ab ", "c d "], Checks = 0,
            Models = new Dictionary<string, string>
            {
                ["a"] = _folder["a"], ["again"] = _folder["a"], ["b"] = _folder["b"],
            },
        };
        var workshop = new Workshop(new WorkshopOptions { Home = _folder["home"] });
        string path = await workshop.CreateStudyAsync(_folder["study"], request, new Said(said), Cancellation);
        said.ShouldContain("left out: 2 pairs of identical outputs");
        using var store = RatingStore.Open(path);
        var chooser = new PairChooser(store.Study);
        Rater rater = store.AddRater("ann").Rater;
        var asked = new List<RatedPair>();
        while (chooser.Next(rater.Id, store.PairAnswers()) is { } pair)
        {
            asked.Add(pair);
            store.AddPairAnswer(rater.Id, pair.Left.Id, pair.Right.Id, PairChoice.Tie, seconds: 1);
        }
        asked.Count.ShouldBe(4);
        asked.ShouldAllBe(pair => pair.Left.Text != pair.Right.Text);
        (await Should.ThrowAsync<AtelierException>(() => workshop.CreateStudyAsync(_folder["none"], request with
        {
            Models = new Dictionary<string, string> { ["a"] = _folder["a"], ["again"] = _folder["a"] },
        }, null, Cancellation))).Message.ShouldContain("different outputs of two models");
        Directory.Exists(_folder["none"]).ShouldBeFalse();
    }

    private sealed class Said(List<string> lines) : IProgress<string>
    {
        public void Report(string value) => lines.Add(value);
    }

    private static JsonObject Body(string token, params (string Name, JsonNode Value)[] fields)
    {
        var body = new JsonObject { ["token"] = token };
        foreach ((string name, JsonNode value) in fields)
            body[name] = value;
        return body;
    }

    private static async Task<JsonNode> AskAsync(TestServer server, string what, JsonObject body)
    {
        (int status, JsonNode answer) =
            await server.PostAsync($"v1/rate/{what}", body.ToJsonString(), Cancellation);
        status.ShouldBe(200, answer.ToJsonString());
        return answer;
    }

    private (string Path, string[] Tokens) Pairs(params string[] raters)
    {
        string path = _folder["pairs.db"];
        using var store = RatingStore.Create(path, Study());
        return (path, [.. raters.Select(rater => store.AddRater(rater).Token)]);
    }

    private static Study Study() => new()
    {
        Id = "test", Title = "Which is better?",
        Items =
        [
            .. Enumerable.Range(0, 60).Select(i => new StudyItem
            {
                Id = $"{i + 1}", PromptId = $"{i / 2}", Prompt = $"prompt {i / 2}",
                Model = i % 2 == 0 ? "good-model" : "bad-model", Text = i % 2 == 0 ? $"a fine text {i}" : $"a text {i}",
            }),
        ],
    };
}
