using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Atelier.Generation.Chat;

/// <summary>
/// Splits an answer, as it is written, into its reasoning (&lt;think&gt;…&lt;/think&gt;), its text, and its calls of
/// tools. Text is returned as soon as it cannot be the beginning of a mark; calls at the end.
/// </summary>
/// <param name="readsReasoning">Whether the model may reason before it answers.</param>
/// <param name="opensReasoning">Whether the answer begins within its reasoning.</param>
/// <param name="tools">The schemas of the tools that the model may call, by name; empty for none.</param>
internal sealed class AnswerReader(bool readsReasoning, bool opensReasoning,
    IReadOnlyDictionary<string, JsonElement> tools)
{
    private const string Open = "<think>", Close = "</think>";

    /// <summary>The marks that are read, for vocabularies in which they are special tokens without text.</summary>
    public static readonly string[] Marks =
        [Open, Close, .. ToolCallText.Marks, "</tool_call>", "[CALL_ID]", "[ARGS]", ToolCallText.LlamaMark];

    private enum Part
    {
        Beginning,
        Reasoning,
        Text,
        Calls,
    }

    private Part _part = opensReasoning ? Part.Reasoning : Part.Beginning;
    private string _rest = "";
    private bool _mayReason = readsReasoning && !opensReasoning;
    private bool _trims = opensReasoning; // whether the next text begins a part whose leading space is dropped

    /// <summary>Reads a further piece of the answer, and returns what is certain.</summary>
    public List<AIContent> Read(string piece)
    {
        List<AIContent> contents = [];
        _rest += piece;
        while (Step(contents))
        {
        }
        return contents;
    }

    /// <summary>Ends the answer, and returns what is left of it.</summary>
    public List<AIContent> End()
    {
        List<AIContent> contents = [];
        if (_part != Part.Calls)
        {
            Add(contents, _rest);
            return contents;
        }
        List<FunctionCallContent> calls = ToolCallText.Read(_rest, tools, out string beside);
        if (calls.Count == 0 || !calls.TrueForAll(call => tools.ContainsKey(call.Name)))
            return _rest.Length == 0 ? [] : [new TextContent(_rest)]; // such as an answer in JSON
        if (beside.Length > 0)
            contents.Add(new TextContent(beside));
        contents.AddRange(calls);
        return contents;
    }

    /// <summary>Goes from one part to the next; false if the part goes on, or more text is needed.</summary>
    private bool Step(List<AIContent> contents)
    {
        switch (_part)
        {
            case Part.Beginning:
                return Begin();
            case Part.Reasoning:
                int close = _rest.IndexOf(Close, StringComparison.Ordinal);
                if (close < 0)
                {
                    Hold(contents, [Close]);
                    return false;
                }
                Add(contents, _rest[..close].TrimEnd());
                (_rest, _part, _trims) = (_rest[(close + Close.Length)..], Part.Beginning, true);
                return true;
            case Part.Text:
                int mark = tools.Count == 0 ? -1 : ToolCallText.Marks
                    .Select(name => _rest.IndexOf(name, StringComparison.Ordinal)).Where(at => at >= 0)
                    .DefaultIfEmpty(-1).Min();
                if (mark < 0)
                {
                    Hold(contents, tools.Count == 0 ? [] : ToolCallText.Marks);
                    return false;
                }
                Add(contents, _rest[..mark].TrimEnd());
                (_rest, _part) = (_rest[mark..], Part.Calls);
                return true;
            default:
                return false;
        }
    }

    private bool Begin()
    {
        string begun = _rest.TrimStart();
        if (begun.Length == 0)
            return false;
        if (_mayReason && begun.StartsWith(Open, StringComparison.Ordinal))
        {
            (_rest, _part, _trims, _mayReason) = (begun[Open.Length..], Part.Reasoning, true, false);
            return true;
        }
        bool calls = tools.Count > 0;
        if ((_mayReason && Open.StartsWith(begun, StringComparison.Ordinal))
            || (calls && ToolCallText.LlamaMark.StartsWith(begun, StringComparison.Ordinal)
                && begun.Length < ToolCallText.LlamaMark.Length))
            return false;
        _part = calls && (begun[0] is '{' or '[' || begun.StartsWith(ToolCallText.LlamaMark, StringComparison.Ordinal))
            ? Part.Calls : Part.Text;
        return true;
    }

    /// <summary>Returns the text but for its end, if that may become a mark, and for space before one.</summary>
    private void Hold(List<AIContent> contents, string[] marks)
    {
        int kept = _rest.Length;
        foreach (string mark in marks)
        {
            for (int length = Math.Min(mark.Length - 1, _rest.Length); length > 0; length--)
            {
                if (_rest.EndsWith(mark[..length], StringComparison.Ordinal))
                    kept = Math.Min(kept, _rest.Length - length);
            }
        }
        if (marks.Length > 0)
            kept = _rest.AsSpan(0, kept).TrimEnd().Length;
        string certain = _rest[..kept];
        _rest = _rest[kept..];
        Add(contents, certain);
    }

    private void Add(List<AIContent> contents, string text)
    {
        if (_trims)
            text = text.TrimStart();
        if (text.Length == 0)
            return;
        _trims = false;
        contents.Add(_part == Part.Reasoning ? new TextReasoningContent(text) : new TextContent(text));
    }
}
