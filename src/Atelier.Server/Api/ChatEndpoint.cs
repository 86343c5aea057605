using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Server.Serving;
using Microsoft.Extensions.AI;

namespace Atelier.Server.Api;

/// <summary>POST /v1/chat/completions: the next message of a conversation.</summary>
internal sealed class ChatEndpoint(ModelStore models)
{
    private const int MostAlternatives = 20;
    private static readonly string[] Ignored =
    [
        "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls",
        "modalities",
    ];

    private static readonly ConditionalWeakTable<TextGenerator, TextChatClient> Clients = [];

    public async Task InvokeAsync(HttpContext context)
    {
        ChatFields body = await RequestBody.ReadAsync<ChatFields>(context, Ignored).ConfigureAwait(false);
        using ModelLease lease = await models.RequireAsync(body.Model, context.RequestAborted).ConfigureAwait(false);
        ITextGenerator generator = lease.Model.As<ITextGenerator>()
            ?? throw ApiException.Invalid("model", $"the model '{body.Model}' does not write text");
        (GenerationRequest request, int promptTokens, ChatRequest? chat) = Request(body, generator);
        var answer = new TextAnswer(generator, [request], promptTokens);
        ChatChoice[] choices =
            [.. Enumerable.Range(0, answer.Count).Select(_ => new ChatChoice(generator, chat?.BeginAnswer()))];
        string id = "chatcmpl-" + Identifiers.New();
        if (body.Stream == true)
            await EventStream.WriteAsync(context, Events(body, choices, answer, lease, id, context.RequestAborted))
                .ConfigureAwait(false);
        else
            await JsonAnswer.WriteAsync(context,
                await WholeAsync(body, choices, answer, lease, id, context.RequestAborted).ConfigureAwait(false))
                .ConfigureAwait(false);
    }

    private static async Task<JsonObject> WholeAsync(ChatFields body, ChatChoice[] choices, TextAnswer answer,
        ModelLease lease, string id, CancellationToken cancellation)
    {
        await foreach ((int sample, TextPiece piece) in answer.StreamAsync(lease, cancellation).ConfigureAwait(false))
            choices[sample].Add(piece, body.Logprobs == true);
        return Envelope("chat.completion", id, body.Model!,
            new JsonArray([.. choices.Select((choice, i) => (JsonNode)choice.Whole(i, body.Logprobs == true))]),
            answer.Usage);
    }

    private static async IAsyncEnumerable<JsonObject> Events(ChatFields body, ChatChoice[] choices, TextAnswer answer,
        ModelLease lease, string id, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach ((int sample, TextPiece piece) in answer.StreamAsync(lease, cancellation).ConfigureAwait(false))
        {
            foreach (JsonObject choice in choices[sample].Events(sample, piece, body.Logprobs == true))
                yield return Envelope("chat.completion.chunk", id, body.Model!, new JsonArray(choice), usage: null);
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

    private static (GenerationRequest Request, int PromptTokens, ChatRequest? Chat) Request(ChatFields body,
        ITextGenerator generator)
    {
        if (body.Messages is not { Count: > 0 })
            throw ApiException.Invalid("messages", "'messages' is missing or empty; send at least one message");
        int alternatives = Alternatives(body);
        int count = body.Count();
        ChatMessage[] messages = ChatConversation.Messages(body.Messages);
        string? schema = Schema(body.ResponseFormat);
        int? most = body.MaxCompletionTokens ?? body.MaxTokens;
        var request = new GenerationRequest
        {
            Count = count, Seed = body.Seed ?? Random.Shared.NextInt64(), Alternatives = alternatives,
        };
        int promptTokens;
        ChatRequest? chat = null;
        if (generator is TextGenerator text)
        {
            TextChatClient client = Clients.GetValue(text, model => new TextChatClient(model));
            chat = Begin(client, messages, ChatConversation.Options(body, schema is not null));
            GenerationRequest written = chat.Generation;
            promptTokens = written.PromptIds!.Count;
            request = request with { PromptIds = written.PromptIds, EndIds = written.EndIds };
            most = ContextLimit.MostTokens(text.Model.ContextLength, promptTokens, most, generator.Defaults,
                "messages");
        }
        else
        {
            if (messages is not [{ Role: var role } only] || role != ChatRole.User)
                throw ApiException.Invalid("messages",
                    "this model writes a target for one source: send one message of the user");
            if (body.Tools is { Count: > 0 } || body.ReasoningEffort is not null)
                throw ApiException.Invalid(body.Tools is { Count: > 0 } ? "tools" : "reasoning_effort",
                    "this model writes a target for one source: it neither calls tools nor reasons");
            promptTokens = ((SequenceToSequenceGenerator)generator).EncodeSource(only.Text).Length;
            request = request with { Prompt = only.Text };
        }
        DecodingOptions decoding = body.Decoding(generator.Defaults, most ?? generator.Defaults.MaxTokens);
        if (schema is not null)
            decoding = decoding with { Pattern = null, Grammar = null, Schema = schema };
        return (request with { Decoding = decoding }, promptTokens, chat);
    }

    private static ChatRequest Begin(TextChatClient client, ChatMessage[] messages, ChatOptions options)
    {
        try
        {
            return client.CreateRequest(messages, options);
        }
        catch (AtelierException e) when (e.Where == nameof(ChatOptions.Reasoning))
        {
            throw ApiException.Invalid("reasoning_effort", $"{e.Message}; {e.Hint}");
        }
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
