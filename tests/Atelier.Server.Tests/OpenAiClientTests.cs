using System.ClientModel;
using System.Text.Json;
using Atelier.Data.Images;
using Atelier.TestSupport;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using OpenAI.Images;
using ChatMessage = OpenAI.Chat.ChatMessage;
using ChatResponseFormat = OpenAI.Chat.ChatResponseFormat;
using ImageGenerationOptions = OpenAI.Images.ImageGenerationOptions;

namespace Atelier.Server.Tests;

/// <summary>OpenAI's own .NET client and Microsoft.Extensions.AI over it, unchanged.</summary>
public sealed class OpenAiClientTests(TinyImageModel images) : IAsyncLifetime
{
    private TestServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_streamed_chat_has_the_text_of_a_whole_one()
    {
        ChatClient chat = Client().GetChatClient("tiny");
#pragma warning disable OPENAI001 // the seed is marked as one that may still change
        var options = new ChatCompletionOptions
        {
            Seed = 7, MaxOutputTokenCount = 12, Temperature = 0.8f, IncludeLogProbabilities = true,
            TopLogProbabilityCount = 3,
        };
#pragma warning restore OPENAI001
        ChatMessage[] messages = [ChatMessage.CreateUserMessage("Once upon a time")];
        ChatCompletion whole = await chat.CompleteChatAsync(messages, options, Cancellation);
        string streamed = "";
        ChatTokenUsage? usage = null;
        await foreach (StreamingChatCompletionUpdate update in chat.CompleteChatStreamingAsync(messages, options,
            Cancellation))
        {
            streamed += string.Concat(update.ContentUpdate.Select(part => part.Text));
            usage = update.Usage ?? usage;
        }
        streamed.ShouldBe(whole.Content[0].Text);
        whole.Usage.OutputTokenCount.ShouldBe(whole.ContentTokenLogProbabilities.Count);
        usage!.OutputTokenCount.ShouldBe(whole.Usage.OutputTokenCount);
        usage.InputTokenCount.ShouldBe("Once upon a time".Length + 1, "bytes and the start token");
        foreach (ChatTokenLogProbabilityDetails token in whole.ContentTokenLogProbabilities)
        {
            token.TopLogProbabilities.Count.ShouldBe(3);
            token.TopLogProbabilities[0].LogProbability.ShouldBeGreaterThanOrEqualTo(token.LogProbability);
        }
    }

    [Fact]
    public async Task An_answer_satisfies_the_schema_of_its_response_format()
    {
        ChatClient chat = Client().GetChatClient("tiny");
        BinaryData schema = BinaryData.FromString("""
            {"type":"object","properties":{"yes":{"type":"boolean"},"n":{"type":"integer","minimum":0,"maximum":9}},
            "required":["yes","n"],"additionalProperties":false}
            """);
        ChatCompletion answer = await chat.CompleteChatAsync([ChatMessage.CreateUserMessage("x")],
            new ChatCompletionOptions
            {
                MaxOutputTokenCount = 60,
                ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("answer", schema),
            }, Cancellation);
        using var json = JsonDocument.Parse(answer.Content[0].Text);
        json.RootElement.GetProperty("n").GetInt32().ShouldBeInRange(0, 9);
        json.RootElement.GetProperty("yes").ValueKind.ShouldBeOneOf(JsonValueKind.True, JsonValueKind.False);
    }

    [Fact]
    public async Task The_clients_of_Microsoft_Extensions_AI_work_too()
    {
        using IChatClient chat = Client().GetChatClient("tiny").AsIChatClient();
        var options = new ChatOptions { Seed = 3, MaxOutputTokens = 10, StopSequences = ["\u0001\u0002"] };
        ChatResponse whole = await chat.GetResponseAsync("hello", options, Cancellation);
        string streamed = "";
        await foreach (ChatResponseUpdate update in chat.GetStreamingResponseAsync("hello", options, Cancellation))
            streamed += update.Text;
        streamed.ShouldBe(whole.Text);
        whole.Usage!.OutputTokenCount.ShouldBe(10);
    }

    [Fact]
    public async Task The_models_are_listed()
    {
        OpenAI.Models.OpenAIModelCollection models = await Client().GetOpenAIModelClient().GetModelsAsync(Cancellation);
        models.Select(model => model.Id).ShouldBe(["tiny"]);
    }

    [Fact]
    public async Task An_error_reaches_the_client_with_its_message()
    {
        ClientResultException missing = await Should.ThrowAsync<ClientResultException>(
            () => Client().GetChatClient("other").CompleteChatAsync([ChatMessage.CreateUserMessage("x")], null,
                Cancellation));
        missing.Status.ShouldBe(404);
        missing.Message.ShouldContain("the model 'other' does not exist");
        ClientResultException hot = await Should.ThrowAsync<ClientResultException>(
            () => Client().GetChatClient("tiny").CompleteChatAsync([ChatMessage.CreateUserMessage("x")],
                new ChatCompletionOptions { Temperature = -1 }, Cancellation));
        hot.Status.ShouldBe(400);
        hot.Message.ShouldContain("temperature");
    }

    [Fact]
    public async Task A_client_that_cancels_frees_its_slot()
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        // the random model may end the text itself: a seed with which it does not
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            for (int seed = 0; ; seed++)
            {
#pragma warning disable OPENAI001
                var options = new ChatCompletionOptions { Seed = seed, MaxOutputTokenCount = 200 };
#pragma warning restore OPENAI001
                await foreach (StreamingChatCompletionUpdate update in Client().GetChatClient("tiny")
                    .CompleteChatStreamingAsync([ChatMessage.CreateUserMessage("x")], options, stopping.Token))
                {
                    if (update.FinishReason is null)
                        await stopping.CancelAsync();
                }
            }
        });
        for (int i = 0; i < 200 && _server.Model.Queue.Running > 0; i++)
            await Task.Delay(25, Cancellation);
        _server.Model.Queue.Running.ShouldBe(0);
    }

    [Fact]
    public async Task Embeddings_equal_those_of_the_library()
    {
        string minilm = Path.GetDirectoryName(DataFolder.File("weights", "minilm", "model.safetensors"))!;
        await using TestServer server = await TestServer.StartAsync(others: ("minilm", minilm));
        EmbeddingClient client = new OpenAIClient(new ApiKeyCredential("none"),
            new OpenAIClientOptions { Endpoint = server.ApiAddress }).GetEmbeddingClient("minilm");
        string[] texts = ["A man rides a bicycle.", "你好"];
        OpenAIEmbeddingCollection made = await client.GenerateEmbeddingsAsync(texts, null, Cancellation);
        using var embedder = Exchange.TextEmbedderFile.Open(minilm);
        IReadOnlyList<float[]> expected = embedder.Embed(texts, Cancellation);
        for (int i = 0; i < texts.Length; i++)
            made[i].ToFloats().ToArray().ShouldBe(expected[i]);
        made.Usage.InputTokenCount.ShouldBeGreaterThan(4);
    }

    [Fact]
    public async Task Images_are_generated_and_edited()
    {
        await using TestServer server = await TestServer.StartAsync(null, null, false, ("shapes", await images.Run));
        ImageClient client = new OpenAIClient(new ApiKeyCredential("none"),
            new OpenAIClientOptions { Endpoint = server.ApiAddress }).GetImageClient("shapes");
        GeneratedImageCollection drawn = await client.GenerateImagesAsync("red-circle", 2,
            new ImageGenerationOptions { ResponseFormat = GeneratedImageFormat.Bytes }, Cancellation);
        drawn.Count.ShouldBe(2);
        using var image = new MemoryStream(drawn[0].ImageBytes.ToArray());
        using var mask = new MemoryStream(ImageEditTests.Png(y => y < 16 ? (byte)0 : (byte)255));
        GeneratedImage edited = await client.GenerateImageEditAsync(image, "image.png", "blue-square", mask, "mask.png",
            new ImageEditOptions { ResponseFormat = GeneratedImageFormat.Bytes }, Cancellation);
        byte[] before = ImageFiles.Decode(new(drawn[0].ImageBytes), 32, 32, 3);
        byte[] after = ImageFiles.Decode(new(edited.ImageBytes), 32, 32, 3);
        after.AsSpan(16 * 32, 16 * 32).SequenceEqual(before.AsSpan(16 * 32, 16 * 32)).ShouldBeTrue("red, lower half");
        after.ShouldNotBe(before);
    }

    private OpenAIClient Client() => new(new ApiKeyCredential("none"),
        new OpenAIClientOptions { Endpoint = _server.ApiAddress });
}
