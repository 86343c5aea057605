using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Tokenizers;

/// <summary>Special tokens, type ids and truncation. Expected ids follow the rules of Hugging Face's library.</summary>
public sealed class TextFrameTests : IDisposable
{
    private const string Roberta = """{"type":"RobertaProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]}""";
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    private string TokenizerPath => Path.Combine(_folder, "tokenizer.json");

    public TextFrameTests()
    {
        string path = Path.Combine(_folder, "names.txt"); // a is 5, b is 6 and so on
        File.WriteAllLines(path, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", .. "abcdefghijkl".Select(c => $"{c}")]);
        WordPieceTokenizer.FromVocabulary(path).Save(TokenizerPath);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("null", "5", "5 6", "0 1")]
    [InlineData("""{"type":"ByteLevel"}""", "5", "5 6", "0 1")]
    [InlineData("""{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]}""", "2 5 3", "2 5 3 6 3", "0 0 0 1 1")]
    [InlineData(Roberta, "2 5 3", "2 5 3 3 6 3", "0 0 0 0 0 0")]
    [InlineData($$"""{"type":"Sequence","processors":[{"type":"ByteLevel"},{{Roberta}}]}""", "2 5 3", "2 5 3 3 6 3",
        "0 0 0 0 0 0")]
    [InlineData("""
        {"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"[MASK]","type_id":2}}],
         "pair":[{"Sequence":{"id":"B","type_id":4}},{"SpecialToken":{"id":"[PAD]"}},
         {"Sequence":{"id":"A","type_id":1}}],"special_tokens":{}}
        """, "5 4", "6 0 5", "4 0 1")]
    public void The_post_processor_inserts_its_tokens(string processor, string single, string pair, string types)
    {
        JsonEdits.Set(TokenizerPath, "post_processor", processor);
        Tokenizer tokenizer = Again();
        string.Join(' ', tokenizer.EncodeWithSpecials("a").Ids).ShouldBe(single);
        EncodedText both = tokenizer.EncodeWithSpecials("a", "b");
        (string.Join(' ', both.Ids), string.Join(' ', both.TypeIds)).ShouldBe((pair, types));
        tokenizer.Encode("a").ShouldBe([5]);
    }

    [Theory]
    [InlineData("LongestFirst", "Right", 7, "abcdef", null, "abcde")]
    [InlineData("LongestFirst", "Left", 7, "abcdef", null, "bcdef")]
    [InlineData("LongestFirst", "Right", 9, "abcde", "ghi", "abc ghi")]
    [InlineData("LongestFirst", "Right", 9, "ab", "cdefghijkl", "ab cdef")]
    [InlineData("LongestFirst", "Right", 10, "abcdefghij", "cdefghijkl", "abc cdef")]
    [InlineData("LongestFirst", "Left", 10, "abcdefghij", "klk", "ghij klk")]
    [InlineData("OnlyFirst", "Right", 9, "abcde", "ghi", "abc ghi")]
    [InlineData("OnlySecond", "Left", 9, "abcde", "ghi", "abcde i")]
    [InlineData("OnlySecond", "Left", 11, "abcde", "ghi", "abcde ghi")]
    public void Truncation_shortens_texts_as_the_file_says(string strategy, string direction, int most, string first,
        string? second, string kept)
    {
        JsonEdits.Set(TokenizerPath, "truncation",
            $$"""{"direction":"{{direction}}","max_length":{{most}},"strategy":"{{strategy}}","stride":0}""");
        Tokenizer tokenizer = Again();
        EncodedText text = tokenizer.EncodeWithSpecials(Spaced(first)!, Spaced(second));
        text.Ids.Count.ShouldBeLessThanOrEqualTo(most);
        text.TypeIds.Count.ShouldBe(text.Ids.Count);
        string.Concat(text.Ids.Skip(1).SkipLast(1).Select(id => id == 3 ? " " : tokenizer.Name(id))).ShouldBe(kept);
    }

    [Theory]
    [InlineData("OnlyFirst", 5, "ab", "cdefgh", "first part alone")]
    [InlineData("OnlySecond", 5, "abcdef", null, "second part alone")]
    [InlineData("LongestFirst", 1, "a", null, "no room for text besides 2 special tokens")]
    public void A_text_that_cannot_be_shortened_so_is_refused(string strategy, int most, string first, string? second,
        string named)
    {
        JsonEdits.Set(TokenizerPath, "truncation", $$"""{"max_length":{{most}},"strategy":"{{strategy}}"}""");
        Should.Throw<AtelierException>(() => Again().EncodeWithSpecials(Spaced(first)!, Spaced(second))).Message
            .ShouldContain(named);
    }

    [Fact]
    public void A_greatest_length_takes_precedence_over_the_files()
    {
        JsonEdits.Set(TokenizerPath, "truncation", """{"max_length":4,"direction":"Left"}""");
        Again().EncodeWithSpecials("a b c d e", maxLength: 5).Ids.ShouldBe([2, 7, 8, 9, 3]);
        JsonEdits.Set(TokenizerPath, "truncation", "null");
        Again().EncodeWithSpecials("a b c d e", maxLength: 5).Ids.ShouldBe([2, 5, 6, 7, 3]);
        Again().EncodeWithSpecials("a b c d e").Ids.ShouldBe([2, 5, 6, 7, 8, 9, 3]);
    }

    [Fact]
    public void Without_a_template_for_pairs_a_pair_is_refused()
    {
        JsonEdits.Set(TokenizerPath, "post_processor",
            """{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}}],"pair":[],"special_tokens":{}}""");
        Should.Throw<AtelierException>(() => Again().EncodeWithSpecials("a", "b")).Message.ShouldContain("pair");
    }

    [Fact]
    public void Tokenizers_of_plain_text_have_an_end_only()
    {
        new ByteTokenizer().Special.End.ShouldBe(256);
        BpeTokenizer.Train(["abab"], 257).Special.ShouldSatisfyAllConditions(special => special.End.ShouldBe(256),
            special => special.Begin.ShouldBeNull(), special => special.Pad.ShouldBeNull());
    }

    private static string? Spaced(string? letters) => letters is null ? null : string.Join(' ', letters.ToCharArray());

    /// <summary>The tokenizer of the file, after it was written to another and read again.</summary>
    private Tokenizer Again()
    {
        string again = Path.Combine(_folder, "again.json");
        TokenizerFile.Load(TokenizerPath).Save(again);
        return TokenizerFile.Load(again);
    }
}
