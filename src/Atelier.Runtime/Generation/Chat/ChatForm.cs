using Atelier.Generation.Chat.Jinja;
using Atelier.Tokenizers;

namespace Atelier.Generation.Chat;

/// <summary>
/// How a model's conversations are written: in one of the known formats. If the format was found from the model's
/// template, each conversation is written by the template too, and refused if the two differ, so that a model only sees
/// conversations as it was trained on.
/// </summary>
internal sealed class ChatForm
{
    private static readonly ChatTurn[][] Probes =
    [
        [new("user", " Hi! ")],
        [new("system", "Be brief."), new("user", " Hi! ")],
        [new("user", "Hi!"), new("assistant", " Hello. "), new("user", "Bye.")],
        [new("system", " Be brief. "), new("user", "Hi!"), new("assistant", "Hello."), new("user", "Bye.\n")],
        [new("user", "Hi!")],
    ];

    private readonly Tokenizer _tokenizer;
    private readonly TextBounds _bounds;
    private readonly JinjaTemplate? _template;
    private readonly string _startName, _endName;
    private readonly bool _begins;

    /// <summary>Takes a form by its name, or finds the one of the model's template.</summary>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="bounds">With which tokens its texts begin and end.</param>
    /// <param name="template">The model's own template, or null.</param>
    /// <param name="format">The form, or null to take the template's; plain where there is none.</param>
    /// <exception cref="AtelierException">The template writes no known form.</exception>
    public ChatForm(Tokenizer tokenizer, TextBounds bounds, string? template, ChatFormat? format)
    {
        (_tokenizer, _bounds) = (tokenizer, bounds);
        (_startName, _endName) = (tokenizer.Name(bounds.StartId), bounds.EndIds is [int end, ..] ? tokenizer.Name(end)
            : "");
        if (format is null && template is not null)
        {
            const string hint = "name the nearest form where the client is made";
            string names = string.Join(", ", Enum.GetNames<ChatFormat>());
            _template = Parse(template) ?? throw new AtelierException("the model's chat template uses what is not "
                + "supported",
                hint: $"{hint}: {names}");
            format = Find(_template, _startName, _endName)
                ?? throw new AtelierException(
                    "the form of the model's chat template is unknown",
                    hint: $"{hint}: {names}");
        }
        Format = format ?? ChatFormat.Plain;
        // A ChatML conversation begins with its own mark, unless the template puts the start token before it.
        _begins = Format != ChatFormat.ChatMl || template?.Contains("bos_token", StringComparison.Ordinal) == true;
    }

    /// <summary>The form.</summary>
    public ChatFormat Format { get; }

    /// <summary>
    /// The form in which a template writes conversations, at least of some kinds; null where none is known.
    /// </summary>
    public static ChatFormat? Find(string template, string startName, string endName) =>
        Parse(template) is { } parsed ? Find(parsed, startName, endName) : null;

    /// <summary>The tokens of a conversation, with the beginning of the answer that is to be written.</summary>
    /// <exception cref="AtelierException">
    /// The conversation has no place in the form, or the model's template writes it otherwise.
    /// </exception>
    public int[] Ids(IReadOnlyList<ChatTurn> turns)
    {
        ChatText chat = ChatTemplate.Write(Format, turns, _endName);
        if (Format == ChatFormat.Plain)
            return _bounds.Begin(_tokenizer.Encode(chat.Text));
        bool begins = _begins;
        if (_template is not null)
            begins = Begins(turns, chat.Text);
        return [.. begins ? [_bounds.StartId] : Array.Empty<int>(), .. ChatTemplate.Encode(_tokenizer, chat)];
    }

    /// <summary>
    /// Whether the template puts the start token before a conversation that it writes as the form does.
    /// </summary>
    private bool Begins(IReadOnlyList<ChatTurn> turns, string text)
    {
        const string hint = "change the conversation, or name the form where the client is made";
        string written;
        try
        {
            written = Render(_template!, turns, _startName, _endName);
        }
        catch (JinjaException e)
        {
            throw new AtelierException(e.IsRaised
                ? $"the model's chat template refuses this conversation: {e.Message.TrimEnd('.')}"
                : $"the model's chat template cannot be run: {e.Message}", hint: hint, inner: e);
        }
        bool begins = IsWithStart(written, text);
        if (!begins && written != text)
        {
            int at = written.AsSpan().CommonPrefixLength(text);
            throw new AtelierException(
                $"the model's chat template formats this conversation differently from the form {Format}: "
                    + $"'{Around(written, at)}' where that has '{Around(text, at)}'",
                hint: $"{hint}; where the model's makers have a system message of their own, give one");
        }
        return begins;

        static string Around(string whole, int at) => whole[at..Math.Min(whole.Length, at + 40)];
    }

    private bool IsWithStart(string written, string text) => IsWithStart(written, text, _startName);

    private static bool IsWithStart(string written, string text, string startName) =>
        startName.Length > 0 && written == startName + text;

    private static ChatFormat? Find(JinjaTemplate template, string startName, string endName)
    {
        foreach (ChatTurn[] probe in Probes)
        {
            string written;
            try
            {
                written = Render(template, probe, startName, endName);
            }
            catch (JinjaException)
            {
                continue; // a template may refuse what it has no place for, a system's message: another probe has none
            }
            foreach (ChatFormat format in Enum.GetValues<ChatFormat>().Where(f => f != ChatFormat.Plain))
            {
                string text = ChatTemplate.Write(format, probe, endName).Text;
                if (written == text || IsWithStart(written, text, startName))
                    return format;
            }
        }
        return null;
    }

    private static JinjaTemplate? Parse(string template)
    {
        try
        {
            return JinjaTemplate.Parse(template);
        }
        catch (JinjaException)
        {
            return null;
        }
    }

    private static string Render(JinjaTemplate template, IReadOnlyList<ChatTurn> turns, string startName,
        string endName) => template.Render(new Dictionary<string, object?>
    {
        ["messages"] = turns.Select(turn =>
            (object?)new Dictionary<string, object?> { ["role"] = turn.Role, ["content"] = turn.Text }).ToList(),
        ["bos_token"] = startName,
        ["eos_token"] = endName,
        ["add_generation_prompt"] = true,
    });
}
