using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Tokenizers;

/// <summary>
/// The normalizers and pre-tokenizers of a tokenizer.json, by the examples of Hugging Face's documentation and by hand
/// after its library's rules.
/// </summary>
public sealed class TextStepsTests
{
    private const string Example = "the-final--countdown";

    [Theory]
    [InlineData("""{"type":"BertPreTokenizer"}""", "Hey, you!\t你好 $x", "Hey|,|you|!|你好|$|x")]
    [InlineData("""{"type":"WhitespaceSplit"}""", " a \u3000b,c\n", "a|b,c")]
    [InlineData("""{"type":"Whitespace"}""", "Hello there! d'été 1_a —ⓐ", "Hello|there|!|d|'|été|1_a|—|ⓐ")]
    [InlineData("""{"type":"Punctuation"}""", "a..b+", "a|.|.|b|+")]
    [InlineData("""{"type":"Punctuation","behavior":"Contiguous"}""", "a..b", "a|..|b")]
    [InlineData("""{"type":"Digits","individual_digits":false}""", "Call 911½ please", "Call |911½| please")]
    [InlineData("""{"type":"Digits","individual_digits":true}""", "Call 911", "Call |9|1|1")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"Removed","invert":false}""", Example,
        "the|final|countdown")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"Isolated","invert":false}""", Example,
        "the|-|final|-|-|countdown")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithPrevious","invert":false}""", Example,
        "the-|final-|-|countdown")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithNext","invert":false}""", Example,
        "the|-final|-|-countdown")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"Contiguous","invert":false}""", Example,
        "the|-|final|--|countdown")]
    [InlineData("""{"type":"Split","pattern":{"String":"--"},"behavior":"Removed","invert":true}""", Example, "--")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}""", "a  b", "▁a|▁|▁b")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":false}""", "a  b", "a▁▁b")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},"""
        + """{"type":"Metaspace","replacement":"▁","add_prefix_space":true}]}""", " a  b", "▁a|▁b")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},"""
        + """{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}]}""", "a b", "▁a|b")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},"""
        + """{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}]}""", " a b", "a|b")]
    [InlineData(
        """{"type":"Split","pattern":{"Regex":"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}"""
        + """]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated"}""", "it's 12 o'clock", "it|'s| 12| o|'|clock")]
    public void Pre_tokenizers_cut_text_into_words(string step, string text, string words)
    {
        using JsonDocument document = JsonDocument.Parse($$"""{"pre_tokenizer":{{step}}}""");
        WordCutter cutter = WordCutter.Of(TokenizerSteps.PreTokenizers(document.RootElement, "f"))!;
        string.Join('|', cutter.Cut(text, true)).ShouldBe(words);
        using JsonDocument again = JsonDocument.Parse($$"""{"pre_tokenizer":{{cutter.ToJson().ToJsonString()}}}""");
        string.Join('|', WordCutter.Of(TokenizerSteps.PreTokenizers(again.RootElement, "f"))!.Cut(text, true))
            .ShouldBe(words);
    }

    [Theory]
    [InlineData("""{"type":"BertNormalizer"}""", "Déjà\tVU\u0000 ÅÇ\u200b\ufffd狐x", "deja vu ac 狐 x")]
    [InlineData("""{"type":"BertNormalizer","lowercase":false}""", "Déjà狐", "Déjà 狐 ")]
    [InlineData("""{"type":"BertNormalizer","lowercase":false,"strip_accents":true,"handle_chinese_chars":false}""",
        "Déjà狐", "Deja狐")]
    [InlineData("""{"type":"BertNormalizer","strip_accents":false,"clean_text":false}""", "DÉ\t\u200b", "dé\t\u200b")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"},{"type":"Lowercase"}]}""",
        "Ångström क्षि", "angstrom कष")]
    [InlineData("""{"type":"StripAccents"}""", "é e\u0301", "é e")]
    [InlineData("""{"type":"NFKC"}""", "ﬁ①", "fi1")]
    [InlineData("""{"type":"NFKD"}""", "é", "e\u0301")]
    [InlineData("""{"type":"Strip","strip_left":false,"strip_right":true}""", " a \u3000\n", " a")]
    [InlineData("""{"type":"Strip","strip_left":true,"strip_right":false}""", " a ", "a ")]
    [InlineData("""{"type":"Prepend","prepend":"▁"}""", "a", "▁a")]
    [InlineData("""{"type":"Prepend","prepend":"▁"}""", "", "")]
    [InlineData("""{"type":"Replace","pattern":{"String":"``"},"content":"\""}""", "``a``", "\"a\"")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"}""", "a b  c   d ", "a b▁c▁d ")]
    public void Normalizers_change_text(string step, string text, string normalized)
    {
        TextNormalizer normalizer = Normalizer(step);
        normalizer.Apply(text).ShouldBe(normalized);
        Normalizer(normalizer.ToJson().ToJsonString()).Apply(text).ShouldBe(normalized);
    }

    [Theory]
    [InlineData("ﬁne　x", "fine x")]
    [InlineData("e\u0301e", "\u00e9e")] // one grapheme of three bytes
    [InlineData("①\u0301x", "1x")] // five bytes: the shortest prefix stands for the whole grapheme
    [InlineData("①\u0301\u0301", "1\u0301\u0301")] // seven bytes: character by character
    [InlineData("\u0007ab", "ab")]
    [InlineData("ñandú", "ñandú")]
    public void A_precompiled_map_replaces_graphemes_and_characters(string text, string normalized)
    {
        string map = Precompiled(("ﬁ", "fi"), ("　", " "), ("e\u0301", "é"), ("①", "1"), ("①\u0301", "wrong"),
            ("\u0007", ""));
        Normalizer($$"""{"type":"Precompiled","precompiled_charsmap":"{{map}}"}""").Apply(text).ShouldBe(normalized);
    }

    [Fact]
    public void A_damaged_precompiled_map_gives_a_clear_error_or_some_text()
    {
        byte[] good = Convert.FromBase64String(Precompiled(("ﬁ", "fi"), ("e\u0301", "é"), ("①", "1")));
        var random = new Random(1);
        for (int i = 0; i < 200; i++)
        {
            byte[] bad = [.. good];
            bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            string step = $$"""{"type":"Precompiled","precompiled_charsmap":"{{Convert.ToBase64String(bad)}}"}""";
            try
            {
                Normalizer(step).Apply("ﬁe\u0301① x").ShouldNotBeNull();
            }
            catch (AtelierException e)
            {
                e.ToLine().ShouldContain("precompiled_charsmap");
            }
        }
    }

    private static TextNormalizer Normalizer(string step)
    {
        using JsonDocument document = JsonDocument.Parse($$"""{"normalizer":{{step}}}""");
        return TextNormalizer.Of(TokenizerSteps.Normalizers(document.RootElement, "f"))!;
    }

    /// <summary>Makes a map: a double-array trie in darts-clone's layout, placed greedily, and the strings.</summary>
    private static string Precompiled(params (string From, string To)[] pairs)
    {
        var units = new uint[4096];
        var used = new bool[units.Length];
        var starts = new HashSet<uint>();
        var strings = new List<byte>();
        List<(byte[] Key, uint Value)> keys = [];
        foreach ((string from, string to) in pairs)
        {
            keys.Add((Encoding.UTF8.GetBytes(from), (uint)strings.Count));
            strings.AddRange([.. Encoding.UTF8.GetBytes(to), 0]);
        }
        used[0] = true;
        Place(0, keys, 0);
        var bytes = new byte[4 + 4 * units.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, 4 * units.Length);
        for (int i = 0; i < units.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 + 4 * i), units[i]);
        return Convert.ToBase64String([.. bytes, .. strings]);

        void Place(uint node, List<(byte[] Key, uint Value)> below, int depth)
        {
            byte[] labels = [.. below.Select(key => depth < key.Key.Length ? key.Key[depth] : (byte)0).Distinct()];
            uint start = 1;
            // one node a start, as in darts-clone
            while (!starts.Add(start) || labels.Any(label => used[start ^ label]))
                start++;
            foreach (byte label in labels)
                used[start ^ label] = true;
            units[node] |= ((node ^ start) << 10) | (labels.Contains((byte)0) ? 0x100u : 0);
            foreach (byte label in labels)
            {
                List<(byte[] Key, uint Value)> inner =
                    [.. below.Where(key => (depth < key.Key.Length ? key.Key[depth] : 0) == label)];
                units[start ^ label] = label == 0 ? 0x80000000 | inner[0].Value : label;
                if (label != 0)
                    Place(start ^ label, inner, depth + 1);
            }
        }
    }
}
