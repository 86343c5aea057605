using Atelier.Data.Text.Cleaning;
using Atelier.Data.Text.Reading;

namespace Atelier.Tests.Data.Text;

public sealed class TextCleaningTests
{
    private static string? Clean(string step, string text) => new TextCleaning([step]).Clean(new DocumentPiece(text));

    [Theory]
    [InlineData("unicode-nfc", "e\u0301 ﬁ", "é ﬁ")]
    [InlineData("unicode-nfc", "e\u0301\ud800e\u0301", "é\ud800é")]
    [InlineData("unicode-nfkc", "ﬁ Ａ", "fi A")]
    [InlineData("control-characters", "a\u0000\u0007b\tc\n\u200Bd\uFEFF", "ab\tc\nd")]
    [InlineData("whitespace", "  a \t b  \n\n\n\n c　d \n", "a b\n\nc d")]
    [InlineData("html", "<!-- x --><p class=\"a\">a &lt; b &amp;\n<b>c</b></p><script>var x = '<p>';</script>1 < 2",
        "\na < b &\nc\n1 < 2")]
    [InlineData("duplicate-lines", "a\nb\na\n\nb\n\nc", "a\nb\n\n\nc")]
    [InlineData("min-length:3", "abc", "abc")]
    [InlineData("min-length:3", "🙂🙂", null)]
    [InlineData("max-length:3", "🙂🙂🙂", "🙂🙂🙂")]
    [InlineData("max-length:3", "abcd", null)]
    public void Each_step_does_what_it_says(string step, string text, string? expected) =>
        Clean(step, text).ShouldBe(expected);

    [Fact]
    public void Steps_run_in_order_and_each_tells_what_it_removed()
    {
        var cleaning = new TextCleaning(["html", "duplicates", "min-length:3"]);
        string?[] cleaned =
            [.. new[] { "<b>one</b>", "one", "ab", "two" }.Select(t => cleaning.Clean(new DocumentPiece(t)))];
        cleaned.ShouldBe(["one", null, null, "two"]);
        cleaning.Results.ShouldBe([new("html", 0, 7), new("duplicates", 1, 3), new("min-length:3", 1, 2)]);
    }

    [Theory]
    [InlineData("min-lenght:3", "'min-length'")]
    [InlineData("white-space", "'whitespace'")]
    [InlineData("min-length", "min-length:20")]
    [InlineData("max-length:0", "max-length:20")]
    [InlineData("html:3", "html")]
    public void A_step_that_is_not_one_is_told_with_the_nearest(string name, string hint)
    {
        AtelierException e = Should.Throw<AtelierException>(() => new TextCleaning([name]));
        e.Where.ShouldBe("data.clean");
        e.Hint!.ShouldContain(hint);
    }

    [Fact]
    public void Every_step_leaves_clean_text_as_it_is_and_has_a_description()
    {
        const string Text = "The cat sat on the mat.\nIt was warm, and it slept.";
        foreach (CleaningStepKind kind in CleaningSteps.All)
        {
            kind.Description.ShouldNotBeEmpty();
            Clean(kind.Usage.Replace(":N", kind.Name == "min-length" ? ":1" : ":1000"), Text).ShouldBe(Text);
        }
    }

    [Fact]
    public void Near_duplicates_go_and_different_texts_stay()
    {
        var random = new Random(4);
        string[] words = [.. Enumerable.Range(0, 500).Select(i => $"w{i}")];
        string Text() => string.Join(' ', Enumerable.Range(0, 200).Select(_ => words[random.Next(words.Length)]));
        var cleaning = new TextCleaning(["near-duplicates"]);
        for (int i = 0; i < 20; i++)
        {
            string text = Text();
            cleaning.Clean(new DocumentPiece(text)).ShouldBe(text);
            cleaning.Clean(new DocumentPiece(text + " more")).ShouldBeNull();
        }
        cleaning.Results[0].DocumentsRemoved.ShouldBe(20);
    }

    [Fact]
    public void The_share_of_equal_places_in_two_signatures_estimates_the_resemblance_of_shingles()
    {
        string[] words = [.. Enumerable.Range(0, 400).Select(i => $"word{i}")];
        string a = string.Join(' ', words[..300]), b = string.Join(' ', words[100..400]);
        // 296 shingles of five words each, 196 of them common: 196 / 396. Of 128 places, three standard deviations are
        // 0.13.
        double estimate = NearDuplicates.Resemblance(NearDuplicates.Signature(a), NearDuplicates.Signature(b));
        estimate.ShouldBe(196.0 / 396, 0.14);
    }

    [Fact]
    public void Pieces_of_a_long_document_are_not_taken_for_documents()
    {
        var cleaning = new TextCleaning(["min-length:100", "near-duplicates", "duplicates"]);
        cleaning.Clean(new DocumentPiece("same", true, false)).ShouldBe("same");
        cleaning.Clean(new DocumentPiece("same", false, true)).ShouldBe("same");
    }
}
