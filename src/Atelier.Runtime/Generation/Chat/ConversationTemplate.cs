using System.Text.Json;
using Atelier.Generation.Chat.Jinja;

namespace Atelier.Generation.Chat;

/// <summary>Writes conversations with a model's own template.</summary>
internal sealed class ConversationTemplate
{
    private const string Hint = "or name the nearest form where the client is made";
    private static readonly ChatSettings None = new();
    private static readonly Dictionary<string, JsonElement> NoSchemas = [];
    private static readonly ChatVariables Unmarked = new(said => said, said => said, said => said);
    private readonly string _source;
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
        (_source, _encoder, _startName, _endName) = (source, encoder, startName, endName);
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

    /// <summary>Returns whether the template names a variable or a mark.</summary>
    public bool Mentions(string name) => _source.Contains(name, StringComparison.Ordinal);

    /// <summary>Returns a conversation.</summary>
    /// <param name="turns">The messages.</param>
    /// <param name="settings">What it has besides.</param>
    /// <param name="isAnswered">Whether the header of an answer to generate follows.</param>
    /// <exception cref="AtelierException">The template refuses the conversation, cannot be run, or changes the messages
    /// so that their parts cannot be found in what it writes.</exception>
    public ChatText Write(IReadOnlyList<ChatTurn> turns, ChatSettings settings, bool isAnswered = true)
    {
        if (turns.Count == 0)
            throw new AtelierException("the conversation has no messages", hint: "give one or more");
        foreach (ChatTurn turn in turns)
            RefuseSpecial(turn.Role);
        string text = Render(turns, settings, isAnswered);
        // A template may write, or refuse, a marked message otherwise, such as one that it takes to pieces: then fewer
        // characters are marked.
        string? marked = Try(turns, settings, isAnswered,
            new ChatVariables(_marks.Whole, _marks.Names, _marks.Inner));
        if (marked is not null && SaidMarks.Align(text, marked) is { } chat)
            return chat;
        marked = Try(turns, settings, isAnswered, new ChatVariables(_marks.Names, _marks.Inner, _marks.Inner));
        if (marked is not null && SaidMarks.Align(text, marked) is { } other)
            return other;
        throw new AtelierException("the model's chat template changes the messages of this conversation, so that names "
            + "of special tokens in them cannot be distinguished from those that it writes",
            hint: $"leave the names of special tokens out of the messages, {Hint}");
    }

    private void RefuseSpecial(string role)
    {
        for (int at = 0; at < role.Length; at++)
        {
            if (_encoder.NameAt(role, at) is { } name)
                throw new AtelierException($"the role '{role}' has the name of the special token {name}",
                    hint: "allowed are system, user, assistant and tool");
        }
    }

    /// <summary>
    /// Returns the token that ends an answer: the one that follows an answer before the next message.
    /// </summary>
    /// <returns>The id; null if the template writes none there.</returns>
    public int? EndId()
    {
        const string answer = "Well, hello.";
        ChatTurn[] turns = [new("user", "Hi."), new("assistant", answer), new("user", "Bye.")];
        string? text = Try(turns, None, isAnswered: false) ?? Try(turns[..2], None, isAnswered: false);
        int at = text?.LastIndexOf(answer, StringComparison.Ordinal) ?? -1;
        string rest = at < 0 ? "" : text![(at + answer.Length)..].TrimStart();
        if (rest.Length == 0)
            return null;
        int close = rest[0] is '<' or '[' ? rest.IndexOf(rest[0] == '<' ? '>' : ']') : -1;
        string? name = _encoder.NameAt(rest, 0) ?? (close < 0 ? null : rest[..(close + 1)]);
        return name is null ? null : _encoder.Id(name);
    }

    /// <summary>
    /// Returns whether the template describes tools to the model, and writes a call of one in a form that
    /// <see cref="ToolCallText"/> reads.
    /// </summary>
    public bool TakesTools()
    {
        const string name = "probe_tool", word = "Thursday", question = "What is it?";
        var settings = new ChatSettings([new Dictionary<string, object?>
        {
            ["type"] = "function",
            ["function"] = new Dictionary<string, object?>
            {
                ["name"] = name, ["description"] = "Tells it.",
                ["parameters"] = new Dictionary<string, object?>
                {
                    ["type"] = "object",
                    ["properties"] = new Dictionary<string, object?>
                    {
                        ["day"] = new Dictionary<string, object?> { ["type"] = "string", ["description"] = "The day." },
                    },
                },
            },
        }]);
        var call = new ToolCall("probe0001", name, new Dictionary<string, object?> { ["day"] = word });
        ChatTurn[] turns = [new("user", question), new ChatTurn("assistant", "") { Calls = [call] }];
        if (Try(turns[..1], settings, isAnswered: true)?.Contains(name, StringComparison.Ordinal) != true
            || Try(turns, settings, isAnswered: false) is not { } text)
            return false;
        string answer = text[(text.LastIndexOf(question, StringComparison.Ordinal) + question.Length)..];
        int at = ToolCallText.Marks.Select(mark => answer.IndexOf(mark, StringComparison.Ordinal))
            .Where(place => place >= 0).DefaultIfEmpty(answer.IndexOf('{', StringComparison.Ordinal)).Min();
        return at >= 0
            && ToolCallText.Read(answer[at..], NoSchemas, out _) is [{ Name: name, Arguments: { } arguments }]
            && arguments.TryGetValue("day", out object? day) && day?.ToString() == word;
    }

    /// <summary>Returns the text that <see cref="Write"/> returns, without what is of messages in it.</summary>
    /// <inheritdoc cref="Write" path="/param"/>
    /// <exception cref="AtelierException">The template refuses the conversation, or cannot be run.</exception>
    public string Render(IReadOnlyList<ChatTurn> turns, ChatSettings settings, bool isAnswered)
    {
        try
        {
            return _template.Render(Variables(turns, settings, isAnswered, Unmarked));
        }
        catch (JinjaException e)
        {
            throw new AtelierException(e.IsRaised
                ? $"the model's chat template refuses this conversation: {e.Message.TrimEnd('.')}"
                : $"the model's chat template cannot be run: {e.Message}",
                hint: $"change the conversation, {Hint}", inner: e);
        }
    }

    private string? Try(IReadOnlyList<ChatTurn> turns, ChatSettings settings, bool isAnswered,
        ChatVariables? values = null)
    {
        try
        {
            return _template.Render(Variables(turns, settings, isAnswered, values ?? Unmarked));
        }
        catch (JinjaException)
        {
            return null;
        }
    }

    private Dictionary<string, object?> Variables(IReadOnlyList<ChatTurn> turns, ChatSettings settings,
        bool isAnswered, ChatVariables values)
    {
        var variables = new Dictionary<string, object?>
        {
            ["messages"] = values.Messages(turns),
            ["tools"] = values.Tools(settings.Tools),
            ["documents"] = null,
            ["bos_token"] = _startName,
            ["eos_token"] = _endName,
            ["add_generation_prompt"] = isAnswered,
        };
        if (settings.Thinks is bool thinks)
            variables["enable_thinking"] = thinks;
        if (settings.Effort is not null)
            variables["reasoning_effort"] = settings.Effort;
        return variables;
    }
}
