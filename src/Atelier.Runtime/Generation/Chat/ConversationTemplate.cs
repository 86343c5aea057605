using Atelier.Generation.Chat.Jinja;

namespace Atelier.Generation.Chat;

/// <summary>Writes conversations with a model's own template.</summary>
internal sealed class ConversationTemplate
{
    private const string Hint = "or name the nearest form where the client is made";
    private readonly JinjaTemplate _template;
    private readonly ChatEncoder _encoder;
    private readonly SaidMarks _marks;
    private readonly string _startName, _endName;

    /// <summary>Reads a template.</summary>
    /// <param name="source">The template.</param>
    /// <param name="encoder">The encoder of the model's tokenizer.</param>
    /// <param name="startName">The name of the start token, for the template's variable bos_token.</param>
    /// <param name="endName">The name of the end-of-text token, for the template's variable eos_token.</param>
    /// <exception cref="AtelierException">The template is damaged, or uses what is not supported.</exception>
    public ConversationTemplate(string source, ChatEncoder encoder, string startName, string endName)
    {
        (_encoder, _startName, _endName) = (encoder, startName, endName);
        _marks = new SaidMarks(encoder);
        try
        {
            _template = JinjaTemplate.Parse(source);
        }
        catch (JinjaException e)
        {
            throw new AtelierException($"the model's chat template cannot be read: {e.Message}",
                hint: $"correct the template, {Hint}: {string.Join(", ", Enum.GetNames<ChatFormat>())}", inner: e);
        }
    }

    /// <summary>Returns a conversation with the header of the answer to generate.</summary>
    /// <exception cref="AtelierException">The template refuses the conversation, cannot be run, or changes the messages
    /// so that their parts cannot be found in what it writes.</exception>
    public ChatText Write(IReadOnlyList<ChatTurn> turns)
    {
        if (turns.Count == 0)
            throw new AtelierException("the conversation has no messages", hint: "give one or more");
        string text = Render(turns);
        foreach (Func<string, string> mark in (Func<string, string>[])[_marks.Whole, _marks.Names])
        {
            // A template may write, or refuse, a marked message otherwise, such as one that it takes to pieces.
            if (Try(turns, isAnswered: true, mark) is { } marked && SaidMarks.Align(text, marked) is { } chat)
                return chat;
        }
        throw new AtelierException("the model's chat template changes the messages of this conversation, so that names "
            + "of special tokens in them cannot be told from those that it writes",
            hint: $"leave the names of special tokens out of the messages, {Hint}");
    }

    /// <summary>
    /// Returns the token that ends an answer: the one that follows an answer before the next message.
    /// </summary>
    /// <returns>The id; null if the template writes none there.</returns>
    public int? EndId()
    {
        const string answer = "Well, hello.";
        ChatTurn[] turns = [new("user", "Hi."), new("assistant", answer), new("user", "Bye.")];
        string? text = Try(turns, isAnswered: false) ?? Try(turns[..2], isAnswered: false);
        int at = text?.LastIndexOf(answer, StringComparison.Ordinal) ?? -1;
        string rest = at < 0 ? "" : text![(at + answer.Length)..].TrimStart();
        if (rest.Length == 0)
            return null;
        int close = rest[0] is '<' or '[' ? rest.IndexOf(rest[0] == '<' ? '>' : ']') : -1;
        string? name = _encoder.NameAt(rest, 0) ?? (close < 0 ? null : rest[..(close + 1)]);
        return name is null ? null : _encoder.Id(name);
    }

    private string Render(IReadOnlyList<ChatTurn> turns)
    {
        try
        {
            return _template.Render(Variables(turns, isAnswered: true, null));
        }
        catch (JinjaException e)
        {
            throw new AtelierException(e.IsRaised
                ? $"the model's chat template refuses this conversation: {e.Message.TrimEnd('.')}"
                : $"the model's chat template cannot be run: {e.Message}",
                hint: $"change the conversation, {Hint}", inner: e);
        }
    }

    private string? Try(IReadOnlyList<ChatTurn> turns, bool isAnswered, Func<string, string>? mark = null)
    {
        try
        {
            return _template.Render(Variables(turns, isAnswered, mark));
        }
        catch (JinjaException)
        {
            return null;
        }
    }

    /// <summary>Returns the variables that Hugging Face's tools give to a template.</summary>
    private Dictionary<string, object?> Variables(IReadOnlyList<ChatTurn> turns, bool isAnswered,
        Func<string, string>? mark) => new()
    {
        ["messages"] = turns.Select(turn => (object?)new Dictionary<string, object?>
        {
            ["role"] = turn.Role, ["content"] = mark is null ? turn.Text : mark(turn.Text),
        }).ToList(),
        ["tools"] = null,
        ["documents"] = null,
        ["bos_token"] = _startName,
        ["eos_token"] = _endName,
        ["add_generation_prompt"] = isAnswered,
    };
}
