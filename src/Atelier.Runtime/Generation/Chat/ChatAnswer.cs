using Microsoft.Extensions.AI;

namespace Atelier.Generation.Chat;

/// <summary>Splits the pieces of one answer into its text, its reasoning and its calls of tools.</summary>
public sealed class ChatAnswer
{
    private readonly AnswerReader? _reader;
    private readonly IReadOnlyDictionary<int, string> _marks;
    private readonly bool _hidesReasoning;
    private bool _hasCalls;

    /// <summary>Begins an answer.</summary>
    /// <param name="reader">What finds the parts; null for an answer that is text.</param>
    /// <param name="marks">The special tokens that are marks of parts, which have no text of their own.</param>
    /// <param name="hidesReasoning">Whether reasoning is left out.</param>
    internal ChatAnswer(AnswerReader? reader, IReadOnlyDictionary<int, string> marks, bool hidesReasoning) =>
        (_reader, _marks, _hidesReasoning) = (reader, marks, hidesReasoning);

    /// <summary>Reads the next piece of the answer.</summary>
    /// <param name="piece">The piece.</param>
    /// <returns>What is certain: <see cref="TextContent"/>, <see cref="TextReasoningContent"/> and, with the last
    /// piece, <see cref="FunctionCallContent"/>. May be empty.</returns>
    public IReadOnlyList<AIContent> Read(TextPiece piece)
    {
        if (_reader is null)
            return piece.Text.Length > 0 ? [new TextContent(piece.Text)] : [];
        string mark = piece.Token is { } token ? _marks.GetValueOrDefault(token.Id, "") : "";
        List<AIContent> contents = _reader.Read(piece.Text + mark);
        if (piece.FinishReason is not null)
            contents.AddRange(_reader.End());
        _hasCalls |= contents.Exists(content => content is FunctionCallContent);
        if (_hidesReasoning)
            contents.RemoveAll(content => content is TextReasoningContent);
        return contents;
    }

    /// <summary>Returns why the answer ended with a piece that has been read; null while it goes on.</summary>
    /// <param name="piece">The piece.</param>
    public ChatFinishReason? FinishReason(TextPiece piece) => piece.FinishReason switch
    {
        null => null,
        _ when _hasCalls => ChatFinishReason.ToolCalls,
        "length" => ChatFinishReason.Length,
        _ => ChatFinishReason.Stop,
    };
}
