using System.CommandLine;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Formats;

namespace Atelier.Cli;

/// <summary>An option for each property of <see cref="DecodingOptions"/>: --top-k for TopK.</summary>
internal sealed class DecodingArguments
{
    private readonly List<(PropertyInfo Property, Option<string[]> Option)> _options =
    [
        .. typeof(DecodingOptions).GetProperties().Where(p => p.CanWrite).Select(p => (p, new Option<string[]>(
            OptionNames.Of(JsonNamingPolicy.CamelCase.ConvertName(p.Name)))
        {
            HelpName = p.Name == nameof(DecodingOptions.Schema) ? "F.json"
                : p.Name == nameof(DecodingOptions.Grammar) ? "F.gbnf" : p.PropertyType == typeof(int) ? "N"
                : p.PropertyType == typeof(double) ? "X" : p.PropertyType == typeof(bool) ? "true|false" : "TEXT",
            Description = Descriptions[p.Name],
        })),
    ];

    private static IReadOnlyDictionary<string, string> Descriptions { get; } = new Dictionary<string, string>
    {
        [nameof(DecodingOptions.MaxTokens)] = "The maximum number of tokens per sample.",
        [nameof(DecodingOptions.Temperature)] = "Divides the logits; 0 always chooses the most likely token.",
        [nameof(DecodingOptions.TopK)] = "Samples from the k most likely tokens; 0 keeps all.",
        [nameof(DecodingOptions.TopP)] =
            "Samples from the smallest set of tokens with this total probability; 1 keeps all.",
        [nameof(DecodingOptions.MinP)] =
            "Drops tokens less likely than this fraction of the most likely token; 0 keeps all.",
        [nameof(DecodingOptions.TypicalP)] =
            "Locally typical sampling, up to this total probability; 1 keeps all tokens.",
        [nameof(DecodingOptions.BeamWidth)] = "The number of beams; above 1 uses beam search instead of sampling.",
        [nameof(DecodingOptions.LengthPenalty)] = "Beam search divides scores by the length raised to this power.",
        [nameof(DecodingOptions.CoveragePenalty)] =
            "Beam search prefers targets whose attention covers the whole source; 0 is off.",
        [nameof(DecodingOptions.BeamGroups)] = "The number of groups of diverse beam search; 1 searches in one group.",
        [nameof(DecodingOptions.DiversityPenalty)] =
            "Subtracted from a token's score for each beam of an earlier group that chose it at the same step.",
        [nameof(DecodingOptions.EarlyStopping)] = "true ends beam search as soon as all beams have an end; or false.",
        [nameof(DecodingOptions.NoRepeatNgram)] = "No N tokens in a row occur twice; 0 allows repetition.",
        [nameof(DecodingOptions.MinTokens)] = "The number of tokens before which a sample cannot end.",
        [nameof(DecodingOptions.RepetitionPenalty)] = "Above 1 makes tokens that occurred before less likely.",
        [nameof(DecodingOptions.PresencePenalty)] = "Subtracted from the logit of every token generated before.",
        [nameof(DecodingOptions.FrequencyPenalty)] =
            "Subtracted from a token's logit once for each time it was generated.",
        [nameof(DecodingOptions.Stop)] = "Text that ends a sample. Can be repeated.",
        [nameof(DecodingOptions.Lookup)] =
            "Speculative decoding: proposes what followed the same N tokens earlier in the text; 0 is off.",
        [nameof(DecodingOptions.DraftTokens)] =
            "The maximum number of tokens that --draft or --lookup proposes at a time.",
        [nameof(DecodingOptions.Pattern)] = "A regular expression that each whole sample must match.",
        [nameof(DecodingOptions.Schema)] = "A file with a JSON schema that each sample must conform to.",
        [nameof(DecodingOptions.Grammar)] = "A file with a grammar in GBNF that each whole sample must match.",
    };

    public void AddTo(Command command)
    {
        foreach ((_, Option<string[]> option) in _options)
            command.Add(option);
    }

    /// <summary>Returns the bundle's settings with the changes of the command line, or null.</summary>
    public DecodingOptions? Read(ParseResult parse, DecodingOptions defaults)
    {
        DecodingOptions changed = defaults with { };
        bool any = false;
        foreach ((PropertyInfo property, Option<string[]> option) in _options)
        {
            if (parse.GetValue(option) is not { Length: > 0 } values)
                continue;
            object value = property.Name switch
            {
                nameof(DecodingOptions.Stop) => values,
                nameof(DecodingOptions.Pattern) => values[^1],
                nameof(DecodingOptions.Schema) => ReadFile(option.Name, values[^1], isJson: true),
                nameof(DecodingOptions.Grammar) => ReadFile(option.Name, values[^1], isJson: false),
                nameof(DecodingOptions.EarlyStopping) => bool.TryParse(values[^1], out bool isSet) ? isSet
                    : throw new AtelierException($"{option.Name} is '{values[^1]}'", "atelier generate",
                        "write true or false"),
                _ => Number(property, option.Name, values[^1]),
            };
            property.SetValue(changed, value);
            any = true;
        }
        return any ? changed : null;
    }

    private static string ReadFile(string name, string path, bool isJson)
    {
        try
        {
            string text = InputFile.ReadAllText(path);
            using JsonDocument? document = isJson ? JsonDocument.Parse(text) : null;
            return text;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new AtelierException("there is no such file", path, $"check the path given with {name}", e);
        }
        catch (JsonException e)
        {
            throw new AtelierException($"is not JSON: {e.Message.TrimEnd('.')}", path,
                $"{name} needs a JSON schema", e);
        }
    }

    private static object Number(PropertyInfo property, string name, string text)
    {
        CultureInfo invariant = CultureInfo.InvariantCulture;
        object? number = property.PropertyType == typeof(int)
            ? int.TryParse(text, NumberStyles.AllowLeadingSign, invariant, out int whole) ? whole : null
            : double.TryParse(text, NumberStyles.Float, invariant, out double real) ? real : null;
        RangeAttribute? range = property.GetCustomAttribute<RangeAttribute>();
        if (number is not null && range?.IsValid(number) != false)
            return number;
        string hint = range is null ? "write a number"
            : string.Create(invariant, $"allowed: {range.Minimum} to {range.Maximum}");
        throw new AtelierException($"{name} is '{text}'", "atelier generate", hint);
    }
}
