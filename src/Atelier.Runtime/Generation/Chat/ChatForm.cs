using Atelier.Tokenizers;

namespace Atelier.Generation.Chat;

/// <summary>Formats the conversations of a model, with its own template or in a named format.</summary>
internal sealed class ChatForm
{
    private readonly Tokenizer _tokenizer;
    private readonly TextBounds _bounds;
    private readonly ChatEncoder _encoder;
    private readonly ConversationTemplate? _template;
    private readonly string _endName;
    private readonly bool _begins;

    /// <summary>Reads the model's template, or uses a given format.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="bounds">The tokens with which the model's texts begin and end.</param>
    /// <param name="template">The model's template; null if it has none.</param>
    /// <param name="format">The format; null takes the template, or the plain format if there is none.</param>
    /// <exception cref="AtelierException">The template is damaged or uses what is not supported, or the format is the
    /// template and there is none.</exception>
    public ChatForm(Tokenizer tokenizer, TextBounds bounds, string? template, ChatFormat? format)
    {
        (_tokenizer, _bounds) = (tokenizer, bounds);
        _encoder = new ChatEncoder(tokenizer);
        _endName = bounds.EndIds is [int end, ..] ? tokenizer.Name(end) : "";
        Format = format ?? (template is null ? ChatFormat.Plain : ChatFormat.Template);
        if (Format == ChatFormat.Template)
        {
            _template = new ConversationTemplate(
                template ?? throw new AtelierException("the model has no chat template", hint: "name another form"),
                _encoder, tokenizer.Name(bounds.StartId), _endName);
        }
        // A ChatML conversation begins with its own mark, not with the start token, unless the template writes it.
        _begins = Format != ChatFormat.ChatMl || template?.Contains("bos_token", StringComparison.Ordinal) == true;
        EndIds = _template is null ? ChatTemplate.EndIds(Format, tokenizer)
            : _template.EndId() is int id ? [id] : [];
    }

    /// <summary>The format.</summary>
    public ChatFormat Format { get; }

    /// <summary>The tokens that end an answer, in addition to the end-of-text token.</summary>
    public IReadOnlyList<int> EndIds { get; }

    /// <summary>Returns the tokens of a conversation, including the header of the answer to generate.</summary>
    /// <exception cref="AtelierException">The format cannot express the conversation, or the model's template refuses
    /// it.</exception>
    public int[] Ids(IReadOnlyList<ChatTurn> turns)
    {
        if (_template is not null)
            return _encoder.Encode(_template.Write(turns)); // the template itself writes the start token
        ChatText chat = ChatTemplate.Write(Format, turns, _endName);
        if (Format == ChatFormat.Plain)
            return _bounds.Begin(_tokenizer.Encode(chat.Text));
        return [.. _begins ? [_bounds.StartId] : Array.Empty<int>(), .. _encoder.Encode(chat)];
    }
}
