using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Microsoft.Extensions.AI;

namespace Atelier.Server.Api;

/// <summary>One answer to a conversation, as it is generated.</summary>
/// <param name="generator">The model.</param>
/// <param name="reader">What finds the parts of the answer; null for an answer that is text.</param>
internal sealed class ChatChoice(ITextGenerator generator, ChatAnswer? reader)
{
    private readonly StringBuilder _text = new(), _reasoning = new();
    private readonly JsonArray _calls = [], _tokens = [];
    private string? _reason;
    private bool _hasBegun;

    /// <summary>Adds a piece to the whole.</summary>
    public void Add(TextPiece piece, bool logprobs)
    {
        foreach (AIContent content in Read(piece))
        {
            if (content is TextContent text)
                _text.Append(text.Text);
            else if (content is TextReasoningContent thought)
                _reasoning.Append(thought.Text);
            else if (content is FunctionCallContent call)
                _calls.Add(Call(call));
        }
        _reason = Reason(piece) ?? _reason;
        if (logprobs && piece.Token is { } choice)
            _tokens.Add(TokenProbabilities.ForChat(TextAnswer.TokenizerOf(generator), choice));
    }

    /// <summary>The whole answer.</summary>
    public JsonObject Whole(int index, bool logprobs)
    {
        var message = new JsonObject
        {
            ["role"] = "assistant", ["content"] = _text.Length == 0 && _calls.Count > 0 ? null : _text.ToString(),
            ["refusal"] = null,
        };
        if (_reasoning.Length > 0)
            message["reasoning_content"] = _reasoning.ToString();
        if (_calls.Count > 0)
            message["tool_calls"] = _calls;
        return new JsonObject
        {
            ["index"] = index, ["message"] = message,
            ["logprobs"] = logprobs ? new JsonObject { ["content"] = _tokens } : null,
            ["finish_reason"] = _reason,
        };
    }

    /// <summary>The events of a piece: one for each of its parts.</summary>
    public IEnumerable<JsonObject> Events(int index, TextPiece piece, bool logprobs)
    {
        var deltas = new List<JsonObject>();
        foreach (AIContent content in Read(piece))
        {
            if (content is TextContent text)
                deltas.Add(new JsonObject { ["content"] = text.Text });
            else if (content is TextReasoningContent thought)
                deltas.Add(new JsonObject { ["reasoning_content"] = thought.Text });
            else if (content is FunctionCallContent call)
                deltas.Add(new JsonObject { ["tool_calls"] = new JsonArray(Numbered(call)) });
        }
        bool hasProbabilities = logprobs && piece.Token is not null;
        if (deltas.Count == 0 && (piece.FinishReason is not null || hasProbabilities || !_hasBegun))
            deltas.Add(new JsonObject { ["content"] = "" });
        for (int i = 0; i < deltas.Count; i++)
        {
            if (!_hasBegun)
                deltas[i].Insert(0, "role", "assistant");
            _hasBegun = true;
            yield return new JsonObject
            {
                ["index"] = index, ["delta"] = deltas[i],
                ["logprobs"] = i > 0 || !hasProbabilities ? null : new JsonObject
                {
                    ["content"] = new JsonArray(TokenProbabilities.ForChat(TextAnswer.TokenizerOf(generator),
                        piece.Token!.Value)),
                },
                ["finish_reason"] = i < deltas.Count - 1 ? null : Reason(piece),
            };
        }
    }

    private IReadOnlyList<AIContent> Read(TextPiece piece) => reader is not null ? reader.Read(piece)
        : piece.Text.Length > 0 ? [new TextContent(piece.Text)] : [];

    private string? Reason(TextPiece piece) => reader?.FinishReason(piece) == ChatFinishReason.ToolCalls
        ? "tool_calls" : TextAnswer.Reason(piece);

    private JsonObject Numbered(FunctionCallContent call)
    {
        JsonObject json = Call(call);
        json.Insert(0, "index", _calls.Count);
        _calls.Add(json.DeepClone());
        return json;
    }

    private static JsonObject Call(FunctionCallContent call) => new()
    {
        ["id"] = call.CallId, ["type"] = "function",
        ["function"] = new JsonObject
        {
            ["name"] = call.Name,
            ["arguments"] = JsonSerializer.Serialize(call.Arguments, AIJsonUtilities.DefaultOptions),
        },
    };
}
