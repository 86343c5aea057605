using System.Text.RegularExpressions;
using Atelier.Data.Pairs;
using Atelier.Data.Worlds;
using Atelier.Evaluation.Text;

namespace Atelier.Tests.Data.Worlds;

public sealed class PairWorldTests(ITestOutputHelper output)
{
    private static readonly PairWorld ToChinese = PairWorld.Find("world:pairs-en-zh")!;

    [Fact]
    public void A_translation_is_a_function_in_both_directions()
    {
        var chinese = new Dictionary<string, string>();
        var english = new Dictionary<string, string>();
        foreach (TextPair pair in ToChinese.Pairs(1, 100_000))
        {
            chinese.TryAdd(pair.Source, pair.Target);
            english.TryAdd(pair.Target, pair.Source);
            chinese[pair.Source].ShouldBe(pair.Target, pair.Source);
            english[pair.Target].ShouldBe(pair.Source, pair.Target);
        }
        output.WriteLine($"{chinese.Count} of 100,000 pairs are distinct");
        chinese.Count.ShouldBeGreaterThan(80_000);
        ToChinese.BestExactMatch.ShouldBe(1);
    }

    [Fact]
    public void Pairs_are_a_function_of_the_seed_and_both_worlds_translate_the_same()
    {
        ToChinese.Pairs(5, 20).ShouldBe(ToChinese.Pairs(5, 30).Take(20));
        ToChinese.Pairs(6, 20).ShouldNotBe(ToChinese.Pairs(5, 20));
        PairWorld.Find("world:pairs-zh-en")!.Pairs(5, 20)
            .ShouldBe(ToChinese.Pairs(5, 20).Select(pair => new TextPair(pair.Target, pair.Source)));
        PairWorld.Find("world:pairs").ShouldBeNull();
    }

    [Fact]
    public void Every_word_occurs()
    {
        TextPair[] pairs = [.. ToChinese.Pairs(2, 30_000)];
        string english = string.Join('\n', pairs.Select(pair => $" {pair.Source} ")).ToLowerInvariant();
        string chinese = string.Join('\n', pairs.Select(pair => pair.Target));
        HashSet<string> words = [.. Regex.Matches(english, "[a-z]+").Select(match => match.Value)];
        string[] phrases =
        [
            .. PairLexicon.Nouns.SelectMany(n => new[] { n.Singular, n.Plural }),
            .. PairLexicon.Verbs.SelectMany(v => v.IsState ? [v.Base, v.Third]
                : v.IsAction ? [v.Base, v.Third, v.Past, v.Gerund] : new[] { v.Base, v.Third, v.Past }),
            .. PairLexicon.Givings.SelectMany(v => new[] { v.Base, v.Third, v.Past, v.Gerund }),
            .. PairLexicon.Adjectives.SelectMany(a => new[] { a.English, a.Comparative }),
            .. PairLexicon.Colours.Select(c => c.English),
            .. PairLexicon.Pronouns.SelectMany(p => new[] { p.Subject, p.Object, p.Possessive }),
            .. Fixed().Select(word => word.English),
        ];
        phrases.SelectMany(phrase => phrase.ToLowerInvariant().Split(' ')).Where(word => !words.Contains(word))
            .ShouldBeEmpty();
        string[] hanzi =
        [
            .. PairLexicon.Nouns.SelectMany(n => new[] { $"那{n.Measure}{n.Chinese}", $"一{n.Measure}{n.Chinese}" }),
            .. PairLexicon.Verbs.Where(v => !v.IsState).Select(v => v.Chinese + "了"),
            .. PairLexicon.Givings.Select(v => v.Chinese + "了"),
            .. PairLexicon.Adjectives.Select(a => $"很{a.Chinese}。"), .. PairLexicon.Colours.Select(c => c.Chinese),
            .. PairLexicon.Pronouns.Select(p => p.Chinese + "的"), .. Fixed().Select(word => word.Chinese),
        ];
        hanzi.Where(word => !chinese.Contains(word, StringComparison.Ordinal)).ShouldBeEmpty();

        static IEnumerable<Word> Fixed() =>
        [
            .. PairLexicon.Names, .. PairLexicon.Numbers, .. PairLexicon.Places, .. PairLexicon.Sides,
            .. PairLexicon.FixedPlaces, .. PairLexicon.Manners, .. PairLexicon.PastTimes, .. PairLexicon.FutureTimes,
            .. PairLexicon.Frequencies,
        ];
    }

    [Fact]
    public void Both_languages_are_well_formed()
    {
        var measures = PairLexicon.Nouns.ToLookup(noun => noun.Measure, noun => noun.Chinese);
        string counted = $"[一两三四五六七]({string.Join('|', measures.Select(m => m.Key))})"
            + $"(?:[^，。？]*?)({string.Join('|', PairLexicon.Nouns.Select(noun => noun.Chinese))})";
        foreach (TextPair pair in ToChinese.Pairs(3, 5_000))
        {
            Regex.IsMatch(pair.Source, "^[A-Z][a-z']*( [A-Za-z']+)+[.?]$").ShouldBeTrue(pair.Source);
            Regex.IsMatch(pair.Target, @"^[\u4e00-\u9fa5]+[。？]$").ShouldBeTrue(pair.Target);
            pair.Source.EndsWith('?').ShouldBe(pair.Target.EndsWith('？'), pair.Source);
            Regex.IsMatch(pair.Source, @"\ba [aeiou]|\ban [^aeiou]|\b(he|she) are\b|  ").ShouldBeFalse(pair.Source);
            Regex.IsMatch(pair.Target, "了了|在在|的的|有有").ShouldBeFalse(pair.Target);
            foreach (Match match in Regex.Matches(pair.Target, counted))
                measures[match.Groups[1].Value].ShouldContain(match.Groups[2].Value, pair.Target);
        }
    }

    [Theory]
    [InlineData("world:pairs-en-zh")]
    [InlineData("world:pairs-zh-en")]
    public void Copying_and_translating_word_by_word_fail(string name)
    {
        TextPair[] training = [.. PairWorld.Find(name)!.Pairs(1, 10_000)];
        TextPair[] test = [.. PairWorld.Find(name)!.Pairs(2, 500)];
        string[][] references = [.. test.Select(pair => new[] { pair.Target })];
        var exact = new ExactMatch();
        exact.Corpus([.. test.Select(pair => pair.Source)], references).ShouldBe(0);
        // The target word that is most typical of each source word, by pointwise mutual information times frequency.
        var tokens = training.Select(p => (Source: Tokens(p.Source), Target: Tokens(p.Target))).ToArray();
        var often = tokens.SelectMany(p => p.Target.Distinct()).CountBy(w => w).ToDictionary();
        Dictionary<string, string> best = tokens.SelectMany(p => p.Source.Distinct().Select(w => (Word: w, p.Target)))
            .GroupBy(p => p.Word).ToDictionary(g => g.Key, g =>
            {
                int count = g.Count();
                return g.SelectMany(p => p.Target.Distinct()).CountBy(w => w).MaxBy(w => w.Value
                    * Math.Log((double)w.Value * training.Length / ((double)count * often[w.Key]))).Key;
            });
        string separator = name.EndsWith("zh", StringComparison.Ordinal) ? "" : " ";
        string[] literal = [.. test.Select(pair =>
            string.Join(separator, Tokens(pair.Source).Select(w => best.GetValueOrDefault(w, w))))];
        exact.Corpus(literal, [.. test.Select(p => new[] { string.Join(separator, Tokens(p.Target)) })])
            .ShouldBeLessThan(0.05);
        var bleu = new Bleu { Tokenization = BleuTokenization.Chinese };
        output.WriteLine($"word by word: {bleu.Corpus(literal, references):0.0} BLEU");

        static string[] Tokens(string text) =>
            [.. Regex.Matches(text.ToLowerInvariant(), @"[a-z']+|[^\sa-z']").Select(match => match.Value)];
    }
}
