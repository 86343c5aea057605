using Atelier.Generation.Chat.Jinja;
using Atelier.Tokenizers;

namespace Atelier.Generation.Chat;

/// <summary>
/// Formats the conversations of a model in one of the known formats. If the format was recognised from the model's
/// template, each conversation is also rendered by the template and refused if the two texts differ, so that the model
/// only sees conversations formatted as in its training.
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

    /// <summary>Uses a given format, or recognises that of the model's template.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="bounds">The tokens with which the model's texts begin and end.</param>
    /// <param name="template">The model's template; null if it has none.</param>
    /// <param name="format">The format; null takes that of the template, or the plain format if there is no
    /// template.</param>
    /// <exception cref="AtelierException">The template writes none of the known formats.</exception>
    public ChatForm(Tokenizer tokenizer, TextBounds bounds, string? template, ChatFormat? format)
    {
        (_tokenizer, _bounds) = (tokenizer, bounds);
        _startName = tokenizer.Name(bounds.StartId);
        _endName = bounds.EndIds is [int end, ..] ? tokenizer.Name(end) : "";
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
        // A ChatML conversation begins with its own mark, not with the start token, unless the template writes it.
        _begins = Format != ChatFormat.ChatMl || template?.Contains("bos_token", StringComparison.Ordinal) == true;
    }

    /// <summary>The format.</summary>
    public ChatFormat Format { get; }

    /// <summary>
    /// Returns the format in which a template writes at least some kinds of conversations; null if it is unknown.
    /// </summary>
    public static ChatFormat? Find(string template, string startName, string endName) =>
        Parse(template) is { } parsed ? Find(parsed, startName, endName) : null;

    /// <summary>Returns the tokens of a conversation, including the header of the answer to generate.</summary>
    /// <exception cref="AtelierException"> The format cannot express the conversation, or the model's template writes
    /// it differently. </exception>
    public int[] Ids(IReadOnlyList<ChatTurn> turns)
    {
        ChatText chat = ChatTemplate.Write(Format, turns, _endName);
        if (Format == ChatFormat.Plain)
            return _bounds.Begin(_tokenizer.Encode(chat.Text));
        bool begins = _template is null ? _begins : Begins(turns, chat.Text);
        return [.. begins ? [_bounds.StartId] : Array.Empty<int>(), .. ChatTemplate.Encode(_tokenizer, chat)];
    }

    /// <summary>
    /// Returns whether the template writes the start token before a conversation, after checking that it otherwise
    /// writes the same text as the format.
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
                continue; // a template may refuse a system message: the next probe has none
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
