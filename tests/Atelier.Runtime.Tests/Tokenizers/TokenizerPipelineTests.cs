using System.Text.Json.Nodes;
using Atelier.Formats;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Tokenizers;

/// <summary>
/// What a tokenizer.json may say: read as Hugging Face's tokenizers reads it, or refused by name. Expected ids are
/// those of the npm package @huggingface/tokenizers 0.2, but where its JavaScript differs from the library's Rust,
/// which is said.
/// </summary>
public sealed class TokenizerPipelineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier").FullName;

    private string TokenizerPath => Path.Combine(_folder, "tokenizer.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("12", new int[] { '1', '2' })]
    [InlineData("a  12 b3", new int[] { 'a', 256, '1', '2', ' ', 'b', '3' })]
    [InlineData("x  1", new int[] { 'x', 256, '1' })]
    [InlineData(" 12", new int[] { ' ', '1', '2' })]
    [InlineData("a   b", new int[] { 'a', 256, ' ', 'b' })]
    [InlineData("v2.0  ", new int[] { 'v', '2', '.', '0', 256 })]
    [InlineData("Ⅷ½3", new int[] { 226, 133, 167, 194, 189, '3' })]
    public void Given_digits_before_byte_level_then_each_stands_alone_and_nothing_before_one_sees_it(string text,
        int[] ids)
    {
        WriteByteLevel(["ĠĠ", "12"], ["Ġ Ġ", "1 2"]);
        JsonEdits.Set(TokenizerPath, "pre_tokenizer", """
            {"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},
             {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]}
            """);
        RoundTripsThroughItsFile().Encode(text).ShouldBe(ids);
    }

    [Theory]
    [InlineData("CAFÉ Éa", "café éa", new int[] { 'c', 'a', 'f', 256, ' ', 256, 'a' })]
    [InlineData("İX ẞ", "i̇x ß", new int[] { 'i', 204, 135, 'x', ' ', 195, 159 })]
    // JavaScript has ς at a word's end; Rust goes character by character
    [InlineData("ΟΣ", "οσ", new int[] { 206, 191, 207, 131 })]
    public void Given_the_normalizer_Lowercase_then_text_is_lower_case_before_its_merges(string text, string decoded,
        int[] ids)
    {
        WriteByteLevel(["Ã©"], ["Ã ©"]);
        JsonEdits.Set(TokenizerPath, "normalizer", """{"type":"Lowercase"}""");
        Tokenizer tokenizer = RoundTripsThroughItsFile();
        tokenizer.Encode(text).ShouldBe(ids);
        tokenizer.Decode(ids).ShouldBe(decoded);
    }

    [Fact]
    public void Given_the_normalizer_NFC_then_an_accent_by_itself_joins_its_letter_and_lone_surrogates_stay()
    {
        WriteByteLevel(["Ã©"], ["Ã ©"]);
        JsonEdits.Set(TokenizerPath, "normalizer", """{"type":"Sequence","normalizers":[{"type":"NFC"}]}""");
        Tokenizer tokenizer = RoundTripsThroughItsFile();
        tokenizer.Encode("e\u0301").ShouldBe([256]);
        tokenizer.Encode("\ud800e\u0301").ShouldBe([0xED, 0xA0, 0x80, 256]);
    }

    [Theory]
    [InlineData("the <think>th</think>x",
        new int[] { 256, 'e', ' ', 258, 256, '<', '/', 256, 'i', 'n', 'k', '>', 'x' })]
    [InlineData("ilÖveyou the", new int[] { 259, ' ', 256, 'e' })]
    [InlineData("<think><think>", new int[] { 258, 258 })]
    public void Given_added_tokens_that_are_not_special_then_each_is_found_gives_one_id_and_is_its_own_text(string text,
        int[] ids)
    {
        WriteByteLevel(["th"], ["t h"]);
        Add("<think>", 258, normalized: true);
        Add("ilÖveyou", 259, normalized: true);
        Tokenizer tokenizer = RoundTripsThroughItsFile();
        tokenizer.Encode(text).ShouldBe(ids);
        tokenizer.Decode(ids).ShouldBe(text);
    }

    [Fact]
    public void Given_several_added_tokens_then_the_leftmost_and_longest_is_found_those_of_the_raw_text_first()
    {
        WriteByteLevel([], []);
        JsonEdits.Set(TokenizerPath, "normalizer", """{"type":"Lowercase"}""");
        Add("ab", 257, normalized: false);
        Add("abc", 258, normalized: false);
        Add("BC", 259, normalized: true);
        Tokenizer tokenizer = RoundTripsThroughItsFile();
        tokenizer.Encode("xabcab").ShouldBe(['x', 258, 257]);
        tokenizer.Encode("ABC").ShouldBe(['a', 259]); // "abc" is not in the raw text, "bc" is in the normalized one
        tokenizer.Encode("Bc").ShouldBe([259]);
    }

    [Theory]
    [InlineData("""{"type":"Metaspace","replacement":"▁","add_prefix_space":false}""", "ab ab", new int[] { 264, 265 })]
    [InlineData("""{"type":"Metaspace","replacement":"▁","add_prefix_space":false}""", " ab", new int[] { 265 })]
    [InlineData("""{"type":"Metaspace","replacement":"▁","add_prefix_space":false}""", "abc  ab",
        new int[] { 264, 266, 259, 265 })]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}""", "ab ab",
        new int[] { 265, 265 })]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}""", " ab", new int[] { 265 })]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}""", "c ab",
        new int[] { 259, 266, 265 })]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}""", "c ab",
        new int[] { 259, 266, 267, 261 })]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}""", "c<x>ab",
        new int[] { 259, 266, 268, 265 })]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true}""", "c<x>ab",
        new int[] { 259, 266, 268, 264 })]
    public void Given_Metaspace_then_spaces_go_before_text_and_merges_stay_within_words_as_it_says(string step,
        string text, int[] ids)
    {
        WritePieces(step);
        // Merges across a word's beginning come first: c ▁ → c▁, c▁ a → c▁a; then a b, ▁ ab. By hand after the
        // library's own rules.
        RoundTripsThroughItsFile().Encode(text).ShouldBe(ids);
    }

    [Theory]
    [InlineData("padding", """{"strategy":{"Fixed":8},"pad_id":0}""", "'padding.strategy'")]
    [InlineData("padding", """{"strategy":"BatchLongest","pad_to_multiple_of":8}""",
        "'padding.pad_to_multiple_of' is 8")]
    [InlineData("truncation", """{"max_length":8,"strategy":"Whole"}""", "'truncation.strategy'")]
    [InlineData("truncation", """{"max_length":0}""", "'truncation.max_length' is 0")]
    [InlineData("surprise", "1", "'surprise'")]
    [InlineData("model.dropout", "0.1", "'model.dropout' is 0.1")]
    [InlineData("model.something", "true", "'model.something'")]
    [InlineData("model.type", "\"WordPiece\"", "model.merges")]
    [InlineData("model.type", "\"Surprise\"", "of type Surprise")]
    [InlineData("normalizer", """{"type":"Romanize"}""", "the normalizer Romanize")]
    [InlineData("normalizer", """{"type":"Replace","pattern":{"Regex":"a("},"content":"b"}""", "'(' without a ')'")]
    [InlineData("pre_tokenizer", """{"type":"Thai"}""", "the pre-tokenizer Thai")]
    [InlineData("pre_tokenizer", """{"type":"FixedLength","length":0}""", "'pre_tokenizer.length' is 0")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(a)\\1"},"behavior":"Isolated"}""", @"'\1'")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(?<=a+)b"},"behavior":"Isolated"}""",
        "looks back at text of different lengths")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"String":"a"},"behavior":"Kept"}""",
        "'pre_tokenizer.behavior' is \"Kept\"")]
    [InlineData("pre_tokenizer", """{"type":"CharDelimiterSplit","delimiter":"ab"}""", "'pre_tokenizer.delimiter'")]
    [InlineData("pre_tokenizer.surprise", "2", "pre_tokenizer.surprise")]
    [InlineData("decoder", """{"type":"Surprise"}""", "the decoder Surprise")]
    [InlineData("decoder", """{"type":"Strip","content":"ab","start":1,"stop":0}""", "'decoder.content'")]
    [InlineData("post_processor", """{"type":"BertProcessing","sep":["[SEP]",1],"cls":["[CLS]",0]}""",
        "'[CLS]' with the id 0")]
    [InlineData("post_processor",
        """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|endoftext|>"}},{"Sequence":{"id":"A"}}]"""
        + ""","special_tokens":{"<|endoftext|>":{"id":"<|endoftext|>","ids":[5]}}}""", "with the id 5")]
    [InlineData("post_processor",
        """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|endoftext|>"}},{"Sequence":{"id":"A"}}]"""
        + ""","special_tokens":{"<|endoftext|>":{"id":"<|endoftext|>","ids":[257,257]}}}""", "has 2 ids")]
    [InlineData("post_processor",
        """{"type":"TemplateProcessing","single":[{"Sequence":{"id":"B"}}],"special_tokens":{}}""",
        "expected one text")]
    [InlineData("post_processor", """
        {"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"Sequence":{"id":"A"}}],"special_tokens":{}}
        """, "expected one text")]
    [InlineData("added_tokens[0].surprise", "\"x\"", "added_tokens[0].surprise")]
    [InlineData("added_tokens[0].content", "\"th\"", "'th' has the id 257, but 256")]
    public void What_is_not_read_in_a_byte_level_file_is_refused_by_name(string key, string value, string named)
    {
        WriteByteLevel(["th"], ["t h"]);
        JsonEdits.Set(TokenizerPath, key, value);
        AtelierException error = Should.Throw<AtelierException>(() => TokenizerFile.Load(TokenizerPath));
        error.ToLine().ShouldContain(named);
        error.Where.ShouldBe(TokenizerPath);
    }

    [Theory]
    [InlineData("lstrip")]
    [InlineData("rstrip")]
    public void White_space_belongs_to_the_tokens_that_say_so(string key)
    {
        WriteByteLevel(["th"], ["t h"]);
        Add("<mask>", 258, normalized: false, special: true);
        JsonEdits.Set(TokenizerPath, $"added_tokens[1].{key}", "true");
        int[] ids = key == "lstrip" ? [256, 258, ' ', 'x'] : [256, ' ', 258, 'x'];
        RoundTripsThroughItsFile().EncodeWithSpecials("th <mask> x", readsSpecials: true).Ids.ShouldBe(ids);
        JsonEdits.Set(TokenizerPath, "added_tokens[1].special", "false");
        Tokenizer tokenizer = RoundTripsThroughItsFile();
        tokenizer.Encode("th <mask> x").ShouldBe(ids);
        Should.Throw<AtelierException>(() => GgufTokenizer.Write(new GgufMetadata("llama"), tokenizer,
            new TextBounds(257, [257], false))).ToLine().ShouldContain("'<mask>'");
    }

    [Fact]
    public void A_pipeline_that_GGUF_has_no_words_for_is_refused_by_name()
    {
        WriteByteLevel(["th"], ["t h"]);
        JsonEdits.Set(TokenizerPath, "pre_tokenizer", """{"type":"Whitespace"}""");
        Tokenizer tokenizer = TokenizerFile.Load(TokenizerPath);
        Should.Throw<AtelierException>(() => GgufTokenizer.Write(new GgufMetadata("llama"), tokenizer,
            new TextBounds(257, [257], false))).ToLine().ShouldContain("Whitespace");
    }

    [Theory]
    [InlineData("truncation", """{"direction":"Right","max_length":8,"strategy":"LongestFirst","stride":0}""",
        "'truncation'")]
    [InlineData("post_processor",
        """{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":"""
        + """{"id":"<|endoftext|>","type_id":0}}],"pair":[],"special_tokens":{}}""", "after a text")]
    [InlineData("post_processor",
        """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|endoftext|>"}},{"SpecialToken":"""
        + """{"id":"<|endoftext|>"}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{}}""",
        "before and after a text")]
    public void What_a_model_that_continues_text_cannot_use_is_refused_for_it(string key, string value, string named)
    {
        WriteByteLevel(["th"], ["t h"]);
        JsonEdits.Set(TokenizerPath, key, value);
        TokenizerFile.Load(TokenizerPath).Encode("th").ShouldBe([256]);
        Should.Throw<AtelierException>(() => TokenizerFile.Read(TokenizerPath)).ToLine().ShouldContain(named);
    }

    [Theory]
    [InlineData("pre_tokenizer.prepend_scheme", "\"sometimes\"", "prepend_scheme")]
    [InlineData("pre_tokenizer.add_prefix_space", "false", "says otherwise")]
    [InlineData("pre_tokenizer.replacement", "\"__\"", "replacement")]
    public void What_is_not_read_in_a_file_of_SentencePieces_kind_is_refused_by_name(string key, string value,
        string named)
    {
        WritePieces("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}""");
        JsonEdits.Set(TokenizerPath, key, value);
        Should.Throw<AtelierException>(() => TokenizerFile.Load(TokenizerPath)).ToLine().ShouldContain(named);
    }

    [Theory]
    [InlineData("model.unk_token", "\"<|endoftext|>\"")]
    [InlineData("model.fuse_unk", "true")]
    [InlineData("model.byte_fallback", "true")]
    [InlineData("model.dropout", "0.0")]
    [InlineData("model.continuing_subword_prefix", "\"\"")]
    [InlineData("version", "\"2.0\"")]
    [InlineData("normalizer", """{"type":"Sequence","normalizers":[]}""")]
    [InlineData("post_processor", """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false}""")]
    [InlineData("pre_tokenizer", """{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":"""
        + """{"Regex":"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"}"""
        + ""","behavior":"Isolated","invert":false}"""
        + """,{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}""")]
    public void What_changes_no_id_is_read(string key, string value)
    {
        WriteByteLevel(["th"], ["t h"]);
        int[] before = TokenizerFile.Load(TokenizerPath).Encode("the thing's 12th\n");
        JsonEdits.Set(TokenizerPath, key, value);
        TokenizerFile.Load(TokenizerPath).Encode("the thing's 12th\n").ShouldBe(before);
    }

    [Theory]
    [InlineData("tokenizers/digits-before-bytelevel.json", "12", new int[] { '1', '2' })]
    [InlineData("tokenizers/normalizer-lowercase.json", "É", new int[] { 256 })]
    [InlineData("tokenizers/added-token-not-special.json", "<think>", new int[] { 258 })]
    [InlineData("tokenizers/metaspace-no-prefix-space.json", "ab ab", new int[] { 264, 265 })]
    [InlineData("tokenizers/end-of-word-suffix.json", "ab", new int[] { 97 })]
    public void The_small_inputs_are_read_right(string name, string text, int[] ids) =>
        TokenizerFile.Load(TestCases.Path(name)).Encode(text).ShouldBe(ids);

    /// <summary>The tokenizer of the file, after it was written to another and read again.</summary>
    private Tokenizer RoundTripsThroughItsFile()
    {
        string again = Path.Combine(_folder, "again.json");
        TokenizerFile.Load(TokenizerPath).Save(again);
        return TokenizerFile.Load(again);
    }

    private void WriteByteLevel(string[] more, string[] merges)
    {
        var vocabulary = new JsonObject();
        foreach (string name in Enumerable.Range(0, 256).Select(new ByteTokenizer().Name).Concat(more))
            vocabulary[name] = vocabulary.Count;
        int end = vocabulary.Count;
        var root = new JsonObject
        {
            ["version"] = "1.0", ["truncation"] = null, ["padding"] = null, ["added_tokens"] = new JsonArray(),
                ["normalizer"] = null,
            ["pre_tokenizer"] = JsonNode.Parse(
                """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}"""),
            ["post_processor"] = null, ["decoder"] = JsonNode.Parse("""{"type":"ByteLevel"}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = null, ["continuing_subword_prefix"] = null,
                    ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false, ["byte_fallback"] = false, ["ignore_merges"] = false, ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(m => (JsonNode)m)]),
            },
        };
        File.WriteAllText(TokenizerPath, root.ToJsonString());
        Add("<|endoftext|>", end, normalized: false, special: true);
    }

    private void WritePieces(string step)
    {
        string[] names = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(TokenTable.FallbackName), "▁", "a",
            "b", "X", "Y", "ab", "▁ab", "c", "c▁", "<x>"];
        // As in the small input: 259 ▁, 260 a, 261 b, 264 ab, 265 ▁ab, 266 c; 267 is ▁a, which only text that is not
        // split into words comes to.
        names[267] = "▁a";
        string[] merges = ["▁ a", "a b", "▁ ab"];
        bool splits = !step.Contains("\"split\":false", StringComparison.Ordinal);
        if (splits)
        {
            names[267] = "c▁";
            merges = ["c ▁", "a b", "▁ ab"];
        }
        var vocabulary = new JsonObject();
        foreach (string name in names)
            vocabulary[name] = vocabulary.Count;
        string strip = step.Contains("false}", StringComparison.Ordinal)
            && !step.Contains("scheme", StringComparison.Ordinal) ? ""
            : """,{"type":"Strip","content":" ","start":1,"stop":0}""";
        var root = new JsonObject
        {
            ["version"] = "1.0", ["added_tokens"] = new JsonArray(), ["normalizer"] = null,
                ["pre_tokenizer"] = JsonNode.Parse(step),
            ["decoder"] = JsonNode.Parse(
                """{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},"""
                + """{"type":"ByteFallback"},{"type":"Fuse"}""" + strip + "]}"),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["unk_token"] = "<unk>", ["fuse_unk"] = true, ["byte_fallback"] = true,
                    ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(m => (JsonNode)m)]),
            },
        };
        File.WriteAllText(TokenizerPath, root.ToJsonString());
        foreach (int id in (int[])[0, 1, 2])
            Add(names[id], id, normalized: false, special: true);
        Add("<x>", 268, normalized: false);
    }

    private void Add(string text, int id, bool normalized, bool special = false)
    {
        JsonNode root = JsonNode.Parse(File.ReadAllText(TokenizerPath))!;
        root["added_tokens"]!.AsArray().Add(new JsonObject
        {
            ["id"] = id, ["content"] = text, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false,
                ["normalized"] = normalized, ["special"] = special,
        });
        File.WriteAllText(TokenizerPath, root.ToJsonString());
    }
}
