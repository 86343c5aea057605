using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Atelier.Generation.Chat;

/// <summary>Reads the messages and tools of a request for a chat.</summary>
internal static class ChatMessages
{
    // In one line, and with letters beyond ASCII unescaped: the model reads it.
    private static readonly JsonWriterOptions AsItIs = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Returns the messages of a conversation.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="hasTemplate">Whether the model has a template, which alone writes reasoning, calls and
    /// results.</param>
    /// <exception cref="AtelierException">The content of a message is not supported.</exception>
    public static IEnumerable<ChatTurn> Read(IEnumerable<ChatMessage> messages, bool hasTemplate)
    {
        var names = new Dictionary<string, string>(); // of the tools, by the identifiers of their calls
        int number = 0;
        foreach (ChatMessage message in messages)
        {
            bool isAnswer = hasTemplate && message.Role == ChatRole.Assistant;
            string? reasoning = null;
            List<ToolCall> calls = [];
            bool hasResults = false;
            foreach (AIContent content in message.Contents)
            {
                switch (content)
                {
                    case TextContent:
                        break;
                    case TextReasoningContent thought when isAnswer:
                        reasoning += thought.Text;
                        break;
                    case FunctionCallContent call when isAnswer:
                        names[call.CallId] = call.Name;
                        calls.Add(new ToolCall(call.CallId, call.Name, Arguments(call)));
                        break;
                    case FunctionResultContent result when hasTemplate && message.Role == ChatRole.Tool:
                        hasResults = true;
                        yield return new ChatTurn("tool", Text(result.Result))
                        {
                            CallId = result.CallId, Name = names.GetValueOrDefault(result.CallId),
                        };
                        break;
                    default:
                        throw new AtelierException(
                            FormattableString.Invariant($"it is in message {number}, but the model reads only text"),
                            content.GetType().Name, "leave it out");
                }
            }
            if (!hasResults || message.Text.Length > 0)
            {
                yield return new ChatTurn(message.Role.Value, message.Text)
                {
                    Reasoning = reasoning, Calls = calls.Count == 0 ? null : calls,
                };
            }
            number++;
        }
    }

    /// <summary>Returns the descriptions of tools in the form of OpenAI's interface, which templates take.</summary>
    /// <exception cref="AtelierException">A tool is no function.</exception>
    public static IReadOnlyList<object?> Tools(IEnumerable<AITool> tools) => [.. tools.Select(tool =>
    {
        if (tool is not AIFunctionDeclaration function)
            throw new AtelierException($"'{tool.Name}' is no function, and the model calls only functions", "Tools",
                "leave it out");
        return (object?)new Dictionary<string, object?>
        {
            ["type"] = "function",
            ["function"] = new Dictionary<string, object?>
            {
                ["name"] = function.Name,
                ["description"] = function.Description,
                ["parameters"] = ChatVariables.Value(function.JsonSchema),
            },
        };
    })];

    /// <summary>Returns the schemas of functions by their names.</summary>
    public static Dictionary<string, JsonElement> Schemas(IEnumerable<AITool> tools) =>
        tools.OfType<AIFunctionDeclaration>().DistinctBy(tool => tool.Name)
            .ToDictionary(tool => tool.Name, tool => tool.JsonSchema);

    private static object? Arguments(FunctionCallContent call) => ChatVariables.Value(JsonSerializer.SerializeToElement(
        call.Arguments ?? new Dictionary<string, object?>(),
        AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IDictionary<string, object?>))));

    private static string Text(object? result)
    {
        if (result is null or string)
            return (string?)result ?? "";
        JsonElement json = JsonSerializer.SerializeToElement(result,
            AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(object)));
        if (json.ValueKind == JsonValueKind.String)
            return json.GetString()!;
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, AsItIs))
            json.WriteTo(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
