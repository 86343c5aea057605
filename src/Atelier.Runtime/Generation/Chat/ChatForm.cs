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
        TakesTools = _template?.TakesTools() == true;
        Marks = AnswerReader.Marks.Where(mark => _encoder.SpecialId(mark) >= 0)
            .ToDictionary(_encoder.SpecialId, mark => mark);
    }

    /// <summary>The format.</summary>
    public ChatFormat Format { get; }

    /// <summary>The tokens that end an answer, in addition to the end-of-text token.</summary>
    public IReadOnlyList<int> EndIds { get; }

    /// <summary>Whether tools can be described to the model, and its calls be read.</summary>
    public bool TakesTools { get; }

    /// <summary>Whether the model may reason before it answers.</summary>
    public bool Reasons => Mentions("</think>");

    /// <summary>The special tokens that are marks of an answer's parts, which have no text of their own.</summary>
    public IReadOnlyDictionary<int, string> Marks { get; }

    /// <summary>Returns whether the model's template names a variable or a mark.</summary>
    public bool Mentions(string name) => _template?.Mentions(name) == true;

    /// <summary>Returns a conversation, including the header of the answer to generate.</summary>
    /// <exception cref="AtelierException">The format cannot express the conversation, or the model's template refuses
    /// it.</exception>
    public ChatPrompt Write(IReadOnlyList<ChatTurn> turns, ChatSettings? settings = null)
    {
        if (_template is not null)
        {
            ChatText written = _template.Write(turns, settings ?? new ChatSettings());
            bool opens = written.Text.AsSpan().TrimEnd().EndsWith("<think>", StringComparison.Ordinal);
            return new ChatPrompt(_encoder.Encode(written), opens); // the template itself writes the start token
        }
        ChatText chat = ChatTemplate.Write(Format, turns, _endName);
        if (Format == ChatFormat.Plain)
            return new ChatPrompt(_bounds.Begin(_tokenizer.Encode(chat.Text)), false);
        return new ChatPrompt([.. _begins ? [_bounds.StartId] : Array.Empty<int>(), .. _encoder.Encode(chat)], false);
    }
}
