using System.Text.Json;

namespace Atelier.Generation.Chat;

/// <summary>
/// Reads conversations in OpenAI's form, {"messages": [{"role": "user", "content": "…"}, …]}, or in ShareGPT's,
/// {"conversations": [{"from": "human", "value": "…"}, …]}. The first conversation decides the form of all.
/// </summary>
/// <remarks>
/// Roles are system (or developer), user, assistant and tool; in ShareGPT's form system, human (or user), gpt (or
/// assistant), tool (or observation), and function_call for an answer that calls a tool. In OpenAI's form, a content
/// may be a list of parts of the type text, an answer may have tool_calls and reasoning_content, and one of weight 0 is
/// not to be learned. Both may have "tools", the descriptions of tools.
/// </remarks>
public sealed class ConversationReader
{
    private const string OpenAi = "messages", ShareGpt = "conversations";
    private string? _form;

    /// <summary>Reads a conversation.</summary>
    /// <param name="row">The object of JSON.</param>
    /// <param name="where">The file and the line, for error messages.</param>
    /// <exception cref="AtelierException">It is no conversation, has another form than those before, or does not end
    /// with an answer.</exception>
    public Conversation Read(JsonElement row, string where)
    {
        try
        {
            return Of(row, where);
        }
        catch (InvalidOperationException e) // of System.Text.Json
        {
            throw new AtelierException("has half a surrogate pair", where, "correct the escape \\uD8xx", e);
        }
    }

    /// <summary>Reads a list of messages in OpenAI's form.</summary>
    /// <inheritdoc cref="Read" path="/param"/>
    /// <exception cref="AtelierException">They are no messages.</exception>
    internal static List<ChatTurn> Messages(JsonElement messages, string where) =>
        [.. Elements(messages, OpenAi, where).Select(one => OpenAiTurn(one.Message, one.Where))];

    private Conversation Of(JsonElement row, string where)
    {
        bool isOpenAi = row.TryGetProperty(OpenAi, out JsonElement messages);
        bool isShareGpt = row.TryGetProperty(ShareGpt, out JsonElement said);
        if (isOpenAi == isShareGpt)
            throw new AtelierException(isOpenAi ? $"has both '{OpenAi}' and '{ShareGpt}'"
                : $"has neither '{OpenAi}' (OpenAI's form of conversations) nor '{ShareGpt}' (ShareGPT's)", where,
                "write one of them in every object");
        string form = isOpenAi ? OpenAi : ShareGpt;
        if ((_form ??= form) != form)
            throw new AtelierException($"has '{form}', but the conversations before it have '{_form}'", where,
                "write all conversations in the same form");
        List<ChatTurn> turns = isOpenAi ? Messages(messages, where)
            : [.. Elements(said, ShareGpt, where).Select(one => ShareGptTurn(one.Message, one.Where))];
        if (isShareGpt && row.TryGetProperty("system", out JsonElement system)
            && system.ValueKind == JsonValueKind.String && system.GetString() is { Length: > 0 } instruction)
            turns.Insert(0, new ChatTurn("system", instruction));
        Check(turns, where);
        int before = turns.Count - (isOpenAi ? messages : said).GetArrayLength();
        var conversation = new Conversation(turns)
        {
            Tools = Tools(row, where),
            Uncounted = isOpenAi ? messages.EnumerateArray().Index().Where(message => IsUncounted(message.Item))
                .Select(message => message.Index + before).ToHashSet() : new HashSet<int>(),
        };
        return turns.Index().Any(turn => turn.Index > 0 && turn.Item.Role == "assistant"
            && !conversation.Uncounted.Contains(turn.Index)) ? conversation
            : throw new AtelierException("has no answer to learn", where,
                "an answer is a message of the assistant after another message, without \"weight\": 0");
    }

    private static void Check(List<ChatTurn> turns, string where)
    {
        if (turns[^1].Role != "assistant")
        {
            throw turns.TrueForAll(turn => turn.Role != "assistant")
                ? new AtelierException("has no answer: no message is the assistant's", where,
                    "add one, or leave it out")
                : new AtelierException($"ends with a message of the {turns[^1].Role} instead of an answer", where,
                    "add the answer, or leave the last message out");
        }
        foreach ((int i, ChatTurn turn) in turns.Index())
        {
            if (turn.Role == "assistant" && turn.Text.Length == 0 && turn.Calls is null)
                throw new AtelierException($"message {i + 1} is an empty answer", where, "leave it out");
        }
    }

    private static IEnumerable<(JsonElement Message, string Where)> Elements(JsonElement list, string key, string where)
    {
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
            throw new AtelierException($"'{key}' is {(list.ValueKind == JsonValueKind.Array ? "empty" : "no list")}",
                where, "write a list of messages");
        int number = 0;
        foreach (JsonElement message in list.EnumerateArray())
        {
            string place = $"{where}, message {++number}";
            if (message.ValueKind != JsonValueKind.Object)
                throw new AtelierException("is not an object", place, "write a role and a text");
            yield return (message, place);
        }
    }

    private static ChatTurn OpenAiTurn(JsonElement message, string where)
    {
        string given = Text(message, "role", where), role = given == "developer" ? "system" : given;
        if (role is not ("system" or "user" or "assistant" or "tool"))
            throw new AtelierException($"the role '{role}' is unknown", where,
                "the roles are system, developer, user, assistant and tool");
        List<ToolCall> calls = message.TryGetProperty("tool_calls", out JsonElement listed)
            && listed.ValueKind == JsonValueKind.Array
            ? [.. listed.EnumerateArray().Select(call => Call(call, where))] : [];
        return new ChatTurn(role, Content(message, canLack: role == "assistant", where))
        {
            Reasoning = Optional(message, "reasoning_content") is { Length: > 0 } thought ? thought : null,
            Calls = calls.Count > 0 ? calls : null,
            CallId = Optional(message, "tool_call_id"),
            Name = Optional(message, "name"),
        };
    }

    private static ChatTurn ShareGptTurn(JsonElement message, string where)
    {
        string from = Text(message, "from", where), value = Text(message, "value", where);
        return from switch
        {
            "system" => new ChatTurn("system", value),
            "human" or "user" => new ChatTurn("user", value),
            "gpt" or "assistant" => new ChatTurn("assistant", value),
            "tool" or "observation" => new ChatTurn("tool", value),
            "function_call" => new ChatTurn("assistant", "") { Calls = [Call(Parsed(value, where), where)] },
            _ => throw new AtelierException($"the role '{from}' is unknown", where,
                "the roles are system, human, gpt, tool, function_call and observation"),
        };
    }

    private static string Content(JsonElement message, bool canLack, string where)
    {
        if (!message.TryGetProperty("content", out JsonElement content) || content.ValueKind == JsonValueKind.Null)
            return canLack ? "" : throw new AtelierException("has no content", where, "give it a text");
        if (content.ValueKind == JsonValueKind.String)
            return content.GetString()!;
        if (content.ValueKind != JsonValueKind.Array)
            throw new AtelierException("its content is no text", where, "write a text, or a list of parts");
        return string.Concat(content.EnumerateArray().Select(part =>
        {
            string type = part.ValueKind == JsonValueKind.Object ? Text(part, "type", where)
                : throw new AtelierException("a part of its content is not an object", where,
                    "write a type and a text");
            return type == "text" ? Text(part, "text", where)
                : throw new AtelierException($"a part of its content is of the type '{type}', but models of text learn "
                    + "from text alone", where, "leave the conversation out");
        }));
    }

    private static ToolCall Call(JsonElement call, string where)
    {
        JsonElement function = call;
        if (call.ValueKind == JsonValueKind.Object && call.TryGetProperty("function", out JsonElement inner))
            function = inner;
        if (function.ValueKind != JsonValueKind.Object)
            throw new AtelierException("a call of a tool is not an object", where, "write its name and its arguments");
        JsonElement arguments = function.TryGetProperty("arguments", out JsonElement given) ? given : default;
        if (arguments.ValueKind == JsonValueKind.String)
            arguments = Parsed(arguments.GetString()!, where);
        return new ToolCall(Optional(call, "id") ?? "", Text(function, "name", where),
            arguments.ValueKind == JsonValueKind.Undefined ? new Dictionary<string, object?>()
                : ChatVariables.Value(arguments));
    }

    private static IReadOnlyList<object?>? Tools(JsonElement row, string where)
    {
        if (!row.TryGetProperty("tools", out JsonElement tools) || tools.ValueKind == JsonValueKind.Null)
            return null;
        if (tools.ValueKind == JsonValueKind.String)
            tools = Parsed(tools.GetString()!, where);
        if (tools.ValueKind != JsonValueKind.Array)
            throw new AtelierException("'tools' is no list", where, "write a list of descriptions of functions");
        return tools.GetArrayLength() == 0 ? null : [.. tools.EnumerateArray().Select(ChatVariables.Value)];
    }

    private static bool IsUncounted(JsonElement message) => message.TryGetProperty("weight", out JsonElement weight)
        && weight.ValueKind == JsonValueKind.Number && weight.GetDouble() == 0;

    private static JsonElement Parsed(string json, string where)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new AtelierException("a description or call of a tool is not JSON: "
                + e.Message.Split(" LineNumber:")[0].TrimEnd('.'), where, "correct it", e);
        }
    }

    private static string Text(JsonElement of, string key, string where) => Optional(of, key)
        ?? throw new AtelierException($"has no text '{key}'", where, "every message needs it");

    private static string? Optional(JsonElement of, string key) =>
        of.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;
}
