using Atelier.Tokenizers;

namespace Atelier.Generation.Chat;

/// <summary>
/// Encodes conversations for training, so that the tokens before an answer are those that the model reads when it is
/// asked for it, and the tokens of the answer are those that it has to write.
/// </summary>
/// <remarks>
/// An answer begins where the conversation up to it, with the header of an answer, ends. It ends with the special token
/// that the template writes after it, or with the end-of-text token if the template writes none. Where a template
/// writes earlier answers otherwise than the last one, such as without their reasoning, each answer is a sequence of
/// its own. Safe for concurrent use.
/// </remarks>
public sealed class ConversationEncoder
{
    /// <summary>The template of ChatML (OpenAI), for models that have none.</summary>
    public const string ChatMl =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' "
        + "+ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    private readonly Tokenizer _tokenizer;
    private readonly ChatEncoder _encoder;
    private readonly ConversationTemplate _template;
    private readonly int? _textEnd;

    /// <summary>Creates an encoder.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="bounds">The tokens with which the model's texts begin and end.</param>
    /// <param name="template">The model's chat template, a Jinja program.</param>
    /// <exception cref="AtelierException">The template is damaged, or uses what is not supported.</exception>
    public ConversationEncoder(Tokenizer tokenizer, TextBounds bounds, string template)
    {
        _tokenizer = tokenizer;
        _encoder = new ChatEncoder(tokenizer);
        _textEnd = bounds.EndIds is [int end, ..] ? end : tokenizer.EndOfTextId;
        _template = new ConversationTemplate(template, _encoder, tokenizer.Name(bounds.StartId),
            _textEnd is int id ? tokenizer.Name(id) : "");
        EndId = _template.EndId();
    }

    /// <summary>The token that ends an answer before another message; null if the template writes none.</summary>
    public int? EndId { get; }

    /// <summary>Encodes a conversation.</summary>
    /// <param name="conversation">The conversation; it ends with an answer.</param>
    /// <returns>One sequence with all answers, or one for each answer. An answer without a message before it is not
    /// learned, so there may be none.</returns>
    /// <exception cref="AtelierException">The template refuses the conversation or cannot be run, or its answers cannot
    /// be found in what it writes.</exception>
    public IReadOnlyList<EncodedConversation> Encode(Conversation conversation)
    {
        var settings = new ChatSettings(conversation.Tools);
        Answer[] answers = [.. conversation.Turns.Index()
            .Where(turn => turn.Index > 0 && turn.Item.Role == "assistant"
                && !conversation.Uncounted.Contains(turn.Index))
            .Select(turn => Find(conversation.Turns, turn.Index, settings))];
        if (answers.Length > 1 && Together(conversation.Turns, answers, settings) is { } all)
            return [all];
        return [.. answers.Select(answer => Alone(conversation.Turns, answer, settings))];
    }

    /// <summary>Returns the tokens of the conversation before an answer, and those of the answer.</summary>
    /// <param name="turns">The messages before the answer.</param>
    /// <param name="answer">The answer.</param>
    /// <exception cref="AtelierException">The template refuses the conversation, or cannot be run.</exception>
    internal EncodedConversation Encode(IReadOnlyList<ChatTurn> turns, ChatTurn answer)
    {
        ChatTurn[] all = [.. turns, answer];
        var settings = new ChatSettings();
        return Alone(all, Find(all, turns.Count, settings), settings);
    }

    private Answer Find(IReadOnlyList<ChatTurn> turns, int place, ChatSettings settings)
    {
        ChatTurn[] before = [.. turns.Take(place)];
        string asked = _template.Render(before, settings, isAnswered: true);
        string answered = _template.Render([.. before, turns[place]], settings, isAnswered: false);
        int start = asked.AsSpan().CommonPrefixLength(answered);
        // A template may ask for reasoning, as with <think>, but write an answer that has none.
        if (start < asked.Length && start < _template.Render(before, settings, isAnswered: false).Length)
            throw new AtelierException("the model's chat template changes a conversation when an answer is added, so "
                + "that the answer cannot be found in it", hint: "use another template");
        return new Answer(place, start, answered);
    }

    /// <summary>Returns one sequence; null if the template writes an earlier answer otherwise than the last
    /// one.</summary>
    private EncodedConversation? Together(IReadOnlyList<ChatTurn> turns, Answer[] answers, ChatSettings settings)
    {
        string whole = answers[^1].Text;
        if (!Array.TrueForAll(answers, answer => whole.StartsWith(answer.Text, StringComparison.Ordinal)))
            return null;
        ChatText chat = _template.Write([.. turns.Take(answers[^1].Place + 1)], settings, isAnswered: false);
        int[] cuts = [.. answers.SelectMany(answer => (int[])[answer.Start, answer.Text.Length])];
        int[] places = new int[cuts.Length], ids = _encoder.Encode(chat, cuts, places);
        var stretches = new List<TokenStretch>();
        for (int i = 0; i < places.Length; i += 2)
        {
            if (End(ids, places[i], places[i + 1]) is not { } end)
                return null;
            stretches.Add(new(places[i], end));
        }
        return new EncodedConversation(ids[..stretches[^1].End], stretches);
    }

    private EncodedConversation Alone(IReadOnlyList<ChatTurn> turns, Answer answer, ChatSettings settings)
    {
        ChatText chat = _template.Write([.. turns.Take(answer.Place + 1)], settings, isAnswered: false);
        int[] places = new int[2];
        int[] ids = _encoder.Encode(chat, [answer.Start, answer.Text.TrimEnd().Length], places);
        if (End(ids, places[0], ids.Length) is { } end)
            return new EncodedConversation(ids[..end], [new(places[0], end)]);
        int[] ended = [.. ids[..places[1]], .. _textEnd is int id ? [id] : Array.Empty<int>()];
        return new EncodedConversation(ended, [new(places[0], ended.Length)]);
    }

    /// <summary>
    /// Returns the place after the special token that ends an answer; null if other text than spaces follows the last
    /// one.
    /// </summary>
    private int? End(int[] ids, int start, int end)
    {
        int last = end - 1;
        while (last >= start && ids[last] != EndId && !_tokenizer.Bytes(ids[last]).IsEmpty)
            last--;
        return last >= start && string.IsNullOrWhiteSpace(_tokenizer.DecodeText(ids.AsSpan(last + 1, end - last - 1)))
            ? last + 1 : null;
    }

    /// <summary>An answer in a conversation.</summary>
    /// <param name="Place">The place of its message.</param>
    /// <param name="Start">Where it begins in the text.</param>
    /// <param name="Text">The conversation up to it, with it.</param>
    private readonly record struct Answer(int Place, int Start, string Text);
}
