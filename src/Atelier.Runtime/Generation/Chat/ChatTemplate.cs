using Atelier.Tokenizers;

namespace Atelier.Generation.Chat;

/// <summary>One message of a conversation.</summary>
/// <param name="Role">"system", "user" or "assistant"; "tool" for the result of a call.</param>
/// <param name="Text">The text of the message.</param>
public readonly record struct ChatTurn(string Role, string Text)
{
    /// <summary>The reasoning before an answer; null for none.</summary>
    internal string? Reasoning { get; init; }

    /// <summary>The calls of tools in an answer; null for none.</summary>
    internal IReadOnlyList<ToolCall>? Calls { get; init; }

    /// <summary>The identifier of the call whose result this is; null if this is none.</summary>
    internal string? CallId { get; init; }

    /// <summary>The name of the tool whose result this is; null if it is unknown.</summary>
    internal string? Name { get; init; }
}

/// <summary>
/// Writes conversations in the common formats that models are trained on, for models whose files have no template of
/// their own.
/// </summary>
public static class ChatTemplate
{
    /// <summary>
    /// Writes a conversation in a format, including the header of the answer to generate but not the start token.
    /// </summary>
    /// <param name="format">The format.</param>
    /// <param name="turns">The messages; the last one is the user's.</param>
    /// <param name="endName">The name of the end-of-text token, which some formats write after an answer.</param>
    /// <exception cref="AtelierException">A role is unknown, there is no message, or the format is the model's own
    /// template, which is no known format.</exception>
    public static ChatText Write(ChatFormat format, IReadOnlyList<ChatTurn> turns, string endName)
    {
        if (turns.Count == 0)
            throw new AtelierException("the conversation has no messages", hint: "give one or more");
        if (format == ChatFormat.Template)
            throw new AtelierException("a model's own template is no known format",
                hint: "make a TextChatClient of the model");
        foreach (ChatTurn turn in turns)
        {
            if (format != ChatFormat.Plain && turn.Role is not ("system" or "user" or "assistant"))
                throw new AtelierException(
                    $"the role '{turn.Role}' is not supported in a conversation of the form {format}",
                    hint: "supported are system, user and assistant");
        }
        var chat = new ChatText();
        switch (format)
        {
            case ChatFormat.Plain:
                chat.Add(string.Join('\n', turns.Select(turn => turn.Text)));
                break;
            case ChatFormat.ChatMl:
                foreach (ChatTurn turn in turns)
                    chat.Add($"<|im_start|>{turn.Role}\n", turn.Text, "<|im_end|>\n");
                chat.Add("<|im_start|>assistant\n");
                break;
            case ChatFormat.Llama3:
                foreach (ChatTurn turn in turns)
                    chat.Add($"<|start_header_id|>{turn.Role}<|end_header_id|>\n\n", turn.Text.Trim(), "<|eot_id|>");
                chat.Add("<|start_header_id|>assistant<|end_header_id|>\n\n");
                break;
            case ChatFormat.Zephyr:
                foreach (ChatTurn turn in turns)
                    chat.Add($"<|{turn.Role}|>\n", turn.Text, $"{endName}\n");
                chat.Add("<|assistant|>\n");
                break;
            case ChatFormat.Llama2:
                foreach (ChatTurn turn in Merged(turns, system => $"<<SYS>>\n{system}\n<</SYS>>\n\n"))
                {
                    if (turn.Role == "user")
                        chat.Add(chat.Text.Length > 0 ? "<s>[INST] " : "[INST] ", turn.Text.Trim(), " [/INST]");
                    else
                        chat.Add(" ", turn.Text.Trim(), $" {endName}");
                }
                break;
            case ChatFormat.Gemma:
                foreach (ChatTurn turn in Merged(turns, system => $"{system}\n\n"))
                    chat.Add($"<start_of_turn>{(turn.Role == "user" ? "user" : "model")}\n", turn.Text.Trim(),
                        "<end_of_turn>\n");
                chat.Add("<start_of_turn>model\n");
                break;
            default:
                foreach (ChatTurn turn in turns)
                {
                    string header = turn.Role switch
                    {
                        "system" => "",
                        "user" => "### Instruction:\n",
                        _ => "### Response:\n",
                    };
                    chat.Add(header, turn.Text, turn.Role == "assistant" ? $"{endName}\n\n" : "\n\n");
                }
                chat.Add("### Response:\n");
                break;
        }
        return chat;
    }

    /// <summary>
    /// Encodes a conversation. The names of special tokens are encoded as these tokens only where the format wrote
    /// them, never inside the text of a message.
    /// </summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="chat">The conversation.</param>
    public static int[] Encode(Tokenizer tokenizer, ChatText chat) => new ChatEncoder(tokenizer).Encode(chat);

    /// <summary>
    /// Returns the tokens that end an answer in a format, in addition to the end-of-text token, if the vocabulary has
    /// them.
    /// </summary>
    public static IReadOnlyList<int> EndIds(ChatFormat format, Tokenizer tokenizer)
    {
        string? name = format switch
        {
            ChatFormat.ChatMl => "<|im_end|>",
            ChatFormat.Llama3 => "<|eot_id|>",
            ChatFormat.Gemma => "<end_of_turn>",
            _ => null,
        };
        return name is not null && new ChatEncoder(tokenizer).Id(name) is int id ? [id] : [];
    }

    /// <summary>
    /// Moves system messages to the beginning of the next user message, for formats without a system role.
    /// </summary>
    private static IEnumerable<ChatTurn> Merged(IReadOnlyList<ChatTurn> turns, Func<string, string> form)
    {
        string system = "";
        foreach (ChatTurn turn in turns)
        {
            if (turn.Role == "system")
            {
                system += form(turn.Text);
                continue;
            }
            yield return turn.Role == "user" ? turn with { Text = system + turn.Text } : turn;
            if (turn.Role == "user")
                system = "";
        }
    }
}
