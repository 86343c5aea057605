using Atelier.Evaluation;
using Atelier.Evaluation.Text;
using CsCheck;

namespace Atelier.Tests.Evaluation.Text;

public sealed class RougeTests
{
    // The random strings that Google's rouge_score is compared with the original ROUGE-1.5.5 on.
    private const string Target =
        "ZfbCUIUuePaiLVUlCaUXxkpu XPeWing tUHfPMuZ',-Xd Y BrUgVJing M-HV.-DgdDaY.rFDJCRing Ht-LM EKBDXkME,yz'RBr "
        + "q'wtion wIojNbN wL,b .a-'XdQggyFl jB-RPP'iyOIcUxer tKM L";

    private const string Prediction =
        "rFDJCRtion Ht-LM EKtDXkME,yz'RBr q'wer wrojNbN wL,b .a-'XdQggyFl jB-RPP'iyOIcUxi";

    [Theory]
    [InlineData(RougeKind.Rouge1, 0.68750, 0.40741, 0.51163)]
    [InlineData(RougeKind.Rouge2, 0.53333, 0.30769, 0.39024)]
    [InlineData(RougeKind.RougeL, 0.68750, 0.40741, 0.51163)]
    public void Scores_are_those_of_the_original_rouge(RougeKind kind, double precision, double recall, double f1)
    {
        RougeScore score = new Rouge(kind).Score(Prediction, Target);
        score.Precision.ShouldBe(precision, 1e-5);
        score.Recall.ShouldBe(recall, 1e-5);
        score.F1.ShouldBe(f1, 1e-5);
    }

    [Theory]
    [InlineData(RougeKind.Rouge1, "testing", "testing one two", 1.0 / 2)]
    [InlineData(RougeKind.Rouge2, "testing one", "testing one two", 2.0 / 3)]
    [InlineData(RougeKind.RougeL, "testing two", "testing one two", 4.0 / 5)]
    [InlineData(RougeKind.RougeL, "", "testing one two", 0)]
    [InlineData(RougeKind.Rouge1, "狗", "狗", 0)] // rouge_score sees ASCII only
    public void Short_texts_have_their_published_scores(RougeKind kind, string own, string reference,
        double expected) => new Rouge(kind).Corpus([own], [[reference]]).ShouldBe(expected, 1e-12);

    [Fact]
    public void Chinese_characters_are_words()
    {
        // 那只小猫在睡觉 and 小猫睡觉了: 4 of 7 and of 5 characters, also as a subsequence; the pairs 小猫 and 睡觉.
        string[] own = ["那只小猫在睡觉。"];
        string[][] reference = [["小猫，睡觉了！"]];
        new Rouge(RougeKind.Rouge1, RougeTokenization.Unicode).Corpus(own, reference).ShouldBe(8.0 / 12, 1e-12);
        new Rouge(RougeKind.Rouge2, RougeTokenization.Unicode).Corpus(own, reference).ShouldBe(4.0 / 10, 1e-12);
        new Rouge(RougeKind.RougeL, RougeTokenization.Unicode).Corpus(own, reference).ShouldBe(8.0 / 12, 1e-12);
        new Rouge(RougeKind.RougeL, RougeTokenization.Unicode).Score("Élan VITAL, 12", "élan vital 12").F1.ShouldBe(1);
    }

    [Fact]
    public void The_longest_common_subsequence_agrees_with_trying_them_all()
    {
        Gen<string> text = Gen.Char['a', 'c'].Array[1, 8].Select(c => string.Join(' ', c));
        Gen.Select(text, text).Sample((own, reference) =>
        {
            string[] words = own.Split(' '), other = reference.Split(' ');
            int longest = Enumerable.Range(0, 1 << words.Length).Where(set =>
            {
                int at = 0;
                foreach (string word in words.Where((_, i) => (set >> i & 1) == 1))
                {
                    at = Array.IndexOf(other, word, at) + 1;
                    if (at == 0)
                        return false;
                }
                return true;
            }).Max(set => System.Numerics.BitOperations.PopCount((uint)set));
            RougeScore score = new Rouge(RougeKind.RougeL).Score(own, reference);
            score.Precision.ShouldBe((double)longest / words.Length, 1e-12);
            score.Recall.ShouldBe((double)longest / other.Length, 1e-12);
        }, iter: 200);
    }

    [Fact]
    public void The_best_reference_counts_and_texts_are_averaged()
    {
        var rouge = new Rouge(RougeKind.Rouge1);
        MeanScore[] scores = rouge.Count(["a b", "c d"], [["x y", "a c"], ["c d"]]);
        rouge.Value(scores[0] + scores[1]).ShouldBe((0.5 + 1) / 2, 1e-12);
        rouge.Measure(scores, 200, 1).ShouldSatisfyAllConditions(m => m.Low.ShouldBe(0.5), m => m.High.ShouldBe(1));
    }

    [Fact]
    public void Exact_matches_and_equal_tokens_are_counted()
    {
        new ExactMatch().Corpus([" 一只猫。", "a cat", "A dog"], [["一只猫。\n"], ["the cat", "a cat"], ["a dog"]])
            .ShouldBe(2.0 / 3, 1e-12);
        // "the" and "cat" stand at their positions, of five.
        new TokenAccuracy().Count("the cat sat.", ["the cat is sat ."]).ShouldBe(new MeanScore(2, 5));
        new TokenAccuracy().Corpus(["the cat sat.", ""], [["the dog sat.", "a"], [""]]).ShouldBe(3.0 / 4, 1e-12);
        new TokenAccuracy(BleuTokenization.Chinese).Count("那只猫。", ["这只猫。"]).ShouldBe(new MeanScore(3, 4));
        TokenAccuracy.Compare<int>([1, 2, 3], [1, 5, 3, 4]).ShouldBe(new MeanScore(2, 4));
    }
}
