using Atelier.Evaluation.Text;

namespace Atelier.Tests.Evaluation.Text;

/// <summary>The expected numbers are those of sacreBLEU, from its tests or from running it.</summary>
public sealed class ChrfTests
{
    [Theory]
    [InlineData("a", "a", 100)]
    [InlineData("", "reference", 0)]
    [InlineData("a b c", "abc", 100)]
    [InlineData("aa", "ab", 25)]
    [InlineData("abcdefg", "hijklmnop", 0)]
    public void Short_texts_have_their_published_scores(string own, string reference, double expected) =>
        new Chrf { Beta = 3 }.Corpus([own], [[reference]]).ShouldBe(expected, 1e-4);

    [Theory]
    [InlineData(0, false, 60.272631, 68.175157)]
    [InlineData(1, false, 60.285094, 68.230704)]
    [InlineData(2, false, 57.308133, 64.510859)]
    [InlineData(0, true, 63.652399, 75.640456)]
    public void One_and_two_references_give_sacrebleus_scores(int wordOrder, bool lowercase, double single,
        double @double)
    {
        string[] own =
        [
            "A red fox runs over the Hill.", "Two cats sleep", "the small dog barks, loudly!",
            "I saw 3.5 birds (yesterday)",
        ];
        string[][] references =
        [
            ["The red fox ran over a hill.", "A fox, red, runs over the hill."],
            ["Two cats are sleeping", "The two cats sleep"],
            ["A small dog barks loudly.", "the small dog was barking"],
            ["Yesterday I saw 3.5 birds", "I saw three birds (yesterday)."],
        ];
        var chrf = new Chrf { WordOrder = wordOrder, Lowercase = lowercase };
        chrf.Corpus(own, [.. references.Select(r => r[..1])]).ShouldBe(single, 1e-5);
        chrf.Corpus(own, references).ShouldBe(@double, 1e-5);
    }

    [Theory]
    [InlineData(0, 37.409857, 46.662718)]
    [InlineData(2, 32.065592, 39.996616)]
    public void Chinese_has_sacrebleus_scores(int wordOrder, double single, double @double)
    {
        string[] own = ["那只小猫在花园里睡觉。", "我买了3本书，共25.5元。", "他說“不”…"];
        string[][] references =
        [
            ["那只猫睡在花园里。", "小猫正在花园里睡觉。"], ["我买了三本书，一共25.5元。", "我花25.5元买了3本书。"],
            ["他说：“不！”", "他說「不」。"],
        ];
        var chrf = new Chrf { WordOrder = wordOrder };
        chrf.Corpus(own, [.. references.Select(r => r[..1])]).ShouldBe(single, 1e-5);
        chrf.Corpus(own, references).ShouldBe(@double, 1e-5);
    }

    [Fact]
    public void A_score_follows_from_its_formula()
    {
        // "abc" and "abd": 2 of 3 letters, 1 of 2 pairs, 0 of 1 triples; longer orders are left out.
        double p = (2.0 / 3 + 1.0 / 2 + 0) / 3;
        new Chrf().Corpus(["abc"], [["abd"]]).ShouldBe(100 * p, 1e-9);
        // Recall counts twice: "ab" and "abab" share 2 of 2 and 4 letters, 1 of 1 and 3 pairs.
        double recall = (2.0 / 4 + 1.0 / 3) / 2;
        new Chrf().Corpus(["ab"], [["abab"]]).ShouldBe(100 * 5 * recall / (4 + recall), 1e-9);
    }

    [Fact]
    public void The_signature_and_the_name_are_those_of_sacrebleu()
    {
        new Chrf().Signature(1).ShouldBe("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no");
        new Chrf { WordOrder = 2, Lowercase = true }.Signature(2)
            .ShouldBe("nrefs:2|case:lc|eff:yes|nc:6|nw:2|space:no");
        new Chrf().Unit.ShouldBe("chrF2");
        new Chrf { WordOrder = 2 }.Unit.ShouldBe("chrF2++");
        Should.Throw<ArgumentOutOfRangeException>(() => new Chrf { WordOrder = 3 });
    }
}
