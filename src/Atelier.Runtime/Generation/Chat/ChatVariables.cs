using System.Text.Json;

namespace Atelier.Generation.Chat;

/// <summary>Makes the variables that Hugging Face's tools give to a template.</summary>
/// <param name="mark">What to do with the texts of messages and arguments.</param>
/// <param name="markNames">What to do with the names of tools and arguments in calls, by which a template may
/// choose.</param>
/// <param name="markTools">What to do with the descriptions of tools, whose words a template may look for.</param>
internal sealed class ChatVariables(
    Func<string, string> mark, Func<string, string> markNames, Func<string, string> markTools)
{
    /// <summary>Returns the messages of a conversation.</summary>
    public List<object?> Messages(IReadOnlyList<ChatTurn> turns) => [.. turns.Select(Message)];

    /// <summary>Returns the descriptions of tools.</summary>
    public object? Tools(IReadOnlyList<object?>? tools) => tools is null ? null : Marked(tools, markTools, key => key);

    /// <summary>Returns a value of JSON as a template's value.</summary>
    public static object? Value(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().Aggregate(new Dictionary<string, object?>(), (map, property) =>
        {
            map[property.Name] = Value(property.Value);
            return map;
        }),
        JsonValueKind.Array => json.EnumerateArray().Select(Value).ToList(),
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => json.TryGetInt64(out long whole) ? (object)whole : json.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    private Dictionary<string, object?> Message(ChatTurn turn)
    {
        var message = new Dictionary<string, object?> { ["role"] = turn.Role, ["content"] = mark(turn.Text) };
        if (turn.Reasoning is not null)
            message["reasoning_content"] = mark(turn.Reasoning);
        if (turn.Calls is not null)
        {
            message["tool_calls"] = turn.Calls.Select(call => (object?)new Dictionary<string, object?>
            {
                ["id"] = markNames(call.Id),
                ["type"] = "function",
                ["function"] = new Dictionary<string, object?>
                {
                    ["name"] = markNames(call.Name), ["arguments"] = Marked(call.Arguments, mark, markNames),
                },
            }).ToList();
        }
        if (turn.CallId is not null)
            message["tool_call_id"] = markNames(turn.CallId);
        if (turn.Name is not null)
            message["name"] = markNames(turn.Name);
        return message;
    }

    private static object? Marked(object? value, Func<string, string> by, Func<string, string> byKey) => value switch
    {
        string text => by(text),
        IReadOnlyDictionary<string, object?> map => map.Aggregate(new Dictionary<string, object?>(), (marked, item) =>
        {
            marked[byKey(item.Key)] = Marked(item.Value, by, byKey);
            return marked;
        }),
        IEnumerable<object?> list => list.Select(item => Marked(item, by, byKey)).ToList(),
        _ => value,
    };
}
