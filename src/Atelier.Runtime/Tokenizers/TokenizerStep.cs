using System.Text.Json;
using Atelier.Formats;
using Atelier.Tokenizers.Patterns;

namespace Atelier.Tokenizers;

/// <summary>A step of a part of a tokenizer.json, for example of its normalizer.</summary>
/// <param name="Type">The type of the step, such as "Lowercase".</param>
/// <param name="Value">The JSON object of the step.</param>
/// <param name="At">The path of the step in the file, with a dot at its end.</param>
/// <param name="File">The path of the file.</param>
internal sealed record TokenizerStep(string Type, JsonElement Value, string At, string File)
{
    /// <summary>Returns the steps of a part: none, a single one, or those of a sequence.</summary>
    /// <param name="root">The root of the file.</param>
    /// <param name="part">The key of the part.</param>
    /// <param name="inner">The key of the steps in a sequence.</param>
    /// <param name="file">The path of the file.</param>
    public static IReadOnlyList<TokenizerStep> All(JsonElement root, string part, string inner, string file)
    {
        if (!root.TryGetProperty(part, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            return [];
        return [.. Flat(value, part)];

        IEnumerable<TokenizerStep> Flat(JsonElement element, string at)
        {
            var step = new TokenizerStep(element.GetProperty("type").GetString() ?? "", element, at + ".", file);
            if (step.Type != "Sequence")
                return [step];
            step.Check([inner], []);
            return element.GetProperty(inner).EnumerateArray()
                .SelectMany((item, i) => Flat(item, FormattableString.Invariant($"{at}[{i}]")).ToArray());
        }
    }

    /// <summary>Refuses the keys of the step that are not supported.</summary>
    public void Check(string[] read, string[] harmless, params (string Key, string[] Values)[] only) =>
        new KnownKeys(["type", .. read], harmless, only).Check(Value, File, At);

    /// <summary>Returns a switch, or <paramref name="otherwise"/> if the step does not have it.</summary>
    public bool IsOn(string key, bool otherwise) =>
        Value.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? value.GetBoolean()
            : otherwise;

    /// <summary>Returns a string, or <paramref name="otherwise"/> if the step does not have it.</summary>
    public string Text(string key, string otherwise = "") =>
        Value.TryGetProperty(key, out JsonElement value) ? value.GetString() ?? otherwise : otherwise;

    /// <summary>Returns a number, or <paramref name="otherwise"/> if the step does not have it.</summary>
    public int Number(string key, int otherwise, int least)
    {
        int number = Value.TryGetProperty(key, out JsonElement value) ? value.GetInt32() : otherwise;
        return number >= least ? number
            : throw NotRead(key, $"{number}", $"{least} or more is");
    }

    /// <summary>Returns a string of one character.</summary>
    public string Character(string key, string otherwise = "")
    {
        string text = Text(key, otherwise);
        return text.EnumerateRunes().Count() == 1 ? text
            : throw NotRead(key, $"\"{text}\"", "one character is");
    }

    /// <summary>Reads a regular expression of the step.</summary>
    public TextPattern Regex(string pattern) => AtelierException.At(File, () => TextPattern.Read(pattern));

    /// <summary>Returns the pattern of the step, and whether it is a regular expression.</summary>
    public (string Text, bool IsRegex) Pattern()
    {
        JsonElement pattern = Value.GetProperty("pattern");
        new KnownKeys(["String", "Regex"], []).Check(pattern, File, At + "pattern.");
        bool isRegex = !pattern.TryGetProperty("String", out JsonElement text);
        if (isRegex)
            text = pattern.GetProperty("Regex");
        return text.GetString() is { Length: > 0 } found
            ? (found, isRegex)
            : throw new AtelierException($"'{At}pattern' is empty", File, "download the file again");
    }

    /// <summary>Returns the error for a step that is not supported.</summary>
    public AtelierException NotRead(string part) => new($"the {part} {Type} is not supported", File,
        "use a model with a supported tokenizer: see docs/formats.md");

    /// <summary>Returns the error for a value of the step that is not supported.</summary>
    public AtelierException NotRead(string key, string value, string hint) =>
        new($"'{At}{key}' is {value}, which is not supported", File, hint);
}
