using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Atelier.Generation.Chat;

/// <summary>
/// Reads the calls of tools in an answer. Five forms are known: &lt;tool_call&gt;{…}&lt;/tool_call&gt; (Hermes, Qwen),
/// &lt;tool_call&gt;&lt;function=name&gt;&lt;parameter=name&gt;…&lt;/parameter&gt;&lt;/function&gt;&lt;/tool_call&gt;
/// (Qwen3-Coder), [TOOL_CALLS][{…}] and [TOOL_CALLS]name[ARGS]{…} (Mistral), and an answer that is {…} or [{…}],
/// possibly after &lt;|python_tag|&gt; (Llama 3). An object has a name, and arguments or parameters.
/// </summary>
internal static class ToolCallText
{
    /// <summary>The marks after which calls follow.</summary>
    public static readonly string[] Marks = [Tag, MistralMark];

    /// <summary>The mark of Llama 3 before an answer that is a call.</summary>
    public const string LlamaMark = "<|python_tag|>";

    private const string Tag = "<tool_call>", EndTag = "</tool_call>", MistralMark = "[TOOL_CALLS]";
    private const string FunctionTag = "<function=", EndFunctionTag = "</function>";
    private const string ArgumentsMark = "[ARGS]", IdMark = "[CALL_ID]";
    private const int IdLength = 9; // what Mistral's templates require

    /// <summary>Reads calls.</summary>
    /// <param name="text">The answer, or its part from the first mark.</param>
    /// <param name="tools">The schemas of the parameters of the known tools, by name.</param>
    /// <param name="rest">The text beside the calls.</param>
    /// <returns>The calls, with new identifiers; empty if the text has none that can be read.</returns>
    public static List<FunctionCallContent> Read(string text, IReadOnlyDictionary<string, JsonElement> tools,
        out string rest)
    {
        List<FunctionCallContent> calls = [];
        var beside = new StringBuilder();
        string left = text.Trim();
        while (left.Length > 0)
        {
            int mark = left.IndexOf(Tag, StringComparison.Ordinal);
            if (mark >= 0)
            {
                int end = left.IndexOf(EndTag, mark, StringComparison.Ordinal);
                string inner = left[(mark + Tag.Length)..(end < 0 ? left.Length : end)];
                beside.Append(left.AsSpan(0, mark).Trim());
                if (!Add(calls, inner, tools, out string after) || after.Length > 0)
                    beside.Append(left, mark, (end < 0 ? left.Length : end + EndTag.Length) - mark);
                left = end < 0 ? "" : left[(end + EndTag.Length)..].TrimStart();
                continue;
            }
            bool isMarked = left.StartsWith(MistralMark, StringComparison.Ordinal);
            string unmarked = Without(Without(left, MistralMark), LlamaMark);
            if ((calls.Count > 0 && !isMarked) || !Add(calls, unmarked, tools, out left))
            {
                beside.Append(left.Length > 0 ? left : unmarked);
                break;
            }
        }
        rest = beside.ToString();
        return calls;
    }

    private static string Without(string text, string mark) =>
        text.StartsWith(mark, StringComparison.Ordinal) ? text[mark.Length..].TrimStart() : text;

    /// <summary>Adds the calls at the beginning of a text, or none if what is there is no call.</summary>
    private static bool Add(List<FunctionCallContent> calls, string text,
        IReadOnlyDictionary<string, JsonElement> tools, out string rest)
    {
        rest = text;
        if (text.TrimStart().StartsWith(FunctionTag, StringComparison.Ordinal))
        {
            string name = Between(text, FunctionTag, ">", 0, out int body) ?? "";
            int end = text.IndexOf(EndFunctionTag, body, StringComparison.Ordinal);
            string inner = text[body..(end < 0 ? text.Length : end)];
            rest = end < 0 ? "" : text[(end + EndFunctionTag.Length)..].Trim();
            calls.Add(new FunctionCallContent(NewId(), name, Parameters(inner, tools.GetValueOrDefault(name))));
            return true;
        }
        int mark = text.IndexOf(ArgumentsMark, StringComparison.Ordinal);
        if (mark > 0 && text[..mark].Split(IdMark)[0] is { Length: > 0 } called && called.All(IsOfName))
        {
            byte[] json = Encoding.UTF8.GetBytes(text[(mark + ArgumentsMark.Length)..]);
            int length = 0;
            if (Value(json, ref length) is not { ValueKind: JsonValueKind.Object } given)
                return false;
            rest = Encoding.UTF8.GetString(json.AsSpan(length)).TrimStart();
            calls.Add(new FunctionCallContent(NewId(), called, Arguments(given)));
            return true;
        }
        List<FunctionCallContent> found = [];
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int read = 0;
        while (Value(bytes, ref read) is JsonElement json)
        {
            JsonElement[] objects = json.ValueKind == JsonValueKind.Array ? [.. json.EnumerateArray()] : [json];
            foreach (JsonElement one in objects)
            {
                if (Call(one) is not { } call)
                    return false;
                found.Add(call);
            }
            rest = Encoding.UTF8.GetString(bytes.AsSpan(read)).TrimStart([' ', '\n', '\r', '\t', ';']);
            read = bytes.Length - Encoding.UTF8.GetByteCount(rest);
        }
        calls.AddRange(found);
        return found.Count > 0;
    }

    /// <summary>Reads a value of JSON; null if there is none.</summary>
    private static JsonElement? Value(byte[] bytes, ref int read)
    {
        var reader = new Utf8JsonReader(bytes.AsSpan(read), isFinalBlock: true, default);
        try
        {
            if (!JsonDocument.TryParseValue(ref reader, out JsonDocument? document))
                return null;
            using (document)
            {
                read += (int)reader.BytesConsumed;
                return document.RootElement.Clone();
            }
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static FunctionCallContent? Call(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("name", out JsonElement name)
            || name.ValueKind != JsonValueKind.String)
            return null;
        Dictionary<string, object?> arguments = [];
        if (json.TryGetProperty("arguments", out JsonElement given) || json.TryGetProperty("parameters", out given))
        {
            if (given.ValueKind != JsonValueKind.Object)
                return null;
            arguments = Arguments(given);
        }
        return new FunctionCallContent(NewId(), name.GetString()!, arguments);
    }

    private static Dictionary<string, object?> Arguments(JsonElement given)
    {
        var arguments = new Dictionary<string, object?>();
        foreach (JsonProperty property in given.EnumerateObject())
            arguments[property.Name] = property.Value;
        return arguments;
    }

    /// <summary>
    /// Returns parameters that are written as tags. Their texts do not tell a string from another value, but the schema
    /// does; what is no JSON is a string, too.
    /// </summary>
    private static Dictionary<string, object?> Parameters(string text, JsonElement schema)
    {
        var arguments = new Dictionary<string, object?>();
        int at = 0;
        while (Between(text, "<parameter=", ">", at, out at) is { } name
            && Between(text[at..], "", "</parameter>", 0, out int end) is { } value)
        {
            at += end;
            value = value.StartsWith('\n') ? value[1..] : value;
            value = value.EndsWith('\n') ? value[..^1] : value;
            byte[] json = Encoding.UTF8.GetBytes(value);
            int length = 0;
            arguments[name] = !IsText(schema, name) && Value(json, ref length) is { } read && length == json.Length
                ? read : value;
        }
        return arguments;
    }

    /// <summary>Returns the text between two others; null if it is missing.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="open">What precedes it.</param>
    /// <param name="close">What follows it.</param>
    /// <param name="from">Where to search.</param>
    /// <param name="end">The place after the close; that of the search if there is none.</param>
    private static string? Between(string text, string open, string close, int from, out int end)
    {
        end = from;
        int start = text.IndexOf(open, from, StringComparison.Ordinal);
        int stop = start < 0 ? -1 : text.IndexOf(close, start + open.Length, StringComparison.Ordinal);
        if (stop < 0)
            return null;
        end = stop + close.Length;
        return text[(start + open.Length)..stop];
    }

    private static bool IsOfName(char c) => char.IsLetterOrDigit(c) || c is '_' or '-' or '.';

    private static bool IsText(JsonElement schema, string parameter) => schema.ValueKind == JsonValueKind.Object
        && schema.TryGetProperty("properties", out JsonElement properties)
        && properties.ValueKind == JsonValueKind.Object && properties.TryGetProperty(parameter, out JsonElement one)
        && one.ValueKind == JsonValueKind.Object && one.TryGetProperty("type", out JsonElement type)
        && type.ValueKind == JsonValueKind.String && type.ValueEquals("string");

    private static string NewId() => string.Concat(Random.Shared.GetItems(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".AsSpan(), IdLength));
}
