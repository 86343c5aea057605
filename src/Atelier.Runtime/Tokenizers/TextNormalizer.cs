using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Atelier.Tokenizers.Patterns;

namespace Atelier.Tokenizers;

/// <summary>Normalises text before tokenization, by the steps of a tokenizer.json.</summary>
internal sealed class TextNormalizer
{
    private const string SeveralSpaces = " {2,}";
    private static readonly Dictionary<string, NormalizationForm> Forms = new()
    {
        ["NFC"] = NormalizationForm.FormC,
        ["NFD"] = NormalizationForm.FormD,
        ["NFKC"] = NormalizationForm.FormKC,
        ["NFKD"] = NormalizationForm.FormKD,
    };

    private readonly Func<string, string>[] _steps;
    private readonly JsonNode[] _sources;

    private TextNormalizer(IReadOnlyList<TokenizerStep> steps)
    {
        _steps = [.. steps.Select(Read)];
        _sources = [.. steps.Select(step => JsonNode.Parse(step.Value.GetRawText())!)];
    }

    /// <summary>Creates a normalizer; null for no steps.</summary>
    /// <exception cref="AtelierException">A step or one of its keys is not supported, or the process has no Unicode
    /// tables for it.</exception>
    public static TextNormalizer? Of(IReadOnlyList<TokenizerStep> steps) =>
        steps.Count == 0 ? null : new TextNormalizer(steps);

    /// <summary>The names of the steps, in order.</summary>
    public IEnumerable<string> Names => _sources.Select(source => (string)source["type"]!);

    /// <summary>Returns the text after all steps.</summary>
    public string Apply(ReadOnlySpan<char> text)
    {
        string result = text.ToString();
        foreach (Func<string, string> step in _steps)
            result = step(result);
        return result;
    }

    /// <summary>Returns the normalizer as in a tokenizer.json.</summary>
    public JsonNode ToJson() => _sources.Length == 1
        ? _sources[0].DeepClone()
        : new JsonObject
        {
            ["type"] = "Sequence",
            ["normalizers"] = new JsonArray([.. _sources.Select(source => source.DeepClone())]),
        };

    private static Func<string, string> Read(TokenizerStep step)
    {
        switch (step.Type)
        {
            case "Lowercase":
                step.Check([], []);
                return Lower;
            case "StripAccents":
                step.Check([], []);
                return text => Without(text, category => category is UnicodeCategory.NonSpacingMark
                    or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark);
            case "Strip":
                step.Check(["strip_left", "strip_right"], []);
                bool left = step.IsOn("strip_left", true), right = step.IsOn("strip_right", true);
                return text => (left, right) switch
                {
                    (true, true) => text.Trim(),
                    (true, false) => text.TrimStart(),
                    _ => right ? text.TrimEnd() : text,
                };
            case "Prepend":
                step.Check(["prepend"], []);
                string prefix = step.Text("prepend");
                return text => text.Length == 0 ? text : prefix + text;
            case "Replace":
                return ReadReplace(step);
            case "Precompiled":
                step.Check(["precompiled_charsmap"], []);
                return PrecompiledMap.Read(step.Text("precompiled_charsmap"), step.File, step.At).Apply;
            case "BertNormalizer":
                return ReadBert(step);
            case "Nmt":
                step.Check([], []);
                return text => Map(text, CleanForTranslation);
            case "ByteLevel":
                step.Check([], []);
                return text => TokenTable.ByteLevelName(Wtf8.Encode(text));
            default:
                if (!Forms.TryGetValue(step.Type, out NormalizationForm form))
                    throw step.NotRead("normalizer");
                step.Check([], []);
                RequireUnicode(step.Type, step.File);
                return text => Normalize(text, form);
        }
    }

    private static Func<string, string> ReadReplace(TokenizerStep step)
    {
        step.Check(["pattern", "content"], []);
        (string pattern, bool isRegex) = step.Pattern();
        string content = step.Text("content");
        if (!isRegex)
            return text => text.Replace(pattern, content, StringComparison.Ordinal);
        if (pattern == SeveralSpaces) // the expression of many models
            return text => ReplaceSpaces(text, content);
        TextPattern expression = step.Regex(pattern);
        return text => expression.Replace(text, content);
    }

    private static Func<string, string> ReadBert(TokenizerStep step)
    {
        step.Check(["clean_text", "handle_chinese_chars", "strip_accents", "lowercase"], []);
        bool lowers = step.IsOn("lowercase", true), strips = step.IsOn("strip_accents", lowers);
        bool cleans = step.IsOn("clean_text", true), separates = step.IsOn("handle_chinese_chars", true);
        if (strips)
            RequireUnicode("NFD", step.File);
        return text =>
        {
            text = BertText.Clean(text, cleans, separates);
            if (strips)
                text = Without(Normalize(text, NormalizationForm.FormD), c => c == UnicodeCategory.NonSpacingMark);
            return lowers ? Lower(text) : text;
        };
    }

    // Without ICU, .NET does not normalise and returns every text unchanged.
    private static void RequireUnicode(string form, string file)
    {
        if ("e\u0301".Normalize(NormalizationForm.FormC) != "\u00e9")
            throw new AtelierException($"the tokenizer normalises text to the form {form}, for which .NET needs ICU",
                file, "run without InvariantGlobalization");
    }

    // The Unicode standard's mapping of single characters, regardless of context. One capital letter, U+0130, becomes
    // two characters.
    private static string Lower(string text) => Map(text, static (rune, lower) =>
    {
        if (rune.Value == 0x130)
            lower.Append("i\u0307");
        else
            Append(lower, Rune.ToLowerInvariant(rune));
    });

    // The rules of SentencePiece's normalisation for machine translation, "nmt".
    private static void CleanForTranslation(Rune rune, StringBuilder text)
    {
        bool isRemoved = rune.Value is (>= 1 and <= 8) or 0xB or (>= 0xE and <= 0x1F) or 0x7F or 0x8F or 0x9F;
        bool isSpace = rune.Value is '\t' or '\n' or '\f' or '\r' or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028
            or 0x2029 or '▁' or 0xFEFF or 0xFFFD;
        if (!isRemoved)
            Append(text, isSpace ? new Rune(' ') : rune);
    }

    private static string Without(string text, Func<UnicodeCategory, bool> isRemoved) => Map(text, (rune, kept) =>
    {
        if (!isRemoved(Rune.GetUnicodeCategory(rune)))
            Append(kept, rune);
    });

    private static string Map(string text, Action<Rune, StringBuilder> map)
    {
        var result = new StringBuilder(text.Length);
        for (ReadOnlySpan<char> rest = text; !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(rest, out Rune rune, out int used) == OperationStatus.Done)
                map(rune, result);
            else
                result.Append(rest[..used]); // lone surrogates are unchanged
            rest = rest[used..];
        }
        return result.ToString();
    }

    private static void Append(StringBuilder text, Rune rune)
    {
        Span<char> units = stackalloc char[2];
        text.Append(units[..rune.EncodeToUtf16(units)]);
    }

    private static string ReplaceSpaces(string text, string content)
    {
        var result = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            int end = at;
            while (end < text.Length && text[end] == ' ')
                end++;
            if (end - at >= 2)
                result.Append(content);
            else
                result.Append(text[at]);
            at = end - at >= 2 ? end : at + 1;
        }
        return result.ToString();
    }

    private static string Normalize(string text, NormalizationForm form)
    {
        var result = new StringBuilder(text.Length);
        int from = 0;
        for (int at = 0; at < text.Length;)
        {
            bool isWhole = Rune.DecodeFromUtf16(text.AsSpan(at), out _, out int used) == OperationStatus.Done;
            if (!isWhole)
            {
                result.Append(text[from..at].Normalize(form)).Append(text.AsSpan(at, used));
                from = at + used;
            }
            at += used;
        }
        return from == 0 ? text.Normalize(form) : result.Append(text[from..].Normalize(form)).ToString();
    }
}
