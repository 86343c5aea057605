using System.Text.Json;

namespace Atelier.Server.Api;

/// <summary>The body of a request for a chat's next message.</summary>
internal sealed record ChatFields : TextFields
{
    /// <summary>The conversation.</summary>
    public IReadOnlyList<MessageFields?>? Messages { get; init; }

    /// <summary>The largest number of tokens of the answer; the newer name of max_tokens.</summary>
    public int? MaxCompletionTokens { get; init; }

    /// <summary>Whether the answer has the log-probabilities of its tokens.</summary>
    public bool? Logprobs { get; init; }

    /// <summary>The number of most probable tokens at each place, from 0 to 20.</summary>
    public int? TopLogprobs { get; init; }

    /// <summary>Text, a JSON object, or JSON by a schema.</summary>
    public FormatFields? ResponseFormat { get; init; }

    /// <summary>The functions that the model may call.</summary>
    public IReadOnlyList<ToolFields?>? Tools { get; init; }

    /// <summary>auto or none: whether the model may call them.</summary>
    public JsonElement? ToolChoice { get; init; }

    /// <summary>How much the model reasons before it answers: none, minimal, low, medium, high or xhigh.</summary>
    public string? ReasoningEffort { get; init; }
}

/// <summary>A message of a conversation.</summary>
internal sealed record MessageFields
{
    /// <summary>The author: system, developer, user, assistant or tool.</summary>
    public string? Role { get; init; }

    /// <summary>The text, or a list of parts with texts.</summary>
    public JsonElement? Content { get; init; }

    /// <summary>Accepted without effect: the name of a participant.</summary>
    public string? Name { get; init; }

    /// <summary>The reasoning of an earlier answer.</summary>
    public string? ReasoningContent { get; init; }

    /// <summary>The calls of an earlier answer.</summary>
    public IReadOnlyList<CallFields?>? ToolCalls { get; init; }

    /// <summary>The call whose result a message of the role tool is.</summary>
    public string? ToolCallId { get; init; }

    /// <summary>Accepted without effect: what an earlier answer refused.</summary>
    public string? Refusal { get; init; }
}

/// <summary>A tool that the model may call.</summary>
internal sealed record ToolFields
{
    /// <summary>function.</summary>
    public string? Type { get; init; }

    /// <summary>The function.</summary>
    public FunctionFields? Function { get; init; }
}

/// <summary>A function that the model may call.</summary>
internal sealed record FunctionFields
{
    /// <summary>Its name.</summary>
    public string? Name { get; init; }

    /// <summary>What it does.</summary>
    public string? Description { get; init; }

    /// <summary>The schema of its parameters.</summary>
    public JsonElement? Parameters { get; init; }

    /// <summary>Accepted without effect.</summary>
    public bool? Strict { get; init; }
}

/// <summary>A call of a function by the model.</summary>
internal sealed record CallFields
{
    /// <summary>The identifier, which the result names.</summary>
    public string? Id { get; init; }

    /// <summary>function.</summary>
    public string? Type { get; init; }

    /// <summary>The function and its arguments.</summary>
    public CalledFields? Function { get; init; }
}

/// <summary>The function of a call.</summary>
internal sealed record CalledFields
{
    /// <summary>Its name.</summary>
    public string? Name { get; init; }

    /// <summary>A JSON object of its arguments, as text.</summary>
    public string? Arguments { get; init; }
}

/// <summary>The form of an answer.</summary>
internal sealed record FormatFields
{
    /// <summary>text, json_object or json_schema.</summary>
    public string? Type { get; init; }

    /// <summary>The schema and its name.</summary>
    public SchemaFields? JsonSchema { get; init; }
}

/// <summary>A JSON schema of an answer.</summary>
internal sealed record SchemaFields
{
    /// <summary>The name of the schema.</summary>
    public string? Name { get; init; }

    /// <summary>What the schema is for.</summary>
    public string? Description { get; init; }

    /// <summary>The schema.</summary>
    public JsonElement? Schema { get; init; }

    /// <summary>Accepted without effect: answers always satisfy the schema.</summary>
    public bool? Strict { get; init; }
}
