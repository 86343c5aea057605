using System.Text.Json.Nodes;

namespace Atelier.Server.Tests;

/// <summary>Recipes for data are suggested, checked and changed, and name no file of the machine.</summary>
public sealed class RecipeTests : IAsyncLifetime
{
    private TestServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Families_are_those_that_can_learn_the_kind_and_the_usual_one_is_first()
    {
        string[] text = Names(await _server.GetAsync("v1/atelier/families?kind=text", Cancellation));
        text[0].ShouldBe("gpt");
        text.ShouldContain("ngram");
        string[] images = Names(await _server.GetAsync("v1/atelier/families?kind=images", Cancellation));
        images.ShouldContain("diffusion");
        images.ShouldNotContain("gpt");
        Names(await _server.GetAsync("v1/atelier/families", Cancellation)).Length
            .ShouldBe(_server.Workshop.Families.Count);

        static string[] Names(JsonNode answer) =>
            [.. answer["families"]!.AsArray().Select(family => (string)family!["name"]!)];
    }

    [Fact]
    public async Task Advice_is_a_recipe_that_names_the_data_by_their_id()
    {
        string id = await TextAsync();
        JsonNode advice = await AskAsync("advice", new JsonObject { ["data"] = id });
        string yaml = (string)advice["recipe_yaml"]!;
        yaml.ShouldContain($"source: {id}");
        yaml.ShouldContain("family: gpt");
        yaml.ShouldNotContain(_server.At(""));
        ((string)advice["summary"]!).ShouldStartWith("gpt, ");
        ((string)advice["amount"]!).ShouldContain("text");
        advice["reasons"]!.AsArray().Count.ShouldBeGreaterThan(1);
        JsonNode check = await AskAsync("recipes/check", new JsonObject { ["recipe_yaml"] = yaml });
        ((bool)check["valid"]!).ShouldBeTrue(check["errors"]!.ToJsonString());
        ((string)check["summary"]!).ShouldBe((string)advice["summary"]!);
        JsonNode other = await AskAsync("advice", new JsonObject { ["data"] = id, ["family"] = "ngram" });
        ((string)other["recipe_yaml"]!).ShouldContain("family: ngram");
        JsonNode world = await AskAsync("advice", new JsonObject { ["data"] = "world:shapes" });
        ((string)world["recipe_yaml"]!).ShouldContain("source: world:shapes");
    }

    [Theory]
    [InlineData("advice", "{}", 400, "data")]
    [InlineData("advice", """{"data":"upload-none"}""", 404, "data")]
    [InlineData("advice", """{"data":"/etc/passwd"}""", 404, "data")]
    [InlineData("advice", """{"data":5}""", 400, "data")]
    [InlineData("advice", """{"data":"world:shapes","kind":"smells"}""", 400, "kind")]
    [InlineData("advice", """{"data":"world:shapes","family":"gpt"}""", 400, "family")]
    [InlineData("advice", """{"data":"world:shapes","family":"none"}""", 400, "family")]
    [InlineData("recipes/check", "{}", 400, "recipe_yaml")]
    [InlineData("recipes/check", """{"recipe_yaml":["a"]}""", 400, "recipe_yaml")]
    [InlineData("recipes/check", """{"recipe_yaml":"","other":1}""", 400, "other")]
    [InlineData("recipes/set", """{"recipe_yaml":""}""", 400, "key")]
    [InlineData("recipes/set", """{"recipe_yaml":"","key":"training.stepz","value":"1"}""", 400, "key")]
    [InlineData("recipes/set", """{"recipe_yaml":"","key":"training.steps","value":"a: b: c"}""", 400, "value")]
    [InlineData("recipes/set", """{"recipe_yaml":"","key":"training.steps","value":5}""", 400, "value")]
    [InlineData("recipes/set", """{"recipe_yaml":"- a","key":"training.steps","value":"5"}""", 400, "recipe_yaml")]
    [InlineData("runs", """{"recipe_yaml":""}""", 403, "")]
    public async Task A_wrong_field_is_named(string path, string body, int status, string param)
    {
        (int answered, JsonNode answer) = await _server.PostAsync($"v1/atelier/{path}", body, Cancellation);
        answered.ShouldBe(status, answer.ToJsonString());
        ((string?)answer["error"]!["param"] ?? "").ShouldBe(param, answer.ToJsonString());
    }

    [Fact]
    public async Task All_errors_of_a_recipe_have_their_lines_and_keys_and_the_rest_its_fields()
    {
        JsonNode check = await AskAsync("recipes/check", new JsonObject
        {
            ["recipe_yaml"] = "training:\n  steps: many\n  batchSize: 5\n  stepz: 3\n",
        });
        ((bool)check["valid"]!).ShouldBeFalse();
        check["errors"]!.AsArray().Select(error => ((string)error!["key"]!, (int)error["line"]!))
            .ShouldBe([("training.steps", 2), ("training.stepz", 4)], ignoreOrder: true);
        JsonNode batch = check["fields"]!.AsArray().Single(field => (string)field!["key"]! == "training.batchSize")!;
        ((string)batch["value"]!).ShouldBe("5");
        ((string)batch["section"]!).ShouldBe("training");
        ((bool)batch["set"]!).ShouldBeTrue();
        ((string)batch["description"]!).ShouldContain("batch");
    }

    [Theory]
    [InlineData("data.source", "/etc/passwd")]
    [InlineData("data.source", "runs")]
    [InlineData("data.source", "../uploads")]
    [InlineData("data.source", "/etc/passwd,/etc/group")]
    [InlineData("data.source", "upload-00000000000000000000000000000000")]
    [InlineData("data.source", "upload-00000000000000000000000000000000/../../x")]
    [InlineData("data.tokenizer.file", "/etc/passwd")]
    [InlineData("data.tokenizer.file", "tokenizer.json")]
    [InlineData("training.from", "/tmp")]
    [InlineData("training.from", "../runs/x")]
    [InlineData("data.image.labels", "/etc/labels.csv", "data:\n  source: world:shapes\nmodel: {family: diffusion}\n")]
    [InlineData("data.image.labels", "a/../../b.csv", "data:\n  source: world:shapes\nmodel: {family: diffusion}\n")]
    [InlineData("data.audio.labels", "/etc/labels.csv",
        "data:\n  source: world:sounds\n  kind: audio\nmodel: {family: audio-codec}\n")]
    [InlineData("data.video.labels", "/x.csv", "data:\n  source: world:moving-shapes\n  kind: video\n"
        + "model: {family: diffusion}\n")]
    [InlineData("evaluation.features", "/tmp/evil.pth", "data:\n  source: world:shapes\nmodel: {family: diffusion}\n")]
    [InlineData("model.autoencoder", "/tmp", "data:\n  source: world:shapes\nmodel: {family: diffusion}\n")]
    [InlineData("model.codec", "/tmp", "data:\n  source: world:sounds\nmodel: {family: audio-lm}\n")]
    public async Task A_path_of_the_machine_is_refused_with_its_key(string key, string value, string yaml = "")
    {
        JsonNode set = await AskAsync("recipes/set", new JsonObject
        {
            ["recipe_yaml"] = yaml, ["key"] = key, ["value"] = value,
        });
        JsonNode check = await AskAsync("recipes/check", new JsonObject
        {
            ["recipe_yaml"] = (string)set["recipe_yaml"]!,
        });
        ((bool)check["valid"]!).ShouldBeFalse();
        JsonNode error = check["errors"]!.AsArray().ShouldHaveSingleItem()!;
        ((string)error["key"]!).ShouldBe(key, error.ToJsonString());
        ((int)error["line"]!).ShouldBeGreaterThan(0);
        ((string)error["message"]!).ShouldContain("recipes of requests");
    }

    [Fact]
    public async Task A_model_is_named_by_its_name()
    {
        JsonNode check = await AskAsync("recipes/check", new JsonObject
        {
            ["recipe_yaml"] = "training: {from: tiny}",
        });
        check["errors"]!.AsArray().ShouldBeEmpty(check["errors"]!.ToJsonString());
        ((string)check["summary"]!).ShouldContain("2 layers", Case.Sensitive, "the shape of that model");
    }

    [Fact]
    public async Task A_key_is_set_and_removed_and_comments_stay()
    {
        const string yaml = "# mine\ntraining:\n  steps: 5 # few\n";
        string set = await SetAsync(yaml, "name", "two: words");
        set.ShouldBe("# mine\ntraining:\n  steps: 5 # few\nname: \"two: words\"\n");
        (await SetAsync(set, "training.steps", "7")).ShouldContain("steps: 7 # few");
        (await SetAsync(set, "name", null)).ShouldBe(yaml);
        (await SetAsync(set, "data.clean", "[html, whitespace]")).ShouldContain("clean: [html, whitespace]");
    }

    [Fact]
    public async Task Every_built_in_recipe_is_listed_and_can_be_checked()
    {
        JsonArray recipes = (await _server.GetAsync("v1/atelier/recipes", Cancellation))["recipes"]!.AsArray();
        recipes.Count.ShouldBeGreaterThan(20);
        foreach (JsonNode? recipe in recipes)
        {
            JsonNode check = await AskAsync("recipes/check", new JsonObject
            {
                ["recipe_yaml"] = (string)recipe!["recipe_yaml"]!,
            });
            // those that need another model name its run on the machine
            check["errors"]!.AsArray().Select(error => (string)error!["key"]!)
                .ShouldAllBe(key => key == "model.codec" || key == "model.autoencoder", (string)recipe["name"]!);
        }
    }

    private async Task<string> SetAsync(string yaml, string key, string? value) =>
        (string)(await AskAsync("recipes/set", new JsonObject
        {
            ["recipe_yaml"] = yaml, ["key"] = key, ["value"] = value,
        }))["recipe_yaml"]!;

    private async Task<JsonNode> AskAsync(string path, JsonObject body)
    {
        (int status, JsonNode answer) =
            await _server.PostAsync($"v1/atelier/{path}", body.ToJsonString(), Cancellation);
        status.ShouldBe(200, answer.ToJsonString());
        return answer;
    }

    private async Task<string> TextAsync()
    {
        string text = string.Concat(Enumerable.Range(0, 300).Select(i => $"{i} and {i + 1} make {(2 * i) + 1}.\n\n"));
        (int status, JsonNode answer) = await _server.UploadAsync([("sums.txt",
            System.Text.Encoding.UTF8.GetBytes(text))], cancellation: Cancellation);
        status.ShouldBe(201, answer.ToJsonString());
        return (string)answer["id"]!;
    }
}
