using System.Text.Json;

namespace Atelier.Tokenizers;

/// <summary>
/// The pipeline of byte pair encoding in a tokenizer.json: the steps that prepare text for the merges, and the steps
/// that decode tokens to text; and the decoders of the other models. Only orders of steps that Atelier reproduces
/// exactly are supported; any other is refused.
/// </summary>
internal sealed class TokenizerSteps
{
    private const string Spaces = "Replace ' ' by '▁'", Words = "Replace '▁' by ' '";
    private static readonly string[] Plain = [Words, "ByteFallback", "Fuse"];
    private readonly string _path;
    private string? _pattern;

    private TokenizerSteps(string path) => _path = path;

    /// <summary>The way in which text is split into symbols.</summary>
    public TokenizerLayout Layout { get; private set; } = TokenizerLayout.Character;

    /// <summary>Byte-level: the rules that split text into words.</summary>
    public WordSplit Split { get; private set; }

    /// <summary>Byte-level: whether text is split into words at all.</summary>
    public bool CutsWords { get; private set; } = true;

    /// <summary>Byte-level: the normalizer that is applied to text first; null for none.</summary>
    public TextNormalizer? Normalizer { get; private set; }

    /// <summary>SentencePiece: where a space is inserted before text.</summary>
    public SpacePrefix Prefix { get; private set; }

    /// <summary>SentencePiece: whether spaces are handled by the normalizer.</summary>
    public bool HasNormalizer { get; private set; }

    /// <summary>SentencePiece: whether merges do not cross the beginning of a word.</summary>
    public bool SplitsWords { get; private set; }

    /// <summary>Reads the pipeline of byte pair encoding.</summary>
    /// <exception cref="AtelierException">A step, one of its keys, or the order of steps is not supported.</exception>
    public static TokenizerSteps Read(JsonElement root, string path)
    {
        var steps = new TokenizerSteps(path);
        IReadOnlyList<TokenizerStep> normalizer = Normalizers(root, path);
        string[] words = [.. PreTokenizers(root, path).Select(steps.PreTokenizerStep)];
        string[] decoder = [.. Decoders(root, path).Select(DecoderStep)];
        if (words is [.., "ByteLevel"])
            steps.ByteLevel(normalizer, words, decoder);
        else if (words.Length > 0 || normalizer.Count > 0)
            steps.SentencePiece([.. normalizer.Select(NormalizerStep)], words, decoder);
        else
            RequireDecoder(path, decoder, ["ByteFallback", "Fuse"], ["Fuse"]);
        return steps;
    }

    /// <summary>Returns the steps of the normalizer.</summary>
    public static IReadOnlyList<TokenizerStep> Normalizers(JsonElement root, string path) =>
        TokenizerStep.All(root, "normalizer", "normalizers", path);

    /// <summary>Returns the steps of the pre-tokenizer.</summary>
    public static IReadOnlyList<TokenizerStep> PreTokenizers(JsonElement root, string path) =>
        TokenizerStep.All(root, "pre_tokenizer", "pretokenizers", path);

    /// <summary>
    /// Reads the decoder of a unigram tokenizer and returns whether it removes the space before a text.
    /// </summary>
    public static bool ReadUnigramDecoder(JsonElement root, string path)
    {
        IReadOnlyList<TokenizerStep> steps = Decoders(root, path);
        if (steps is [{ Type: "Metaspace" } step])
            return WordCutter.ReadMetaspace(step).Prefix != SpacePrefix.None;
        string[] names = [.. steps.Select(DecoderStep)];
        RequireDecoder(path, names, Plain, [.. Plain, "Strip"]);
        return names[^1] == "Strip";
    }

    /// <summary>
    /// Reads the decoder of a WordPiece tokenizer and returns whether it removes spaces before punctuation.
    /// </summary>
    public static bool ReadWordPieceDecoder(JsonElement root, string path, string prefix)
    {
        IReadOnlyList<TokenizerStep> steps = Decoders(root, path);
        if (steps is not [{ Type: "WordPiece" } step])
            throw Order(path, "decoder", [.. steps.Select(other => other.Type)]);
        step.Check(["prefix", "cleanup"], []);
        return step.Text("prefix", "##") == prefix
            ? step.IsOn("cleanup", true)
            : throw step.NotRead("prefix", $"\"{step.Text("prefix")}\"",
                $"the model's continuing_subword_prefix is \"{prefix}\"");
    }

    /// <summary>Returns the steps of the decoder.</summary>
    public static IReadOnlyList<TokenizerStep> Decoders(JsonElement root, string path) =>
        TokenizerStep.All(root, "decoder", "decoders", path);

    private void ByteLevel(IReadOnlyList<TokenizerStep> normalizer, string[] words, string[] decoder)
    {
        Layout = TokenizerLayout.ByteLevel;
        Normalizer = TextNormalizer.Of(normalizer);
        Split = (words, _pattern, CutsWords) switch
        {
            (["ByteLevel"], _, _) => WordSplit.Gpt2,
            (["Digits", "ByteLevel"], _, true) => WordSplit.Gpt2Digits,
            (["Split", "ByteLevel"], string pattern, false) => WordSplitter.Of(pattern)
                ?? throw new AtelierException($"its words are split by '{pattern}', which is not supported", _path,
                    "supported are the rules of GPT-2, Llama 3 and Qwen 2"),
            _ => throw Order(_path, "pre_tokenizer", words),
        };
        CutsWords |= words.Length > 1;
        RequireDecoder(_path, decoder, ["ByteLevel"]);
    }

    private void SentencePiece(string[] normalizer, string[] words, string[] decoder)
    {
        Layout = TokenizerLayout.SentencePiece;
        HasNormalizer = normalizer.Length > 0;
        (SpacePrefix? prefix, bool isOfNormalizer) = (normalizer, words) switch
        {
            (["Prepend", Spaces], []) => (SpacePrefix.Always, true),
            ([Spaces], []) => (SpacePrefix.None, true),
            ([], ["Metaspace"]) => (Prefix, false),
            _ => ((SpacePrefix?)null, false),
        };
        Prefix = prefix ?? throw Order(_path, normalizer.Length > 0 ? "normalizer and pre_tokenizer" : "pre_tokenizer",
            [.. normalizer, .. words]);
        SplitsWords &= !isOfNormalizer;
        RequireDecoder(_path, decoder, Prefix == SpacePrefix.None ? Plain : [.. Plain, "Strip"]);
    }

    /// <summary>SentencePiece: returns the name of a step of the normalizer.</summary>
    private static string NormalizerStep(TokenizerStep step)
    {
        if (step.Type == "Prepend")
            step.Check([], [], ("prepend", ["\"▁\""]));
        return step.Type == "Replace" ? Replace(step) : step.Type;
    }

    private string PreTokenizerStep(TokenizerStep step)
    {
        switch (step.Type)
        {
            case "ByteLevel":
                step.Check(["use_regex"], ["trim_offsets"], ("add_prefix_space", ["false"]));
                if (step.IsOn("add_prefix_space", true)) // the default is true
                    throw step.NotRead("add_prefix_space", "true", "use a model whose add_prefix_space is false");
                CutsWords = step.IsOn("use_regex", true);
                return step.Type;
            case "Digits":
                step.Check([], [], ("individual_digits", ["true"]));
                if (!step.IsOn("individual_digits", false))
                    throw step.NotRead("individual_digits", "false", "supported is true: use another model");
                return step.Type;
            case "Split":
                step.Check(["pattern"], [], ("behavior", ["\"Isolated\""]), ("invert", ["false"]));
                _pattern = step.Pattern() is (var text, true) ? text
                    : throw step.NotRead("pattern", "a string", "a regular expression is: use another model");
                return step.Type;
            case "Metaspace":
                (Prefix, SplitsWords) = WordCutter.ReadMetaspace(step);
                return step.Type;
            default:
                throw step.NotRead("pre-tokenizer");
        }
    }

    private static string DecoderStep(TokenizerStep step)
    {
        switch (step.Type)
        {
            case "ByteLevel":
                step.Check([], ["add_prefix_space", "trim_offsets", "use_regex"]);
                return step.Type;
            case "Replace":
                return Replace(step);
            case "Strip":
                step.Check([], [], ("content", ["\" \""]), ("start", ["1"]), ("stop", ["0"]));
                return step.Type;
            case "ByteFallback" or "Fuse":
                step.Check([], []);
                return step.Type;
            default:
                throw step.NotRead("decoder");
        }
    }

    private static string Replace(TokenizerStep step)
    {
        step.Check(["pattern", "content"], []);
        (string pattern, bool isRegex) = step.Pattern();
        string name = $"Replace '{pattern}' by '{step.Text("content")}'";
        return !isRegex && name is (Spaces or Words)
            ? name
            : throw new AtelierException($"the step '{name}' at {step.At.TrimEnd('.')} is not supported", step.File,
                "use another model");
    }

    private static void RequireDecoder(string path, string[] decoder, params string[][] allowed)
    {
        if (!allowed.Any(decoder.SequenceEqual))
            throw Order(path, "decoder", decoder);
    }

    private static AtelierException Order(string path, string part, string[] steps) => new(
        steps.Length == 0 ? $"the tokenizer has no {part}"
            : $"the {part} of the steps {string.Join(", ", steps)} is not supported", path,
        "use a model with a supported tokenizer: see docs/formats.md");
}
