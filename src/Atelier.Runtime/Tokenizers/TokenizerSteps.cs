using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Tokenizers;

/// <summary>
/// The pipeline of a tokenizer.json: the steps that prepare text for the merges, the tokens inserted around it, and the
/// steps that decode tokens to text. Only orders of steps that Atelier reproduces exactly are supported; any other is
/// refused.
/// </summary>
internal sealed class TokenizerSteps
{
    private const string Spaces = "Replace ' ' by '▁'", Words = "Replace '▁' by ' '";
    private readonly string _path;
    private string? _pattern;

    private TokenizerSteps(string path) => _path = path;

    /// <summary>The way in which text is split into symbols.</summary>
    public TokenizerLayout Layout { get; private set; } = TokenizerLayout.Character;

    /// <summary>Byte-level: the rules that split text into words.</summary>
    public WordSplit Split { get; private set; }

    /// <summary>Byte-level: whether text is split into words at all.</summary>
    public bool CutsWords { get; private set; } = true;

    /// <summary>
    /// The names of the normalizer's steps; for byte-level BPE those of a <see cref="TextNormalizer"/>.
    /// </summary>
    public IReadOnlyList<string> Normalizer { get; private set; } = [];

    /// <summary>SentencePiece: where a space is inserted before text.</summary>
    public SpacePrefix Prefix { get; private set; }

    /// <summary>SentencePiece: whether merges do not cross the beginning of a word.</summary>
    public bool SplitsWords { get; private set; }

    /// <summary>
    /// The tokens that the template inserts before a text, each with the id that the template gives it, if any; null if
    /// there is no template.
    /// </summary>
    public IReadOnlyList<(string Name, int? Id)>? Leading { get; private set; }

    /// <summary>Reads the pipeline.</summary>
    /// <exception cref="AtelierException">A step, one of its keys, or the order of steps is not supported.</exception>
    public static TokenizerSteps Read(JsonElement root, string path)
    {
        var steps = new TokenizerSteps(path);
        steps.Normalizer = steps.Names(root, "normalizer", "normalizers", steps.NormalizerStep);
        string[] words = steps.Names(root, "pre_tokenizer", "pretokenizers", steps.PreTokenizerStep);
        string[] decoder = steps.Names(root, "decoder", "decoders", steps.DecoderStep);
        steps.Names(root, "post_processor", "processors", steps.PostProcessorStep);
        if (words is [.., "ByteLevel"])
            steps.ByteLevel(words, decoder);
        else if (words.Length > 0 || steps.Normalizer.Count > 0)
            steps.SentencePiece(words, decoder);
        else
            steps.RequireDecoder(decoder, ["ByteFallback", "Fuse"], ["Fuse"]);
        return steps;
    }

    private void ByteLevel(string[] words, string[] decoder)
    {
        Layout = TokenizerLayout.ByteLevel;
        if (Normalizer.FirstOrDefault(step => !TextNormalizer.Known.Contains(step)) is { } other)
            throw new AtelierException($"the normalizer {other} is not supported for byte-level BPE", _path,
                $"supported are {string.Join(", ", TextNormalizer.Known)}");
        Split = (words, _pattern, CutsWords) switch
        {
            (["ByteLevel"], _, _) => WordSplit.Gpt2,
            (["Digits", "ByteLevel"], _, true) => WordSplit.Gpt2Digits,
            (["Split", "ByteLevel"], string pattern, false) => WordSplitter.Of(pattern)
                ?? throw new AtelierException($"its words are split by '{pattern}', which is not supported", _path,
                    "supported are the rules of GPT-2, Llama 3 and Qwen 2"),
            _ => throw Order("pre_tokenizer", words),
        };
        CutsWords |= words.Length > 1;
        RequireDecoder(decoder, ["ByteLevel"]);
    }

    private void SentencePiece(string[] words, string[] decoder)
    {
        Layout = TokenizerLayout.SentencePiece;
        string[] normalizer = [.. Normalizer];
        (SpacePrefix? prefix, bool isOfNormalizer) = (normalizer, words) switch
        {
            (["Prepend", Spaces], []) => (SpacePrefix.Always, true),
            ([Spaces], []) => (SpacePrefix.None, true),
            ([], ["Metaspace"]) => (Prefix, false),
            _ => ((SpacePrefix?)null, false),
        };
        Prefix = prefix ?? throw Order(normalizer.Length > 0 ? "normalizer and pre_tokenizer" : "pre_tokenizer",
            [.. normalizer, .. words]);
        SplitsWords &= !isOfNormalizer;
        string[] plain = [Words, "ByteFallback", "Fuse"];
        RequireDecoder(decoder, Prefix == SpacePrefix.None ? plain : [.. plain, "Strip"]);
    }

    private string NormalizerStep(string type, JsonElement step, string at)
    {
        switch (type)
        {
            case "Replace":
                return Replace(step, at);
            case "Prepend":
                Check(step, at, [], [], ("prepend", ["\"▁\""]));
                return type;
            default:
                if (!TextNormalizer.Known.Contains(type))
                    throw NotRead("normalizer", type);
                Check(step, at, [], []);
                return type;
        }
    }

    private string PreTokenizerStep(string type, JsonElement step, string at)
    {
        switch (type)
        {
            case "ByteLevel":
                Check(step, at, ["use_regex"], ["trim_offsets"], ("add_prefix_space", ["false"]));
                RequireOff(step, at, "add_prefix_space"); // the default is true
                CutsWords = IsOn(step, "use_regex", true);
                return type;
            case "Digits":
                Check(step, at, [], [], ("individual_digits", ["true"]));
                if (!IsOn(step, "individual_digits", false))
                    throw new AtelierException($"'{at}individual_digits' is false, which is not supported", _path,
                        "supported is true: use another model");
                return type;
            case "Split":
                Check(step, at, ["pattern"], [], ("behavior", ["\"Isolated\""]), ("invert", ["false"]));
                JsonElement pattern = step.GetProperty("pattern");
                Check(pattern, at + "pattern.", ["Regex"], []);
                _pattern = pattern.GetProperty("Regex").GetString();
                return type;
            case "Metaspace":
                ReadMetaspace(step, at);
                return type;
            default:
                throw NotRead("pre-tokenizer", type);
        }
    }

    private void ReadMetaspace(JsonElement step, string at)
    {
        Check(step, at, ["prepend_scheme", "add_prefix_space", "split"], ["str_rep"], ("replacement", ["\"▁\""]));
        string scheme = step.TryGetProperty("prepend_scheme", out JsonElement named) ? named.GetString() ?? ""
            : IsOn(step, "add_prefix_space", true) ? "always" : "never";
        // Files of older tools have add_prefix_space only; newer ones may have both.
        bool isNever = scheme == "never";
        if (step.TryGetProperty("add_prefix_space", out _) && IsOn(step, "add_prefix_space", true) == isNever)
            throw new AtelierException($"'{at}prepend_scheme' is \"{scheme}\", and 'add_prefix_space' says otherwise",
                _path, "keep one of them");
        Prefix = scheme switch
        {
            "never" => SpacePrefix.None,
            "first" => SpacePrefix.FirstWhereAbsent,
            "always" => SpacePrefix.WhereAbsent,
            _ => throw new AtelierException($"'{at}prepend_scheme' is \"{scheme}\", which is not supported", _path,
                "\"always\", \"first\" and \"never\" are"),
        };
        SplitsWords = IsOn(step, "split", true);
    }

    private string DecoderStep(string type, JsonElement step, string at)
    {
        switch (type)
        {
            case "ByteLevel":
                Check(step, at, [], ["add_prefix_space", "trim_offsets", "use_regex"]);
                return type;
            case "Replace":
                return Replace(step, at);
            case "Strip":
                Check(step, at, [], [], ("content", ["\" \""]), ("start", ["1"]), ("stop", ["0"]));
                return type;
            case "ByteFallback" or "Fuse":
                Check(step, at, [], []);
                return type;
            default:
                throw NotRead("decoder", type);
        }
    }

    private string PostProcessorStep(string type, JsonElement step, string at)
    {
        switch (type)
        {
            case "ByteLevel": // changes offsets, not tokens
                Check(step, at, [], ["add_prefix_space", "trim_offsets", "use_regex"]);
                return type;
            case "TemplateProcessing":
                if (Leading is not null)
                    throw new AtelierException("post_processor has two templates", _path,
                        "download the file again");
                Check(step, at, ["single", "special_tokens"], ["pair"]);
                Leading = Template(step, at);
                return type;
            default:
                throw NotRead("post-processor", type);
        }
    }

    /// <summary>Returns the tokens before the text in a template for a single text.</summary>
    private List<(string Name, int? Id)> Template(JsonElement step, string at)
    {
        List<(string Name, int? Id)> leading = [];
        bool isAfterText = false;
        foreach (JsonElement part in step.GetProperty("single").EnumerateArray())
        {
            if (part.TryGetProperty("Sequence", out JsonElement sequence))
            {
                if (isAfterText || sequence.GetProperty("id").GetString() != "A")
                    throw new AtelierException($"'{at}single' has a place for more than one text", _path,
                        "download the file again");
                isAfterText = true;
                continue;
            }
            string name = part.GetProperty("SpecialToken").GetProperty("id").GetString() ?? "";
            if (isAfterText || leading.Count > 0)
            {
                string place = isAfterText ? "after a text" : $"and '{leading[0].Name}' before a text";
                throw new AtelierException($"'{at}single' puts '{name}' {place}, which is not supported", _path,
                    "one token before a text is");
            }
            leading.Add((name, TemplateId(step, at, name)));
        }
        return isAfterText ? leading : throw new AtelierException($"'{at}single' has no place for the text", _path,
            "download the file again");
    }

    /// <summary>
    /// Returns the id that the template itself gives to a name, which takes precedence; null if it gives none.
    /// </summary>
    private int? TemplateId(JsonElement step, string at, string name)
    {
        if (!step.TryGetProperty("special_tokens", out JsonElement tokens)
            || !tokens.TryGetProperty(name, out JsonElement token))
            return null;
        JsonElement ids = token.GetProperty("ids");
        return ids.GetArrayLength() == 1
            ? ids[0].GetInt32()
            : throw new AtelierException(
                $"'{at}special_tokens.{name}' has {ids.GetArrayLength()} ids, which is not supported", _path,
                "one token before a text is");
    }

    private string Replace(JsonElement step, string at)
    {
        Check(step, at, ["pattern", "content"], []);
        JsonElement pattern = step.GetProperty("pattern");
        Check(pattern, at + "pattern.", ["String"], []);
        string name =
            $"Replace '{pattern.GetProperty("String").GetString()}' by '{step.GetProperty("content").GetString()}'";
        return name is Spaces or Words
            ? name
            : throw new AtelierException($"the step '{name}' at {at.TrimEnd('.')} is not supported", _path,
                "use another model");
    }

    /// <summary>
    /// Reads the steps of a part, a single one or a sequence, with <paramref name="read"/> and returns their names.
    /// </summary>
    private string[] Names(JsonElement root, string part, string inner, Func<string, JsonElement, string, string> read)
    {
        if (!root.TryGetProperty(part, out JsonElement step) || step.ValueKind == JsonValueKind.Null)
            return [];
        return [.. Flat(step, part)];

        IEnumerable<string> Flat(JsonElement element, string at)
        {
            string type = element.GetProperty("type").GetString() ?? "";
            if (type != "Sequence")
                return [read(type, element, at + ".")];
            Check(element, at + ".", [inner], []);
            return element.GetProperty(inner).EnumerateArray()
                .SelectMany((item, i) => Flat(item, FormattableString.Invariant($"{at}[{i}]")).ToArray());
        }
    }

    private void RequireDecoder(string[] decoder, params string[][] allowed)
    {
        if (!allowed.Any(decoder.SequenceEqual))
            throw Order("decoder", decoder);
    }

    private void RequireOff(JsonElement step, string at, string key)
    {
        if (IsOn(step, key, true))
            throw new AtelierException($"'{at}{key}' is true, which is not supported", _path,
                "use a model whose add_prefix_space is false");
    }

    private void Check(JsonElement step, string at, string[] read, string[] harmless,
        params (string Key, string[] Values)[] only) =>
        new KnownKeys(["type", .. read], harmless, only).Check(step, _path, at);

    private static bool IsOn(JsonElement step, string key, bool otherwise) =>
        step.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? value.GetBoolean()
            : otherwise;

    private AtelierException NotRead(string part, string type) => new($"the {part} {type} is not supported", _path,
        "use a model with a supported tokenizer: see docs/formats.md");

    private AtelierException Order(string part, string[] steps) => new(
        steps.Length == 0 ? $"the tokenizer has no {part}"
            : $"the {part} of the steps {string.Join(", ", steps)} is not supported", _path,
        "use a model with a supported tokenizer: see docs/formats.md");
}
