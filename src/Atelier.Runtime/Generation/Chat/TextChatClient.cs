using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Tokenizers;
using Microsoft.Extensions.AI;

namespace Atelier.Generation.Chat;

#pragma warning disable MEAI001 // experimental options are refused like any other unsupported option

/// <summary>
/// An <see cref="IChatClient"/> over a text model. Conversations are written by the model's own template.
/// For a model without a template, the prompt is the texts of the messages, joined by line ends, without roles, and the
/// answer is the generated continuation.
/// </summary>
/// <remarks>
/// Safe for concurrent use: any number of conversations may run at the same time, and the same seed gives the same
/// answer regardless of other requests. These <see cref="ChatOptions"/> are supported: temperature, top-p, top-k, the
/// penalties, the seed, stop sequences, the maximum number of output tokens, a JSON response format, which constrains
/// the answer to its schema, and instructions, which become a system message before the others. All other options are
/// refused by name, as is content other than text.
/// </remarks>
/// <param name="generator">The generator of answers. The client does not dispose it.</param>
/// <param name="modelId">The model name in responses.</param>
/// <param name="format">The conversation format; null takes the model's template.</param>
/// <exception cref="AtelierException">The model's template is damaged or uses what is not supported.</exception>
public sealed class TextChatClient(TextGenerator generator, string modelId = "atelier", ChatFormat? format = null)
    : IChatClient
{
    private readonly ChatForm _form = new(generator.Tokenizer, generator.Bounds, generator.ChatTemplate, format);

    /// <summary>The conversation format.</summary>
    public ChatFormat Format => _form.Format;

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        GenerationRequest request = CreateRequest(messages, options);
        await foreach (TextSample sample in generator.GenerateAsync(request, cancellationToken).ConfigureAwait(false))
        {
            return new ChatResponse(new ChatMessage(ChatRole.Assistant, sample.Text))
            {
                ModelId = modelId,
                FinishReason = Reason(sample.FinishReason),
                Usage = Usage(request, sample.Tokens.Count),
            };
        }
        throw new InvalidOperationException("a request for one sample gave none");
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        GenerationRequest request = CreateRequest(messages, options);
        int written = 0;
        await foreach (TextPiece piece in generator.StreamAsync(request, cancellationToken).ConfigureAwait(false))
        {
            written += piece.Token is null ? 0 : 1;
            if (piece.Text.Length > 0 || piece.FinishReason is not null)
            {
                yield return new ChatResponseUpdate(ChatRole.Assistant, piece.Text)
                {
                    ModelId = modelId,
                    FinishReason = piece.FinishReason is null ? null : Reason(piece.FinishReason),
                };
            }
        }
        var usage = new UsageContent(Usage(request, written));
        yield return new ChatResponseUpdate(ChatRole.Assistant, [usage]) { ModelId = modelId };
    }

    /// <summary>Returns the request that the client sends to its generator for a conversation.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="options">The options, of which the supported ones are listed above; null for the
    /// defaults.</param>
    /// <exception cref="AtelierException">An option or a message is not supported, or the conversation does not fit
    /// the format.</exception>
    public GenerationRequest CreateRequest(IEnumerable<ChatMessage> messages, ChatOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= new ChatOptions();
        Refuse(options);
        IEnumerable<ChatTurn> turns = messages.Select(ToTurn);
        if (!string.IsNullOrEmpty(options.Instructions))
            turns = turns.Prepend(new ChatTurn(ChatRole.System.Value, options.Instructions));
        return new GenerationRequest
        {
            PromptIds = _form.Ids([.. turns]),
            EndIds = _form.EndIds,
            Seed = options.Seed ?? Random.Shared.NextInt64(),
            Decoding = Decoding(options, generator.Defaults).Check("ChatOptions"),
        };
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        if (serviceType == typeof(ChatClientMetadata))
            return new ChatClientMetadata("atelier", null, modelId);
        return serviceType.IsInstanceOfType(this) ? this : serviceType.IsInstanceOfType(generator) ? generator : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The client does not own the generator.
    }

    private static DecodingOptions Decoding(ChatOptions options, DecodingOptions defaults)
    {
        bool isSampled = options is not
            { Temperature: null, TopP: null, TopK: null, PresencePenalty: null, FrequencyPenalty: null };
        DecodingOptions decoding = defaults with
        {
            MaxTokens = options.MaxOutputTokens ?? defaults.MaxTokens,
            Temperature = options.Temperature ?? defaults.Temperature,
            TopP = options.TopP ?? defaults.TopP,
            TopK = options.TopK ?? defaults.TopK,
            PresencePenalty = options.PresencePenalty ?? defaults.PresencePenalty,
            FrequencyPenalty = options.FrequencyPenalty ?? defaults.FrequencyPenalty,
            BeamWidth = isSampled ? 1 : defaults.BeamWidth, // beam search ignores sampling options
            Stop = options.StopSequences is { Count: > 0 } stop ? [.. stop] : defaults.Stop,
        };
        return options.ResponseFormat switch
        {
            ChatResponseFormatJson json =>
                decoding with { Pattern = null, Schema = json.Schema?.GetRawText() ?? AnyObject },
            ChatResponseFormatText => decoding with { Schema = null },
            _ => decoding,
        };
    }

    /// <summary>Refuses unsupported options; all others of the interface are supported.</summary>
    private void Refuse(ChatOptions options) => RefusedOptions.Check(
        ("Instructions", !string.IsNullOrEmpty(options.Instructions) && Format == ChatFormat.Plain,
            "the model was not trained on conversations, so it does not take instructions"),
        ("Tools", options.Tools is { Count: > 0 }, "the model does not call tools"),
        ("ToolMode", options.ToolMode is not (null or AutoChatToolMode or NoneChatToolMode),
            "the model does not call tools, so none can be required"),
        ("AllowMultipleToolCalls", options.AllowMultipleToolCalls is not null, "the model does not call tools"),
        ("ModelId", options.ModelId is not null && options.ModelId != modelId,
            $"the model is '{modelId}', not '{options.ModelId}'"),
        ("ConversationId", options.ConversationId is not null, "conversations are not stored: send all messages"),
        ("ContinuationToken", options.ContinuationToken is not null, "a finished answer cannot be continued"),
        ("AllowBackgroundResponses", options.AllowBackgroundResponses == true,
            "background responses are not supported"),
        ("Reasoning", options.Reasoning is not null, "the model does not produce separate reasoning"),
        ("ResponseFormat", options.ResponseFormat is not (null or ChatResponseFormatText or ChatResponseFormatJson),
            "answers are text, or JSON with a schema"),
        ("RawRepresentationFactory", options.RawRepresentationFactory is not null,
            "raw options of an underlying client are not supported"),
        ("AdditionalProperties", options.AdditionalProperties is { Count: > 0 },
            $"'{options.AdditionalProperties?.Keys.FirstOrDefault()}' is not known"));

    private static ChatTurn ToTurn(ChatMessage message, int number)
    {
        foreach (AIContent content in message.Contents)
        {
            RefusedOptions.Check((content.GetType().Name, content is not TextContent,
                FormattableString.Invariant($"it is in message {number}, but the model reads only text")));
        }
        return new ChatTurn(message.Role.Value, message.Text);
    }

    // The schema of the response format JSON without a schema: the interface requires an object.
    private const string AnyObject = """{"type": "object"}""";

    private UsageDetails Usage(GenerationRequest request, int written)
    {
        int read = request.PromptIds!.Count;
        return new UsageDetails
        {
            InputTokenCount = read,
            OutputTokenCount = written,
            TotalTokenCount = read + written,
        };
    }

    private static ChatFinishReason Reason(string reason) =>
        reason == "length" ? ChatFinishReason.Length : ChatFinishReason.Stop;
}
