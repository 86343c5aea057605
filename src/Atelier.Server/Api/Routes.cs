using System.Text.Json.Nodes;
using Atelier.Server.Serving;
using Atelier.Server.Trainings;
using Atelier.Server.Uploads;
using Microsoft.AspNetCore.Http.Metadata;

namespace Atelier.Server.Api;

/// <summary>The addresses of the API.</summary>
internal static class Routes
{
    private const string Json = "application/json";

    private static readonly int[] Statuses =
    [
        StatusCodes.Status200OK, StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized,
        StatusCodes.Status404NotFound, StatusCodes.Status429TooManyRequests,
    ];

    public static void Map(WebApplication app)
    {
        IServiceProvider services = app.Services;
        var models = services.GetRequiredService<ModelStore>();
        var workshop = services.GetRequiredService<Workshop>();
        var list = new ModelsEndpoint(models, workshop);
        var stopping = app.Lifetime.ApplicationStopping;
        Post<ChatFields>("/v1/chat/completions", new ChatEndpoint(models).InvokeAsync,
            "Writes the next message of a conversation.");
        Post<CompletionFields>("/v1/completions", new CompletionsEndpoint(models).InvokeAsync, "Continues texts.");
        Post<EmbeddingFields>("/v1/embeddings", new EmbeddingsEndpoint(models).InvokeAsync,
            "Turns texts into vectors.");
        var images = new ImagesEndpoint(models, services.GetRequiredService<ServerOptions>());
        Post<ImageFields>("/v1/images/generations", images.GenerateAsync, "Generates images of a class.");
        Post<ImageEditFields>("/v1/images/edits", images.EditAsync,
            "Generates a part of an image anew: of the file image, where the file mask is transparent.",
            "multipart/form-data");
        Post<SpeechFields>("/v1/audio/speech", new SpeechEndpoint(models).InvokeAsync,
            "Generates the sounds of classes, such as spoken digits.");
        Post<GenerateFields>("/v1/atelier/generate", new GenerateEndpoint(models, workshop).InvokeAsync,
            "Generates samples of any model: rows, series, tags, filled-in texts, images, sounds, videos.");
        var explain = new ExplainEndpoint(models);
        Post<ExplainFields>("/v1/atelier/explain", explain.TextAsync,
            "Explains what a model does with a text: attention, logit lens, occlusion.");
        Get("/v1/atelier/models/{name}/explanation", explain.ModelAsync, "Explains what a model has learned.");
        Get("/v1/models", list.ListAsync, "Lists the models.");
        Get("/v1/models/{name}", list.OneAsync, "Describes a model.");
        Get("/v1/atelier/models/{name}", list.OptionsAsync, "Lists the fields that a request to a model can have.");
        MapMaking(app);
        var runs = services.GetRequiredService<RunList>();
        var card = new CardEndpoint(workshop, runs, services.GetRequiredService<RecipeNaming>());
        Get("/v1/atelier/runs/{id}/card", card.CardAsync, "Shows what the model of a training is, and how good.");
        Get("/v1/atelier/runs/{id}/report", card.ReportAsync, "The report of an evaluation, as Markdown.");
        Get("/v1/atelier/compare", new CompareEndpoint(models, runs).InvokeAsync,
            "Compares trainings or models on held-out data.");
        var downloads = new DownloadsEndpoint(models, workshop);
        Get("/v1/atelier/models/{name}/bundle", downloads.BundleAsync, "Downloads a model as a .zip of its bundle.");
        Get("/v1/atelier/models/{name}/gguf", downloads.GgufAsync, "Downloads a model of text as a GGUF file.");
        var open = services.GetRequiredService<StudyList>();
        var results = new StudiesEndpoint(open);
        Get("/v1/atelier/studies", results.ListAsync, "Lists the studies in which people judge outputs.");
        Get("/v1/atelier/studies/{id}", results.ReportAsync, "Scores, agreement and raters of a study.");
        Get("/v1/atelier/studies/{id}/answers.csv", results.AnswersAsync, "The answers of a study.");
        Get("/v1/atelier/studies/{id}/preferences.jsonl", results.PreferencesAsync, "The preferences of a study.");
        var raters = new RateEndpoint(open);
        Post<RateFields>("/v1/rate/next", raters.NextAsync, "The next question of a rater.");
        Post<RateFields>("/v1/rate/answer", raters.AnswerAsync, "Stores an answer, and returns the next question.");
        Post<RateFields>("/v1/rate/undo", raters.UndoAsync, "Removes the rater's last answer.");
        app.MapGet("/health", context => context.Response.WriteAsync("ok", context.RequestAborted));
        app.MapGet("/ready", context =>
        {
            if (stopping.IsCancellationRequested)
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return context.Response.WriteAsync(stopping.IsCancellationRequested ? "stopping" : "ok",
                context.RequestAborted);
        });

        void Post<T>(string path, RequestDelegate answer, string summary, string body = Json)
            where T : RequestFields => Routes.Post<T>(app, path, answer, summary, body);

        void Get(string path, RequestDelegate answer, string summary) => Routes.Get(app, path, answer, summary);
    }

    /// <summary>The addresses of data, recipes and trainings.</summary>
    private static void MapMaking(WebApplication app)
    {
        IServiceProvider services = app.Services;
        var trainings = services.GetRequiredService<TrainingStore>();
        var checking = services.GetRequiredService<RecipeChecking>();
        var known = services.GetRequiredService<DataList>();
        var workshop = services.GetRequiredService<Workshop>();
        var naming = services.GetRequiredService<RecipeNaming>();
        var runs = services.GetRequiredService<RunList>();
        var paths = services.GetRequiredService<PathRedaction>();
        var shown = new RunsEndpoint(workshop, runs, trainings, naming, paths);
        Get("/v1/atelier/runs", shown.ListAsync, "Lists trainings.");
        Get("/v1/atelier/runs/{id}", shown.OneAsync, "Shows the recipe, curves, samples and plots of a training.");
        var starting = new TrainingsEndpoint(workshop, runs, trainings, checking, naming);
        Post<TrainingFields>("/v1/atelier/runs", starting.StartAsync, "Starts a training.");
        Ask("/v1/atelier/runs/{id}/stop", starting.StopAsync, "Interrupts a training, which saves a checkpoint.");
        Ask("/v1/atelier/runs/{id}/resume", starting.ResumeAsync, "Continues a training.");
        var data = new DataEndpoint(known, trainings, paths);
        Get("/v1/atelier/data", data.ListAsync, "Lists uploads, worlds and data sets.");
        Get("/v1/atelier/data/{id}", data.ShowAsync, "Shows what is in data.");
        Ask("/v1/atelier/data", data.AddAsync, "Uploads data, as multipart/form-data with parts named 'file'.");
        app.MapDelete("/v1/atelier/data/{id}", data.DeleteAsync).WithSummary("Deletes an upload.").WithTags("atelier");
        var recipes = new RecipesEndpoint(workshop, known, checking);
        Get("/v1/atelier/families", recipes.FamiliesAsync, "Lists the families that learn a kind of data.");
        Get("/v1/atelier/recipes", recipes.ListAsync, "Lists the built-in recipes.");
        Post<AdviceFields>("/v1/atelier/advice", recipes.AdviseAsync, "Suggests a recipe for data.");
        Post<RecipeFields>("/v1/atelier/recipes/check", recipes.CheckAsync, "Checks a recipe, and lists its keys.");
        Post<RecipeSetFields>("/v1/atelier/recipes/set", recipes.SetAsync, "Changes one key of a recipe.");
        Get("/v1/atelier/studio", context => JsonAnswer.WriteAsync(context, new JsonObject
        {
            ["trains"] = trainings.Starts, ["most_upload_bytes"] = known.Uploads.MostBytes,
        }), "What this server lets pages do.");

        void Post<T>(string path, RequestDelegate answer, string summary)
            where T : RequestFields => Routes.Post<T>(app, path, answer, summary, Json);

        void Get(string path, RequestDelegate answer, string summary) => Routes.Get(app, path, answer, summary);

        void Ask(string path, RequestDelegate answer, string summary) =>
            app.MapPost(path, answer).WithMetadata(answer.Method).WithSummary(summary).WithTags("atelier");
    }

    // the OpenAPI document lists the addresses whose method is known

    private static void Post<T>(WebApplication app, string path, RequestDelegate answer, string summary, string body)
        where T : RequestFields => app.MapPost(path, answer).WithMetadata(answer.Method)
            .WithMetadata(new AcceptsMetadata([body], typeof(T)))
            .WithMetadata([.. Statuses.Select(status => new ProducesResponseTypeMetadata(status))])
            .WithSummary(summary).WithTags(path.Split('/')[2]);

    private static void Get(WebApplication app, string path, RequestDelegate answer, string summary) =>
        app.MapGet(path, answer).WithMetadata(answer.Method).WithSummary(summary).WithTags("models");
}
