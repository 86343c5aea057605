using System.IO.Compression;
using Atelier.Evaluation;
using Atelier.Evaluation.Text;
using Atelier.TestSupport;
using CsCheck;

namespace Atelier.Tests.Evaluation.Text;

/// <summary>The expected numbers are those of sacreBLEU, from its tests or from running it.</summary>
public sealed class BleuTests
{
    private const string Romanian = "producţia de zahăr brut se exprimă în zahăr alb;";
    private const string OtherRomanian = "Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;";

    private static readonly string[] Own =
    [
        "A red fox runs over the Hill.", "Two cats sleep", "the small dog barks, loudly!",
        "I saw 3.5 birds (yesterday)",
    ];

    private static readonly string[] Single =
    [
        "The red fox ran over a hill.", "Two cats are sleeping", "A small dog barks loudly.",
        "Yesterday I saw 3.5 birds",
    ];

    private static readonly string[][] Double =
    [
        [Single[0], "A fox, red, runs over the hill."], [Single[1], "The two cats sleep"],
        [Single[2], "the small dog was barking"], [Single[3], "I saw three birds (yesterday)."],
    ];

    [Theory]
    [InlineData(BleuTokenization.Mteval13a, 48.530827)]
    [InlineData(BleuTokenization.International, 43.91623493)]
    [InlineData(BleuTokenization.None, 49.1919566)]
    public void The_example_of_sacrebleus_readme_has_its_score(BleuTokenization tokenization, double expected) =>
        new Bleu { Tokenization = tokenization }.Corpus(
            ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."],
            [
                ["The dog bit the man.", "The dog had bit the man."],
                ["It was not unexpected.", "No one was surprised."],
                ["The man bit him first.", "The man had bitten the dog."],
            ]).ShouldBe(expected, 1e-6);

    [Theory]
    [InlineData(BleuSmoothing.Exponential, null, BleuTokenization.Mteval13a, false, 8.493)]
    [InlineData(BleuSmoothing.None, null, BleuTokenization.Mteval13a, false, 0)]
    [InlineData(BleuSmoothing.Floor, null, BleuTokenization.Mteval13a, false, 4.51688)]
    [InlineData(BleuSmoothing.Floor, 0.5, BleuTokenization.Mteval13a, false, 10.10)]
    [InlineData(BleuSmoothing.AddK, null, BleuTokenization.Mteval13a, false, 14.882)]
    [InlineData(BleuSmoothing.AddK, 2.0, BleuTokenization.Mteval13a, false, 21.389)]
    [InlineData(BleuSmoothing.Exponential, null, BleuTokenization.None, false, 7.347)]
    [InlineData(BleuSmoothing.Exponential, null, BleuTokenization.International, false, 8.493)]
    [InlineData(BleuSmoothing.Exponential, null, BleuTokenization.Characters, false, 40.8759)]
    [InlineData(BleuSmoothing.Exponential, null, BleuTokenization.Characters, true, 42.0267)]
    public void A_sentence_has_its_published_score(BleuSmoothing smoothing, double? value,
        BleuTokenization tokenization, bool lowercase, double expected) =>
        new Bleu
        {
            Smoothing = smoothing,
            SmoothingValue = value,
            Tokenization = tokenization,
            Lowercase = lowercase,
            EffectiveOrder = true,
        }.Corpus([OtherRomanian], [[Romanian]]).ShouldBe(expected, 1e-3);

    [Theory]
    [InlineData(BleuTokenization.Mteval13a, BleuSmoothing.Exponential, false, 22.436181, 42.185190)]
    [InlineData(BleuTokenization.Mteval13a, BleuSmoothing.Exponential, true, 24.702053, 57.341266)]
    [InlineData(BleuTokenization.Mteval13a, BleuSmoothing.AddK, false, 28.355427, 46.975208)]
    [InlineData(BleuTokenization.International, BleuSmoothing.None, false, 22.436181, 42.185190)]
    [InlineData(BleuTokenization.Characters, BleuSmoothing.Exponential, false, 68.958242, 89.694473)]
    [InlineData(BleuTokenization.None, BleuSmoothing.Exponential, false, 24.354177, 36.138903)]
    public void One_and_two_references_give_sacrebleus_scores(BleuTokenization tokenization, BleuSmoothing smoothing,
        bool lowercase, double single, double @double)
    {
        var bleu = new Bleu { Tokenization = tokenization, Smoothing = smoothing, Lowercase = lowercase };
        bleu.Corpus(Own, [.. Single.Select(r => new[] { r })]).ShouldBe(single, 1e-5);
        bleu.Corpus(Own, Double).ShouldBe(@double, 1e-5);
    }

    [Theory]
    [InlineData(BleuTokenization.Chinese, 32.617750, 61.948470)]
    [InlineData(BleuTokenization.Characters, 43.787351, 67.482039)]
    [InlineData(BleuTokenization.International, 14.097448, 16.045695)]
    [InlineData(BleuTokenization.Mteval13a, 0, 0)]
    public void Chinese_has_sacrebleus_scores(BleuTokenization tokenization, double single, double @double)
    {
        string[] own = ["那只小猫在花园里睡觉。", "我买了3本书，共25.5元。", "他說“不”…"];
        string[][] references =
        [
            ["那只猫睡在花园里。", "小猫正在花园里睡觉。"], ["我买了三本书，一共25.5元。", "我花25.5元买了3本书。"],
            ["他说：“不！”", "他說「不」。"],
        ];
        var bleu = new Bleu { Tokenization = tokenization };
        bleu.Corpus(own, [.. references.Select(r => r[..1])]).ShouldBe(single, 1e-5);
        bleu.Corpus(own, references).ShouldBe(@double, 1e-5);
    }

    [Theory]
    [InlineData(BleuTokenization.Mteval13a,
        "Hello, world! It's 3.5% (of $1,000.00)... <skipped>x &quot;a&quot; co-op 1990-2000",
        "Hello , world ! It's 3.5 % ( of $ 1,000.00 ) . . . x \" a \" co-op 1990 - 2000")]
    [InlineData(BleuTokenization.Mteval13a, "..a.,b,1.2,3.", ". . a . , b , 1.2,3 .")]
    [InlineData(BleuTokenization.Mteval13a, "a\u00a0b\u3000c\u001dd e-\nf", "a b c d ef")]
    [InlineData(BleuTokenization.International, "“Zitat” – sagte er: 5. Mai, 12:30 Uhr…",
        "“ Zitat ” – sagte er : 5 . Mai , 12:30 Uhr …")]
    [InlineData(BleuTokenization.International, "..a.,b,1.2,3.", ". . a . , b , 1.2,3.")]
    [InlineData(BleuTokenization.International, "Ⅷ.½, ①、5％ 😀.−", "Ⅷ.½ , ①、5 ％ 😀 . −")]
    [InlineData(BleuTokenization.Chinese, "我有3.5个苹果，他说：“不！”ABC-12 U+20AC€ 😀。𠀀字",
        "我 有 3.5 个 苹 果 ， 他 说 ： “ 不 ！ ” ABC-12 U + 20AC € 😀 。 𠀀 字")]
    [InlineData(BleuTokenization.Chinese, "“Zitat” – sagte er: 5. \n", "“ Zitat ” – sagte er : 5.")]
    [InlineData(BleuTokenization.Characters, "a 𠀀😀.", "a 𠀀 😀 .")]
    public void Texts_are_split_as_sacrebleu_splits_them(BleuTokenization tokenization, string text, string expected) =>
        BleuTokenizer.Tokens(text, tokenization).ShouldBe(expected.Split(' '));

    [Theory]
    [InlineData(BleuTokenization.None, BleuSmoothing.Exponential, 16.403910)]
    [InlineData(BleuTokenization.International, BleuSmoothing.Exponential, 16.353591)]
    [InlineData(BleuTokenization.Mteval13a, BleuSmoothing.AddK, 16.808571)]
    [InlineData(BleuTokenization.Characters, BleuSmoothing.None, 69.737348)]
    public void Sixty_sentences_of_multi30k_have_sacrebleus_score(BleuTokenization tokenization,
        BleuSmoothing smoothing, double expected)
    {
        string[] german = German(60);
        string[] own = [.. german.Select((text, i) => Worsened(text, i))];
        new Bleu { Tokenization = tokenization, Smoothing = smoothing }
            .Corpus(own, [.. german.Select(g => new[] { g })]).ShouldBe(expected, 1e-5);
    }

    [Fact]
    public void A_paired_bootstrap_agrees_with_sacrebleus()
    {
        string[] german = German(200);
        var bleu = new Bleu { Tokenization = BleuTokenization.None };
        string[][] references = [.. german.Select(g => new[] { g })];
        BleuStatistics[] first = bleu.Count([.. german.Select((text, i) => Worsened(text, i))], references);
        BleuStatistics[] second = bleu.Count([.. german.Select((text, i) => Worsened(text, i + 1))], references);
        PairedBootstrap test = bleu.Compare(second, first, 4000, 1);
        test.Difference.Value.ShouldBe(18.361344 - 17.149292, 1e-5);
        test.PValue.ShouldBe(0.141, 0.03); // sacreBLEU's, with its own random numbers
        test.Wins.ShouldBe(0.813, 0.03); // the same count over resamples of sacreBLEU's statistics
        bleu.Measure(second, 4000, 1).ShouldSatisfyAllConditions(
            m => m.Value.ShouldBe(18.361344, 1e-5), m => ((m.High - m.Low) / 2).ShouldBe(1.779, 0.15));
        Comparison.Paired(test, 200, new Headline("bleu", bleu.Unit, MoreIsBetter: true)).Outcome
            .ShouldBe(ComparisonOutcome.Undecided);
        bleu.Compare(first, first, 100, 1).PValue.ShouldBe(1);
    }

    [Fact]
    public void Worked_values_are_met()
    {
        // Papineni et al. 2002, example 2: "the" seven times against a reference with two: a clipped precision of 2/7.
        var bleu = new Bleu { Smoothing = BleuSmoothing.Floor };
        BleuStatistics counts = bleu.Count("the the the the the the the", ["the cat is on the mat"]);
        (counts.Matches[0], counts.Totals[0], counts.ReferenceLength).ShouldBe((2L, 7L, 6L));
        double logs = Math.Log(2.0 / 7) + Math.Log(0.1 / 6) + Math.Log(0.1 / 5) + Math.Log(0.1 / 4);
        bleu.Value(counts).ShouldBe(100 * Math.Exp(logs / 4), 1e-9);
        // Half as long as its reference and right: only the brevity penalty, e^(1 − 2).
        new Bleu { EffectiveOrder = true }.Corpus(["a b"], [["a b c d"]]).ShouldBe(100 * Math.Exp(-1), 1e-9);
        foreach (BleuSmoothing smoothing in Enum.GetValues<BleuSmoothing>())
            new Bleu { Smoothing = smoothing }.Corpus(["this is a cat", ""], [["okay thanks"], [""]]).ShouldBe(0);
    }

    [Fact]
    public void The_statistics_agree_with_counting_by_hand()
    {
        Gen<string> text = Gen.Char['a', 'c'].Array[0, 12].Select(c => string.Join(' ', c));
        Gen.Select(text, text.Array[1, 3]).Sample((own, references) =>
        {
            BleuStatistics counts = new Bleu().Count(own, references);
            for (int n = 1; n <= 4; n++)
            {
                string[] grams = Grams(own, n);
                counts.Totals[n - 1].ShouldBe(grams.Length);
                counts.Matches[n - 1].ShouldBe(grams.Distinct().Sum(g => Math.Min(grams.Count(x => x == g),
                    references.Max(r => Grams(r, n).Count(x => x == g)))));
            }
        }, iter: 300);

        static string[] Grams(string text, int n)
        {
            string letters = text.Replace(" ", "", StringComparison.Ordinal);
            return [.. Enumerable.Range(0, Math.Max(0, letters.Length - n + 1)).Select(i => letters.Substring(i, n))];
        }
    }

    [Fact]
    public void The_signature_and_the_line_are_those_of_sacrebleu()
    {
        new Bleu().Signature(1).ShouldBe("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp");
        new Bleu
        {
            Lowercase = true,
            EffectiveOrder = true,
            Tokenization = BleuTokenization.Chinese,
            Smoothing = BleuSmoothing.AddK,
        }.Signature(2).ShouldBe("nrefs:2|case:lc|eff:yes|tok:zh|smooth:add-k[1.00]");
        new Bleu { Smoothing = BleuSmoothing.Floor, SmoothingValue = 0.5 }.Signature(1)
            .ShouldEndWith("smooth:floor[0.50]");
        var bleu = new Bleu();
        BleuStatistics[] counts = bleu.Count(Own, [.. Single.Select(r => new[] { r })]);
        bleu.Score(counts.Aggregate((a, b) => a + b)).ToString().ShouldBe(
            "BLEU = 22.44 56.0/33.3/17.6/7.7 (BP = 1.000 ratio = 1.087 hyp_len = 25 ref_len = 23)");
    }

    [Fact]
    public void A_text_without_a_reference_is_refused()
    {
        Should.Throw<ArgumentException>(() => new Bleu().Count("a", []));
        Should.Throw<ArgumentException>(() => new Bleu().Corpus(["a"], [[]]));
        Should.Throw<ArgumentException>(() => new ExactMatch().Corpus(["a", "b"], [["a"]]));
    }

    private static string[] German(int count)
    {
        string path = DataFolder.File("multi30k", "test_2016_flickr.lc.norm.tok.de.gz");
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        return [.. Enumerable.Range(0, count).Select(_ => reader.ReadLine()!)];
    }

    /// <summary>Leaves out every seventh word and swaps every fifth pair, from places that depend on k.</summary>
    private static string Worsened(string text, int k)
    {
        List<string> words = [.. text.Split(' ').Where((_, i) => (i + k) % 7 != 6)];
        for (int i = k % 5; i < words.Count - 1; i += 5)
            (words[i], words[i + 1]) = (words[i + 1], words[i]);
        return string.Join(' ', words);
    }
}
