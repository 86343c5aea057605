using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Server.Serving;
using Microsoft.Extensions.AI;

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
}

/// <summary>A message of a conversation.</summary>
internal sealed record MessageFields
{
    /// <summary>The author: system, developer, user or assistant.</summary>
    public string? Role { get; init; }

    /// <summary>The text, or a list of parts with texts.</summary>
    public JsonElement? Content { get; init; }

    /// <summary>Accepted without effect: the name of a participant.</summary>
    public string? Name { get; init; }
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

/// <summary>POST /v1/chat/completions: the next message of a conversation.</summary>
internal sealed class ChatEndpoint(ModelStore models)
{
    private const int MostAlternatives = 20;
    private static readonly string[] Ignored =
    [
        "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls",
        "tool_choice", "modalities",
    ];

    private static readonly ConditionalWeakTable<TextGenerator, TextChatClient> Clients = [];

    public async Task InvokeAsync(HttpContext context)
    {
        ChatFields body = await RequestBody.ReadAsync<ChatFields>(context, Ignored).ConfigureAwait(false);
        using ModelLease lease = await models.RequireAsync(body.Model, context.RequestAborted).ConfigureAwait(false);
        ITextGenerator generator = lease.Model.As<ITextGenerator>()
            ?? throw ApiException.Invalid("model", $"the model '{body.Model}' does not write text");
        (GenerationRequest request, int promptTokens) = Request(body, generator);
        var answer = new TextAnswer(generator, [request], promptTokens);
        string id = "chatcmpl-" + Identifiers.New();
        if (body.Stream == true)
            await EventStream.WriteAsync(context, Events(body, generator, answer, lease, id, context.RequestAborted))
                .ConfigureAwait(false);
        else
            await JsonAnswer.WriteAsync(context,
                await WholeAsync(body, generator, answer, lease, id, context.RequestAborted).ConfigureAwait(false))
                .ConfigureAwait(false);
    }

    private static async Task<JsonObject> WholeAsync(ChatFields body, ITextGenerator generator, TextAnswer answer,
        ModelLease lease, string id, CancellationToken cancellation)
    {
        var texts = new System.Text.StringBuilder[answer.Count];
        var reasons = new string?[answer.Count];
        var tokens = new JsonArray[answer.Count];
        for (int i = 0; i < answer.Count; i++)
            (texts[i], tokens[i]) = (new(), []);
        await foreach ((int sample, TextPiece piece) in answer.StreamAsync(lease, cancellation).ConfigureAwait(false))
        {
            texts[sample].Append(piece.Text);
            reasons[sample] = TextAnswer.Reason(piece) ?? reasons[sample];
            if (body.Logprobs == true && piece.Token is { } choice)
                tokens[sample].Add(TokenProbabilities.ForChat(TextAnswer.TokenizerOf(generator), choice));
        }
        return Envelope("chat.completion", id, body.Model!, new JsonArray([.. texts.Select((text, i) =>
            (JsonNode)new JsonObject
            {
                ["index"] = i,
                ["message"] = new JsonObject
                {
                    ["role"] = "assistant", ["content"] = text.ToString(), ["refusal"] = null,
                },
                ["logprobs"] = body.Logprobs == true ? new JsonObject { ["content"] = tokens[i] } : null,
                ["finish_reason"] = reasons[i],
            })]), answer.Usage);
    }

    private static async IAsyncEnumerable<JsonObject> Events(ChatFields body, ITextGenerator generator,
        TextAnswer answer, ModelLease lease, string id,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var hasBegun = new bool[answer.Count];
        await foreach ((int sample, TextPiece piece) in answer.StreamAsync(lease, cancellation).ConfigureAwait(false))
        {
            bool tells = body.Logprobs == true && piece.Token is not null;
            if (piece.Text.Length == 0 && piece.FinishReason is null && !tells && hasBegun[sample])
                continue;
            var delta = new JsonObject();
            if (!hasBegun[sample])
                delta["role"] = "assistant";
            delta["content"] = piece.Text;
            hasBegun[sample] = true;
            yield return Envelope("chat.completion.chunk", id, body.Model!, [new JsonObject
            {
                ["index"] = sample,
                ["delta"] = delta,
                ["logprobs"] = !tells ? null : new JsonObject
                {
                    ["content"] = new JsonArray(TokenProbabilities.ForChat(TextAnswer.TokenizerOf(generator),
                        piece.Token!.Value)),
                },
                ["finish_reason"] = TextAnswer.Reason(piece),
            }], usage: null);
        }
        if (body.IncludesUsage)
            yield return Envelope("chat.completion.chunk", id, body.Model!, [], answer.Usage);
    }

    private static JsonObject Envelope(string kind, string id, string model, JsonArray choices, JsonObject? usage)
    {
        var json = new JsonObject
        {
            ["id"] = id, ["object"] = kind, ["created"] = DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
            ["model"] = model, ["choices"] = choices,
        };
        if (usage is not null)
            json["usage"] = usage;
        return json;
    }

    private static (GenerationRequest Request, int PromptTokens) Request(ChatFields body, ITextGenerator generator)
    {
        if (body.Messages is not { Count: > 0 })
            throw ApiException.Invalid("messages", "'messages' is missing or empty; send at least one message");
        int alternatives = Alternatives(body);
        int count = body.Count();
        ChatMessage[] messages = [.. body.Messages.Select(ToMessage)];
        string? schema = Schema(body.ResponseFormat);
        int? most = body.MaxCompletionTokens ?? body.MaxTokens;
        var request = new GenerationRequest
        {
            Count = count, Seed = body.Seed ?? Random.Shared.NextInt64(), Alternatives = alternatives,
        };
        int promptTokens;
        if (generator is TextGenerator text)
        {
            TextChatClient client = Clients.GetValue(text, model => new TextChatClient(model));
            GenerationRequest chat = client.CreateRequest(messages);
            promptTokens = chat.PromptIds!.Count;
            request = request with { PromptIds = chat.PromptIds, EndIds = chat.EndIds };
            most = ContextLimit.MostTokens(text.Model.ContextLength, promptTokens, most, generator.Defaults,
                "messages");
        }
        else
        {
            if (messages is not [{ Role: var role } only] || role != ChatRole.User)
                throw ApiException.Invalid("messages",
                    "this model writes a target for one source: send one message of the user");
            promptTokens = ((SequenceToSequenceGenerator)generator).EncodeSource(only.Text).Length;
            request = request with { Prompt = only.Text };
        }
        DecodingOptions decoding = body.Decoding(generator.Defaults, most ?? generator.Defaults.MaxTokens);
        if (schema is not null)
            decoding = decoding with { Pattern = null, Grammar = null, Schema = schema };
        return (request with { Decoding = decoding }, promptTokens);
    }

    private static int Alternatives(ChatFields body) => body.TopLogprobs switch
    {
        null => 0,
        < 0 or > MostAlternatives => throw ApiException.Invalid("top_logprobs",
            FormattableString.Invariant($"top_logprobs is {body.TopLogprobs}; allowed: 0 to {MostAlternatives}")),
        not 0 when body.Logprobs != true => throw ApiException.Invalid("top_logprobs",
            "'top_logprobs' needs 'logprobs': true"),
        { } count => count,
    };

    private static ChatMessage ToMessage(MessageFields? message, int number)
    {
        string place = FormattableString.Invariant($"messages[{number}]");
        string text = message?.Content?.ValueKind switch
        {
            JsonValueKind.String => message.Content.Value.GetString()!,
            JsonValueKind.Array => string.Concat(message.Content.Value.EnumerateArray().Select(part =>
                part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out JsonElement inner)
                    && inner.ValueKind == JsonValueKind.String
                    && part.TryGetProperty("type", out JsonElement type) && type.ValueEquals("text")
                    ? inner.GetString() : throw ApiException.Invalid($"{place}.content",
                        "the model reads only parts of the type 'text', each with a text"))),
            _ => throw ApiException.Invalid($"{place}.content", "a message needs a 'content' of text"),
        };
        return new ChatMessage(message!.Role switch
        {
            "system" or "developer" => ChatRole.System,
            "user" => ChatRole.User,
            "assistant" => ChatRole.Assistant,
            _ => throw ApiException.Invalid($"{place}.role",
                $"the role '{message.Role}' is unknown; allowed: system, developer, user, assistant"),
        }, text);
    }

    private static string? Schema(FormatFields? format) => format?.Type switch
    {
        null when format is null => null,
        "text" => null,
        "json_object" => """{"type": "object"}""",
        "json_schema" => format.JsonSchema?.Schema is { ValueKind: JsonValueKind.Object } schema
            ? schema.GetRawText()
            : throw ApiException.Invalid("response_format.json_schema",
                "'json_schema' needs an object with a 'schema'"),
        _ => throw ApiException.Invalid("response_format.type",
            $"'{format.Type}' is unknown; allowed: text, json_object, json_schema"),
    };
}
