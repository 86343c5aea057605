namespace Atelier.Tokenizers;

/// <summary>
/// A value of tokenizer.ggml.pre: how text is split into words, and the settings that llama.cpp attaches to the name
/// (llama.cpp, src/llama-vocab.cpp). Expressions that llama.cpp changed for its own matcher are those of the models.
/// </summary>
/// <param name="Name">The name.</param>
/// <param name="Split">The same rules written by hand; null for none.</param>
/// <param name="Patterns">Regular expressions, which split one after another.</param>
/// <param name="TakesWholeWords">Whether a word of the vocabulary is one token regardless of the merges.</param>
/// <param name="BeginsTexts">Whether the start token precedes a text if the file does not say so.</param>
/// <param name="IsByteLevel">Whether words are in GPT-2's alphabet of bytes.</param>
/// <param name="EscapesSpaces">Whether spaces are "▁".</param>
internal sealed record GgufPreTokenizer(string Name, WordSplit? Split, string[] Patterns,
    bool TakesWholeWords = false, bool BeginsTexts = false, bool IsByteLevel = true, bool EscapesSpaces = false)
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Blank = @"|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Upper = @"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", Lower = @"\p{Ll}\p{Lm}\p{Lo}\p{M}";
    private const string Lead = @"[^\r\n\p{L}\p{N}]?";
    private const string Others = @"| ?[^\s\p{L}\p{N}]+[\r\n]*", OthersOrSlash = @"| ?[^\s\p{L}\p{N}]+[\r\n/]*";
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";
    private const string Bloom = " ?[^(\\s|.,!?…。，、।۔،)]+";
    private const string Lines = "[^\\n]+|[\\n]+";
    private const string Han = @"[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";
    private const string HanAndKana = @"[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";
    private const string DeepSeek3 = @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|"
        + @"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*" + Blank;

    // The scripts of east and south-east Asia that AfMoE keeps together.
    private const string Asian = @"[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f"
        + @"\u2f00-\u2fdf\u0e00-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff"
        + @"\uac00-\ud7af\u1100-\u11ff]+";

    // DeepSeek's list of letters with an upper and a lower case.
    private const string Cased = @"[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-"
        + @"Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u1f7dᾀ-ᾴᾶ-ᾼ\u1fbeῂ-ῄῆ-ῌῐ-\u1fd3ῖ-\u1fdbῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u2"
        + @"12a-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮ\u2cf2\u2cf3Ꙁ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲"
        + @"𑢠-𑣟𞤀-𞥃]+";

    private static readonly string Llama3 = WordSplitter.Pattern(WordSplit.Llama3)!;
    private static readonly string Qwen2 = WordSplitter.Pattern(WordSplit.Qwen2)!;
    private static readonly string Gpt4O = Words(Upper, Lower, Contractions + "?") + @"|\p{N}{1,3}" + OthersOrSlash
        + Blank;

    /// <summary>All names. Of those with the same rules, the first is used for writing.</summary>
    public static IReadOnlyList<GgufPreTokenizer> All { get; } =
    [
        .. Known(WordSplit.Gpt2, "gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de",
            "a.x-4.0", "mellum", "modern-bert", "jina-v1-en", "jina-v2-code", "roberta-bpe", "mpt", "olmo", "jais",
            "trillion", "granite-docling", "exaone4"),
        .. Known(WordSplit.Llama3, "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0",
            "lfm2", "jina-v5-nano").Select(one => one with { TakesWholeWords = true, BeginsTexts = true }),
        .. Known(WordSplit.Llama3, "dbrx", "smaug-bpe", "glm4", "chatglm-bpe"),
        .. Known(WordSplit.Qwen2, "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "stablelm2", "hunyuan",
            "solar-open", "megrez"),
        .. Known(WordSplit.Gpt2Digits, "smollm", "starcoder", "refact", "codeshell", "command-r", "exaone",
            "minerva-7b", "mellum2"),
        .. Matched(["default"], @"[\p{P}\$\+<=>\^~\|]+", Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"),
        .. Matched(["falcon"], @"[\p{P}\$\+<=>\^~\|`]+", Gpt2, "[0-9][0-9][0-9]"),
        .. Matched(["deepseek-llm"], @"[\r\n]", @"\s?" + Cased,
            @"\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", @"\s+$", Han, @"\p{N}+"),
        .. Matched(["deepseek-coder"], @"[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", Han, @"\p{N}"),
        .. Matched(["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"], @"\p{N}{1,3}", HanAndKana, DeepSeek3),
        .. Matched(["spark2_5"], @"\p{N}{1,3}", HanAndKana, DeepSeek3.Replace(@"[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+",
            @"[\p{P}\p{S}]+|[\r\n]", StringComparison.Ordinal), @"\p{N}"),
        .. Matched(["youtu"], @"[\uac00-\ud7a3\u3131-\u318e]+|[！…“”‘’—：；，\u3001-\u303f\ufe30-\ufe4f]+|"
            + @"[\u3105-\u312f]+|" + HanAndKana, Words(Upper, Lower, Contractions + "?") + @"|\p{N}" + OthersOrSlash
            + Blank).Select(one => one with { TakesWholeWords = true }),
        .. Matched(["jais-2"], Llama3.Replace(@"\s+(?!\S)|\s+", @"\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|"
            + @"\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}",
            StringComparison.Ordinal)),
        .. Matched(["minicpm5"], @"\p{N}{1,3}", Qwen2.Replace(@"|\p{N}|", @"|\p{N}+|", StringComparison.Ordinal))
            .Select(one => one with { TakesWholeWords = true }),
        .. Matched(["qwen35"], Contractions + @"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
            + Blank),
        .. Matched(["poro-chat", "bloom", "gpt3-finnish"], Bloom),
        .. Matched(["viking"], Bloom, @"\p{N}"),
        .. Matched(["tekken"], Words(Upper, Lower, "") + @"|\p{N}" + OthersOrSlash + Blank)
            .Select(one => one with { TakesWholeWords = true, BeginsTexts = true }),
        .. Matched(["chameleon"], "<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", @"([\t\n]|    |  )",
            @"\p{N}", @"[\p{P}!-/:-@\[-`{-~]", Gpt2).Select(one => one with { BeginsTexts = true }),
        .. Matched(["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"], Gpt4O),
        .. Matched(["granite-embed-multi-97m"], Gpt4O).Select(one => one with { TakesWholeWords = true }),
        .. Matched(["tiny_aya", "cohere2moe"], @"\d{1,3}(?=(?:\d{3})*\b)", Gpt4O),
        .. Matched(["kimi-k2"], @"[\p{Han}]+|" + Words(Upper + @"&&[^\p{Han}]", Lower + @"&&[^\p{Han}]",
            Contractions + "?") + @"|\p{N}{1,3}" + Others + Blank),
        .. Matched(["superbpe"], @"\p{N}+", @"(?=(\d{3})+(?!\d))"),
        .. Matched(["bailingmoe", "bailingmoe2", "llada-moe"], @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}|"
            + @" ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"),
        .. Matched(["seed-coder"], Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+" + Blank),
        .. Matched(["ufakzeka"], Lead + @"\p{L}+|\p{N}" + Others + Blank),
        .. Matched(["grok-2"], Qwen2),
        .. Matched(["laguna"], Lines, Qwen2),
        .. Matched(["exaone-moe"], Contractions + "|" + Lead + @"(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}|"
            + @" ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"),
        // Numbers in groups of three digits from the right.
        .. Matched(["afmoe"], @"\p{Nd}{1,3}(?=(?:\p{Nd}{3})*(?!\p{Nd}))", Asian, DeepSeek3),
        .. Matched(["gemma4", "granite-embed-multi-311m"], Lines)
            .Select(one => one with { IsByteLevel = false, EscapesSpaces = true, BeginsTexts = true }),
        .. Matched(["sarvam-moe"], Lines).Select(one => one with { IsByteLevel = false, EscapesSpaces = true }),
        .. Matched(["whitespace"], @"\S+").Select(one => one with { IsByteLevel = false }),
    ];

    /// <summary>Returns the rules of a name; null for an unknown one.</summary>
    public static GgufPreTokenizer? Find(string name) => All.FirstOrDefault(one => one.Name == name);

    /// <summary>Returns the name for rules that are written by hand; null if llama.cpp has none.</summary>
    public static string? NameOf(WordSplit split, bool takesWholeWords) =>
        All.FirstOrDefault(one => one.Split == split && one.TakesWholeWords == takesWholeWords)?.Name;

    private static IEnumerable<GgufPreTokenizer> Known(WordSplit split, params string[] names) =>
        names.Select(name => new GgufPreTokenizer(name, split, split switch
        {
            WordSplit.Gpt2 => [WordSplitter.Gpt2Pattern],
            WordSplit.Gpt2Digits => [@"\p{N}", WordSplitter.Gpt2Pattern],
            _ => [WordSplitter.Pattern(split)!],
        }));

    private static IEnumerable<GgufPreTokenizer> Matched(string[] names, params string[] patterns) =>
        names.Select(name => new GgufPreTokenizer(name, null, patterns));

    /// <summary>Words that begin with capital letters, or have small ones alone, as in OpenAI's o200k.</summary>
    private static string Words(string upper, string lower, string end) =>
        $"{Lead}[{upper}]*[{lower}]+{end}|{Lead}[{upper}]+[{lower}]*{end}";
}
