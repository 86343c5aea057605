using System.Runtime.CompilerServices;
using Atelier.Tokenizers;
using Microsoft.Extensions.AI;

namespace Atelier.Decoding;

/// <summary>
/// A text model as an <see cref="IChatClient"/>. Conversations are written in the form that the model's own template names;
/// of a model without a template, which continues text and knows no roles, the messages' texts, joined by line ends, are the
/// prompt, and what the model writes next is the answer. <see cref="ChatOptions.ResponseFormat"/> of JSON holds the answer to
/// its schema.
/// </summary>
/// <param name="generator">Writes the answers. Not disposed with the client.</param>
/// <param name="modelId">The name that answers carry.</param>
/// <param name="format">The form of conversations; null takes the one that the model's template writes.</param>
/// <exception cref="AtelierException">The model's template is of no known form, and none is given.</exception>
public sealed class TextChatClient(TextGenerator generator, string modelId = "atelier", ChatFormat? format = null) : IChatClient
{
    private readonly ChatForm _form = new(generator.Tokenizer, generator.Bounds, generator.ChatTemplate, format);

    /// <summary>The form of conversations.</summary>
    public ChatFormat Format => _form.Format;

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        GenerationRequest request = Request(messages, options);
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
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        GenerationRequest request = Request(messages, options);
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
        yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(Usage(request, written))]) { ModelId = modelId };
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
        // The generator belongs to whoever made it.
    }

    private GenerationRequest Request(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        DecodingOptions defaults = generator.Defaults;
        return new GenerationRequest
        {
            PromptIds = _form.Ids([.. messages.Select(message => new ChatTurn(message.Role.Value, message.Text))]),
            EndIds = ChatTemplate.EndIds(Format, generator.Tokenizer),
            Seed = options?.Seed ?? Random.Shared.NextInt64(),
            Decoding = options is null ? defaults : defaults with
            {
                MaxTokens = options.MaxOutputTokens ?? defaults.MaxTokens,
                Temperature = options.Temperature ?? defaults.Temperature,
                TopP = options.TopP ?? defaults.TopP,
                TopK = options.TopK ?? defaults.TopK,
                PresencePenalty = options.PresencePenalty ?? defaults.PresencePenalty,
                FrequencyPenalty = options.FrequencyPenalty ?? defaults.FrequencyPenalty,
                Schema = options.ResponseFormat is ChatResponseFormatJson json ? json.Schema?.GetRawText() ?? AnyObject : defaults.Schema,
                Pattern = options.ResponseFormat is ChatResponseFormatJson ? null : defaults.Pattern,
                Stop = options.StopSequences is { Count: > 0 } stop ? [.. stop] : defaults.Stop,
            },
        };
    }

    // "JSON" without a schema: the interface asks for an object.
    private const string AnyObject = """{"type": "object"}""";

    private UsageDetails Usage(GenerationRequest request, int written)
    {
        int read = request.PromptIds!.Count;
        return new UsageDetails { InputTokenCount = read, OutputTokenCount = written, TotalTokenCount = read + written };
    }

    private static ChatFinishReason Reason(string reason) => reason == "length" ? ChatFinishReason.Length : ChatFinishReason.Stop;
}
