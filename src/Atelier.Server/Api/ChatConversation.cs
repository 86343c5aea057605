using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Atelier.Server.Api;

/// <summary>Reads the messages and tools of a body.</summary>
internal static class ChatConversation
{
    private const int MostTools = 128;
    private static readonly JsonElement NoParameters = JsonElement.Parse("""{"type": "object", "properties": {}}""");

    /// <summary>Returns the messages.</summary>
    /// <exception cref="ApiException">A message is incomplete, or has what the model does not read.</exception>
    public static ChatMessage[] Messages(IReadOnlyList<MessageFields?> messages) => [.. messages.Select(Message)];

    /// <summary>Returns the options of a conversation.</summary>
    /// <param name="body">The body.</param>
    /// <param name="isJson">Whether the answer is JSON by a schema.</param>
    /// <exception cref="ApiException">A tool is incomplete, or an option is unknown.</exception>
    public static ChatOptions Options(ChatFields body, bool isJson)
    {
        if (body.Tools is { Count: > MostTools })
            throw ApiException.Invalid("tools", $"'tools' has {body.Tools.Count} functions; at most {MostTools}");
        return new ChatOptions
        {
            Tools = body.Tools is { Count: > 0 } tools ? [.. tools.Select(Tool)] : null,
            ToolMode = body.ToolChoice switch
            {
                null => null,
                { ValueKind: JsonValueKind.Null } => null,
                { ValueKind: JsonValueKind.String } choice when choice.ValueEquals("auto") => ChatToolMode.Auto,
                { ValueKind: JsonValueKind.String } choice when choice.ValueEquals("none") => ChatToolMode.None,
                _ => throw ApiException.Invalid("tool_choice",
                    "no call of a tool can be required; allowed: auto, none"),
            },
            Reasoning = body.ReasoningEffort is null ? null : new ReasoningOptions
            {
                Effort = body.ReasoningEffort switch
                {
                    "none" => ReasoningEffort.None,
                    "minimal" or "low" => ReasoningEffort.Low,
                    "medium" => ReasoningEffort.Medium,
                    "high" => ReasoningEffort.High,
                    "xhigh" => ReasoningEffort.ExtraHigh,
                    string other => throw ApiException.Invalid("reasoning_effort",
                        $"'{other}' is unknown; allowed: none, minimal, low, medium, high, xhigh"),
                },
            },
            ResponseFormat = isJson ? ChatResponseFormat.Json : null,
        };
    }

    private static ChatMessage Message(MessageFields? message, int number)
    {
        string place = FormattableString.Invariant($"messages[{number}]");
        if (message is null)
            throw ApiException.Invalid($"{place}.content", "a message needs a 'content' of text");
        ChatRole role = message.Role switch
        {
            "system" or "developer" => ChatRole.System,
            "user" => ChatRole.User,
            "assistant" => ChatRole.Assistant,
            "tool" => ChatRole.Tool,
            _ => throw ApiException.Invalid($"{place}.role",
                $"the role '{message.Role}' is unknown; allowed: system, developer, user, assistant, tool"),
        };
        if (role != ChatRole.Assistant && message.ToolCalls is { Count: > 0 })
            throw ApiException.Invalid($"{place}.tool_calls", "only answers of the assistant have calls");
        bool needsNoText = message.ToolCalls is { Count: > 0 };
        string text = needsNoText && message.Content is null or { ValueKind: JsonValueKind.Null } ? ""
            : Text(message.Content, place);
        if (role == ChatRole.Tool)
            return new ChatMessage(role, [new FunctionResultContent(message.ToolCallId
                ?? throw ApiException.Invalid($"{place}.tool_call_id", "a result needs the 'tool_call_id' of its call"),
                text)]);
        List<AIContent> contents = [];
        if (!string.IsNullOrEmpty(message.ReasoningContent) && role == ChatRole.Assistant)
            contents.Add(new TextReasoningContent(message.ReasoningContent));
        if (text.Length > 0 || !needsNoText)
            contents.Add(new TextContent(text));
        contents.AddRange((message.ToolCalls ?? []).Select((call, i) =>
            Call(call, FormattableString.Invariant($"{place}.tool_calls[{i}]"))));
        return new ChatMessage(role, contents);
    }

    private static string Text(JsonElement? content, string place) => content?.ValueKind switch
    {
        JsonValueKind.String => content.Value.GetString()!,
        JsonValueKind.Array => string.Concat(content.Value.EnumerateArray().Select(part =>
            part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out JsonElement inner)
                && inner.ValueKind == JsonValueKind.String
                && part.TryGetProperty("type", out JsonElement type) && type.ValueEquals("text")
                ? inner.GetString() : throw ApiException.Invalid($"{place}.content",
                    "the model reads only parts of the type 'text', each with a text"))),
        _ => throw ApiException.Invalid($"{place}.content", "a message needs a 'content' of text"),
    };

    private static FunctionCallContent Call(CallFields? call, string place)
    {
        if (call?.Id is null || call.Function?.Name is null)
            throw ApiException.Invalid(place, "a call needs an 'id' and a 'function' with a 'name'");
        try
        {
            using JsonDocument arguments = JsonDocument.Parse(call.Function.Arguments is { Length: > 0 } given
                ? given : "{}");
            return new FunctionCallContent(call.Id, call.Function.Name, arguments.RootElement.EnumerateObject()
                .ToDictionary(property => property.Name, property => (object?)property.Value.Clone()));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw ApiException.Invalid($"{place}.function.arguments",
                "the arguments of a call are the text of a JSON object, each name once");
        }
    }

    private static AIFunctionDeclaration Tool(ToolFields? tool, int number)
    {
        string place = FormattableString.Invariant($"tools[{number}]");
        if (tool?.Type != "function" || string.IsNullOrEmpty(tool.Function?.Name))
            throw ApiException.Invalid(place, "a tool is of the type 'function', and its 'function' has a 'name'");
        if (tool.Function.Parameters is { ValueKind: not (JsonValueKind.Object or JsonValueKind.Null) })
            throw ApiException.Invalid($"{place}.function.parameters", "'parameters' is a JSON schema, an object");
        JsonElement schema = tool.Function.Parameters is { ValueKind: JsonValueKind.Object } given ? given
            : NoParameters;
        return AIFunctionFactory.CreateDeclaration(tool.Function.Name, tool.Function.Description, schema, null);
    }
}
