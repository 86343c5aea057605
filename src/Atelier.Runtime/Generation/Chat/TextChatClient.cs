using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Tokenizers;
using Microsoft.Extensions.AI;

namespace Atelier.Generation.Chat;

#pragma warning disable MEAI001 // experimental options are refused like any other unsupported option

/// <summary>
/// An <see cref="IChatClient"/> over a text model. Conversations are written by the model's own template. For a model
/// without a template, the prompt is the texts of the messages, joined by line ends, without roles, and the answer is
/// the generated continuation.
/// </summary>
/// <remarks>
/// Safe for concurrent use: any number of conversations may run at the same time, and the same seed gives the same
/// answer regardless of other requests. These <see cref="ChatOptions"/> are supported: temperature, top-p, top-k, the
/// penalties, the seed, stop sequences, the maximum number of output tokens, a JSON response format, which constrains
/// the answer to its schema, and instructions, which become a system message before the others. If the model's template
/// takes them, so are tools, whose calls are <see cref="FunctionCallContent"/> of the answer, and the effort of
/// reasoning, which is <see cref="TextReasoningContent"/> of the answer. All other options are refused by name, as is
/// content that the template does not write.
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
        List<AIContent> contents = [];
        ChatFinishReason? reason = null;
        UsageDetails? usage = null;
        await foreach (ChatResponseUpdate update in GetStreamingResponseAsync(messages, options, cancellationToken)
            .ConfigureAwait(false))
        {
            reason ??= update.FinishReason;
            foreach (AIContent content in update.Contents)
            {
                if (content is UsageContent used)
                    usage = used.Details;
                else if (content is TextContent text && contents is [.., TextContent last])
                    last.Text += text.Text;
                else if (content is TextReasoningContent thought && contents is [.., TextReasoningContent before])
                    before.Text += thought.Text;
                else
                    contents.Add(content);
            }
        }
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, contents))
        {
            ModelId = modelId, FinishReason = reason, Usage = usage,
        };
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ChatRequest request = CreateRequest(messages, options);
        ChatAnswer answer = request.BeginAnswer();
        int written = 0;
        await foreach (TextPiece piece in generator.StreamAsync(request.Generation, cancellationToken)
            .ConfigureAwait(false))
        {
            written += piece.Token is null ? 0 : 1;
            IReadOnlyList<AIContent> contents = answer.Read(piece);
            if (contents.Count > 0 || piece.FinishReason is not null)
            {
                yield return new ChatResponseUpdate(ChatRole.Assistant, [.. contents])
                {
                    ModelId = modelId, FinishReason = answer.FinishReason(piece),
                };
            }
        }
        var usage = new UsageContent(Usage(request.Generation, written));
        yield return new ChatResponseUpdate(ChatRole.Assistant, [usage]) { ModelId = modelId };
    }

    /// <summary>Returns what the client sends to its generator for a conversation, and what reads the answer.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="options">The options, of which the supported ones are listed above; null for the
    /// defaults.</param>
    /// <exception cref="AtelierException">An option or a message is not supported, or the conversation does not fit
    /// the format.</exception>
    public ChatRequest CreateRequest(IEnumerable<ChatMessage> messages, ChatOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= new ChatOptions();
        Refuse(options);
        bool hasTools = options.Tools is { Count: > 0 } && options.ToolMode is not NoneChatToolMode;
        IEnumerable<ChatTurn> turns = ChatMessages.Read(messages, Format == ChatFormat.Template);
        if (!string.IsNullOrEmpty(options.Instructions))
            turns = turns.Prepend(new ChatTurn(ChatRole.System.Value, options.Instructions));
        ReasoningEffort? effort = options.Reasoning?.Effort;
        ChatPrompt prompt = _form.Write([.. turns], new ChatSettings(
            hasTools ? ChatMessages.Tools(options.Tools!) : null,
            effort is null ? null : effort != ReasoningEffort.None,
            effort switch
            {
                null or ReasoningEffort.None => null,
                ReasoningEffort.Low => "low",
                ReasoningEffort.Medium => "medium",
                _ => "high",
            }));
        DecodingOptions decoding = Decoding(options, generator.Defaults).Check("ChatOptions");
        bool isText = decoding.Schema is not null || !(hasTools || _form.Reasons);
        bool hidesReasoning = options.Reasoning?.Output == ReasoningOutput.None;
        return new ChatRequest(new GenerationRequest
        {
            PromptIds = prompt.Ids,
            EndIds = _form.EndIds,
            Seed = options.Seed ?? Random.Shared.NextInt64(),
            Decoding = decoding,
        }, () => new ChatAnswer(isText ? null : new AnswerReader(_form.Reasons, _form.Reasons && prompt.OpensReasoning,
            hasTools ? ChatMessages.Schemas(options.Tools!) : []), _form.Marks, hidesReasoning));
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
                decoding with { Pattern = null, Grammar = null, Schema = json.Schema?.GetRawText() ?? AnyObject },
            ChatResponseFormatText => decoding with { Schema = null },
            _ => decoding,
        };
    }

    /// <summary>Refuses unsupported options; all others of the interface are supported.</summary>
    private void Refuse(ChatOptions options) => RefusedOptions.Check(
        ("Instructions", !string.IsNullOrEmpty(options.Instructions) && Format == ChatFormat.Plain,
            "the model was not trained on conversations, so it does not take instructions"),
        ("Tools", options.Tools is { Count: > 0 } && !_form.TakesTools, "the model does not call tools"),
        ("Tools", options.Tools is { Count: > 0 } && options.ResponseFormat is ChatResponseFormatJson,
            "an answer in JSON leaves no place for calls of tools"),
        ("ToolMode", options.ToolMode is not (null or AutoChatToolMode or NoneChatToolMode),
            "no call of a tool can be required"),
        ("AllowMultipleToolCalls", options.AllowMultipleToolCalls is { } several && !(several && _form.TakesTools),
            _form.TakesTools ? "the model calls as many tools as it will" : "the model does not call tools"),
        ("ModelId", options.ModelId is not null && options.ModelId != modelId,
            $"the model is '{modelId}', not '{options.ModelId}'"),
        ("ConversationId", options.ConversationId is not null, "conversations are not stored: send all messages"),
        ("ContinuationToken", options.ContinuationToken is not null, "a finished answer cannot be continued"),
        ("AllowBackgroundResponses", options.AllowBackgroundResponses == true,
            "background responses are not supported"),
        ("Reasoning", options.Reasoning is not null && !_form.Reasons && !_form.Mentions("reasoning_effort"),
            "the model does not produce separate reasoning"),
        ("Reasoning", options.Reasoning?.Effort is not null && !_form.Mentions("enable_thinking")
            && !_form.Mentions("reasoning_effort"), "the model's template takes no effort of reasoning"),
        ("Reasoning", options.Reasoning?.Output == ReasoningOutput.Summary, "reasoning is not summarised"),
        ("ResponseFormat", options.ResponseFormat is not (null or ChatResponseFormatText or ChatResponseFormatJson),
            "answers are text, or JSON with a schema"),
        ("RawRepresentationFactory", options.RawRepresentationFactory is not null,
            "raw options of an underlying client are not supported"),
        ("AdditionalProperties", options.AdditionalProperties is { Count: > 0 },
            $"'{options.AdditionalProperties?.Keys.FirstOrDefault()}' is not known"));

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
}
