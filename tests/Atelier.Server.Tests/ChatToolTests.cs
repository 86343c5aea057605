using System.ClientModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Tests.Data;
using OpenAI;
using OpenAI.Chat;
using ChatMessage = OpenAI.Chat.ChatMessage;

namespace Atelier.Server.Tests;

/// <summary>
/// Tools and reasoning over HTTP, by OpenAI's own client and without. The weights are random: a regular expression of
/// the model's folder makes it call.
/// </summary>
public sealed class ChatToolTests : IAsyncLifetime
{
    private const string Chat = "v1/chat/completions";
    private const string Template = "{% for t in tools or [] %}{{ t.function.name }} {% endfor %}"
        + "{% for m in messages %}{{ m.role }}: "
        + "{{ m.content }}{% for c in m.tool_calls %}<tool_call>\n{\"name\": \"{{ c.function.name }}\", "
        + "\"arguments\": {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}\n{% endfor %}"
        + "{# enable_thinking, </think> #}";
    private const string Answer = @"<think>I ask\.</think>Now\.<tool_call>\{""name"": ""weather"", ""arguments"": "
        + @"\{""city"": ""[a-z]{2,4}""\}\}</tool_call>";
    private static readonly BinaryData Parameters = BinaryData.FromString(
        """{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}""");

    private readonly TemporaryFolder _folder = new();
    private TestServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        string folder = _folder["caller"];
        TestServer.WriteModel(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "tokenizer_config.json"),
            new JsonObject { ["chat_template"] = Template }.ToJsonString());
        await File.WriteAllTextAsync(Path.Combine(folder, "generation_config.json"), new JsonObject
        {
            ["bos_token_id"] = 256, ["eos_token_id"] = 256, ["max_new_tokens"] = 120, ["pattern"] = Answer,
        }.ToJsonString());
        _server = await TestServer.StartAsync(null, null, false, ("caller", folder));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task OpenAIs_client_gets_the_calls_whole_and_streamed_and_sends_results()
    {
        ChatClient chat = new OpenAIClient(new ApiKeyCredential("none"),
            new OpenAIClientOptions { Endpoint = _server.ApiAddress }).GetChatClient("caller");
        var options = new ChatCompletionOptions
        {
            Tools = { ChatTool.CreateFunctionTool("weather", "The weather of a city.", Parameters) },
            ToolChoice = ChatToolChoice.CreateAutoChoice(),
        };
        List<ChatMessage> talk = [ChatMessage.CreateUserMessage("Weather?")];
        ChatCompletion whole = await chat.CompleteChatAsync(talk, options, Cancellation);
        whole.FinishReason.ShouldBe(OpenAI.Chat.ChatFinishReason.ToolCalls);
        whole.Content[0].Text.ShouldBe("Now.");
        ChatToolCall call = whole.ToolCalls.ShouldHaveSingleItem();
        call.FunctionName.ShouldBe("weather");
        JsonDocument.Parse(call.FunctionArguments).RootElement.GetProperty("city").GetString()!.Length
            .ShouldBeInRange(2, 4);

        string text = "", name = "", arguments = "";
        OpenAI.Chat.ChatFinishReason? reason = null;
        await foreach (StreamingChatCompletionUpdate update in chat.CompleteChatStreamingAsync(talk, options,
            Cancellation))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            foreach (StreamingChatToolCallUpdate piece in update.ToolCallUpdates)
            {
                piece.Index.ShouldBe(0);
                name += piece.FunctionName;
                arguments += piece.FunctionArgumentsUpdate;
            }
            reason = update.FinishReason ?? reason;
        }
        (text, name, reason).ShouldBe(("Now.", "weather", OpenAI.Chat.ChatFinishReason.ToolCalls));
        JsonDocument.Parse(arguments).RootElement.GetProperty("city").GetString()!.Length.ShouldBeInRange(2, 4);

        talk.Add(ChatMessage.CreateAssistantMessage(whole));
        talk.Add(ChatMessage.CreateToolMessage(call.Id, "sunny"));
        ChatCompletion next = await chat.CompleteChatAsync(talk, options, Cancellation);
        next.Usage.InputTokenCount.ShouldBeGreaterThan(whole.Usage.InputTokenCount + "sunny".Length);
    }

    [Fact]
    public async Task Reasoning_is_apart_from_the_answer()
    {
        (int status, JsonNode answer) = await _server.PostAsync(Chat, Body(new()));
        status.ShouldBe(200, answer.ToJsonString());
        JsonNode message = answer["choices"]![0]!["message"]!;
        ((string)message["reasoning_content"]!).ShouldBe("I ask.");
        // without tools a call is text like any other
        ((string)message["content"]!).ShouldStartWith("Now.<tool_call>");
        ((string)answer["choices"]![0]!["finish_reason"]!).ShouldBe("stop");
        message["tool_calls"].ShouldBeNull();
    }

    [Theory]
    [InlineData("""{"tools": [{"type": "function"}]}""", "tools[0]")]
    [InlineData("""{"tools": [{"type": "retrieval", "function": {"name": "f"}}]}""", "tools[0]")]
    [InlineData("""{"tools": [{"type": "function", "function": {"name": "f", "parameters": 3}}]}""",
        "tools[0].function.parameters")]
    [InlineData("""{"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "required"}""",
        "tool_choice")]
    [InlineData("""{"reasoning_effort": "extreme"}""", "reasoning_effort")]
    [InlineData("""{"messages": [{"role": "tool", "content": "x"}]}""", "messages[0].tool_call_id")]
    [InlineData("""{"messages": [{"role": "user", "content": "x", "tool_calls": [{"id": "a"}]}]}""",
        "messages[0].tool_calls")]
    [InlineData("""{"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}""",
        "messages[0].tool_calls[0]")]
    [InlineData("""
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "["}}]}]}
        """, "messages[0].tool_calls[0].function.arguments")]
    [InlineData("""
        {"tools": [{"type": "function", "function": {"name": "f"}}], "response_format": {"type": "json_object"}}
        """, "tools")]
    [InlineData("""{"model": "tiny", "tools": [{"type": "function", "function": {"name": "f"}}]}""", "tools")]
    [InlineData("""{"model": "tiny", "reasoning_effort": "low"}""", "reasoning_effort")]
    public async Task What_is_wrong_is_named(string fields, string param)
    {
        (int status, JsonNode answer) = await _server.PostAsync(Chat, Body(JsonNode.Parse(fields)!.AsObject()));
        status.ShouldBe(400);
        ((string)answer["error"]!["param"]!).ShouldBe(param, answer.ToJsonString());
    }

    private static string Body(JsonObject fields)
    {
        fields.TryAdd("model", "caller");
        if (!fields.ContainsKey("messages"))
            fields["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Weather?" });
        return fields.ToJsonString();
    }
}
