using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Generation.Constraints;
using Atelier.TestSupport;
using Atelier.Tokenizers;
using CsCheck;

namespace Atelier.Runtime.Tests.Generation.Constraints;

public class PatternTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static TheoryData<string> Patterns =>
    [
        "(cat|dog)s?", @"\d{4}-\d\d-\d\d", "[a-f]+ [^a-f ]{2,4}", "a*b?c+", @"(the (cat|dog|mat)(, )?){1,3}\.?",
            @"[\s\S]{3}", ".{2,5}",
        @"\p{Lu}\p{Ll}*", "^(yes|no)$", "x{0}y", "naïve|你好", @"(a|)(b|){3}", @"\{""n"": \d+(\.\d)?\}",
            "(?:a|ab)(?<n>c|bcd)(d*)", @"\w+\W\w+", @"[\]a-]+", @"\u0041\x42",
    ];

    [Theory]
    [MemberData(nameof(Patterns))]
    public async Task Every_sample_of_every_tokenizer_matches_the_pattern(string pattern)
    {
        // \w is ECMAScript's here, of ASCII.
        var whole = new Regex($@"\A(?:{pattern})\z", pattern.Contains(@"\w", StringComparison.Ordinal)
            ? RegexOptions.ECMAScript : RegexOptions.None, Patience);
        int ended = 0;
        foreach (Tokenizer tokenizer in Constrained.Tokenizers)
        {
            if (tokenizer is CharacterTokenizer { ByteFallback: false } && pattern is "a*b?c+" or @"[\]a-]+"
                or @"\u0041\x42" or "(?:a|ab)(?<n>c|bcd)(d*)" or "x{0}y")
                continue; // letters that its vocabulary lacks
            foreach (string? prompt in (string?[])[null, "The cat"])
            {
                foreach (string text in await Constrained.Ended(tokenizer,
                    new() { Pattern = pattern, MaxTokens = 60, TopK = prompt is null ? 0 : 20, PresencePenalty = 0.5 },
                    prompt: prompt))
                {
                    whole.IsMatch(OfOneUnit(text)).ShouldBeTrue($"{tokenizer.Kind}: '{text}'");
                    ended++;
                }
            }
        }
        ended.ShouldBeGreaterThan(40);
    }

    [Fact]
    public void Random_patterns_accept_exactly_the_texts_that_dot_nets_do()
    {
        string[] texts = [.. Enumerable.Range(0, 6).SelectMany(length => Enumerable.Range(0, (int)Math.Pow(3, length))
            .Select(n => string.Concat(Enumerable.Range(0, length)
                .Select(i => (char)('a' + n / (int)Math.Pow(3, i) % 3)))))];
        RandomPattern(3).Sample(pattern =>
        {
            var whole = new Regex($@"\A(?:{pattern})\z", RegexOptions.NonBacktracking, Patience);
            Grammar grammar = new([RegexParser.Parse(pattern, whole: true)]);
            ByteNetwork network = ByteNetwork.Build(grammar, null);
            LazyAutomaton? automaton = network.IsUseful[network.Starts[0]] ? new LazyAutomaton(network) : null;
            foreach (string text in texts)
                (automaton is not null && Constrained.Accepts(automaton, text))
                    .ShouldBe(whole.IsMatch(text), $"'{pattern}' on '{text}'");
        }, iter: 150);
    }

    [Fact]
    public void A_pattern_in_a_schema_may_stand_anywhere_in_the_string()
    {
        foreach (string pattern in (string[])["b", "^b", "b$", "^ab$", "^a|c$"])
        {
            var anywhere = new Regex(pattern, RegexOptions.None, Patience);
            Grammar grammar = new([RegexParser.Parse(pattern, whole: false)]);
            foreach (string text in (string[])["", "a", "b", "ab", "ba", "abc", "cab", "c", "aab"])
                Constrained.Accepts(grammar, text).ShouldBe(anywhere.IsMatch(text), $"'{pattern}' on '{text}'");
        }
    }

    [Fact]
    public void Characters_of_every_length_in_utf_8_are_told_apart()
    {
        (int First, int Last)[] ranges = [(0x41, 0x7FF), (0x7E, 0x10010), (0x800, 0xFFFF), (0x3FF, 0x1000),
            (0x10000, 0x10FFFF), (0xFFFE, 0x10001), (0, 0x10FFFF)];
        foreach ((int first, int last) in ranges)
        {
            var automaton =
                new LazyAutomaton(ByteNetwork.Build(new([new Characters(CharacterSet.Of((first, last)))]), null));
            for (int character = 0; character <= 0x10FFFF; character += character is > 0x1100 and < 0xFF00 or > 0x10100
                ? 97 : 1)
            {
                if (character is < 0xD800 or > 0xDFFF)
                    Constrained.Accepts(automaton, char.ConvertFromUtf32(character))
                        .ShouldBe(first <= character && character <= last);
            }
        }
    }

    [Fact]
    public async Task Among_the_texts_that_may_come_the_model_s_own_odds_hold()
    {
        // a?b?c? over a chain: at each token the model's probabilities, divided by what of them may come.
        MarkovModel chain = MarkovModel.Random(4, 5);
        CharacterTokenizer abc = CharacterTokenizer.Train(["abc"], byteFallback: false);
        var expected = new Dictionary<string, double>();
        void Extend(string text, int last, double probability)
        {
            int[] allowed = [0, .. Enumerable.Range(1, 3).Where(id => id > last)];
            double sum = allowed.Sum(id => chain.P(last, id));
            foreach (int id in allowed)
            {
                double share = probability * chain.P(last, id) / sum;
                if (id == 0)
                    expected[text] = share;
                else
                    Extend(text + (char)('a' + id - 1), id, share);
            }
        }
        Extend("", 0, 1);
        expected.Count.ShouldBe(8);

        using var generator = new TextGenerator(chain, abc, new() { Pattern = "a?b?c?" }, 0);
        const int count = 20_000;
        var drawn = (await generator.GenerateAsync(new() { Count = count, Seed = 3 }).ToListAsync())
            .CountBy(s => s.Text).ToDictionary();
        double statistic =
            expected.Sum(e => Math.Pow(drawn.GetValueOrDefault(e.Key) - count * e.Value, 2) / (count * e.Value));
        statistic.ShouldBeLessThan(29.9); // the 0.9999 quantile of chi-squared with 7 degrees of freedom
    }

    [Fact]
    public async Task Beams_find_the_likeliest_text_that_matches()
    {
        MarkovModel chain = MarkovModel.Random(4, 8);
        CharacterTokenizer abc = CharacterTokenizer.Train(["abc"], byteFallback: false);
        using var generator =
            new TextGenerator(chain, abc, new() { Pattern = "(a|bb|c){2}", BeamWidth = 100, LengthPenalty = 0 }, 0);
        var match = new Regex(@"\A(a|bb|c){2}\z", RegexOptions.ExplicitCapture, Patience);
        double Log(string text) =>
            text.Append('`').Zip(text.Prepend('`'), (to, from) => Math.Log(chain.P(from - '`', to - '`'))).Sum();
        string[] all = [.. from a in (string[])["a", "bb", "c"] from b in (string[])["a", "bb", "c"] select a + b];
        TextSample[] found = await generator.GenerateAsync(new() { Count = 9 }).ToArrayAsync();
        found.Select(s => s.Text).ShouldBe(all.OrderByDescending(Log));
        found.ShouldAllBe(s => match.IsMatch(s.Text) && s.FinishReason == "end");
    }

    [Fact]
    public async Task Greedy_decoding_streaming_and_stop_strings_keep_to_the_pattern()
    {
        var options = new DecodingOptions { Pattern = "[ab]{3},[cd]{3}", Temperature = 0, Stop = ["c"] };
        using var generator = new TextGenerator(MarkovModel.Random(257, 4), new ByteTokenizer(), options, 256);
        string streamed = "";
        await foreach (TextPiece piece in generator.StreamAsync(new()))
            streamed += piece.Text;
        Regex.IsMatch(streamed, @"\A[ab]{3},d{0,3}\z", RegexOptions.None, Patience).ShouldBeTrue(streamed);
        (await generator.GenerateAsync(new()).ToListAsync())[0].Text.ShouldBe(streamed);
    }

    [Fact]
    public async Task A_vocabulary_without_an_end_token_ends_where_nothing_may_follow()
    {
        var names = Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>").ToList();
        var endless = new SentencePieceTokenizer([.. names, "▁"], []);
        endless.EndOfTextId.ShouldBeNull();
        using var generator =
            new TextGenerator(MarkovModel.Random(257, 2), endless, new() { Pattern = "(ab|c){4}" }, 0);
        await foreach (TextSample sample in generator.GenerateAsync(new() { Count = 10 }))
        {
            sample.FinishReason.ShouldBe("end");
            Regex.IsMatch(sample.Text, @"\A(ab|c){4}\z", RegexOptions.ExplicitCapture, Patience)
                .ShouldBeTrue(sample.Text);
        }
    }

    [Theory]
    [InlineData("a(b", "a group is not closed")]
    [InlineData("a)b", "')' closes nothing")]
    [InlineData("*a", "'*' repeats nothing")]
    [InlineData("a**", "'*' repeats a repetition")]
    [InlineData("a{3,2}", "at least 3 and at most 2")]
    [InlineData("a{1000000000000}", "repeats 1000000000000 times")]
    [InlineData("[b-a]", "in reverse order")]
    [InlineData("[a", "a class is not closed")]
    [InlineData(@"(a)\1", "\\1 is not supported")]
    [InlineData(@"\bword", "\\b is not supported")]
    [InlineData("(?=a)b", "look-around is not supported")]
    [InlineData("(?<!a)b", "look-around is not supported")]
    [InlineData("a^b", "it contradicts itself")]
    [InlineData(@"\p{Klingon}", "no category")]
    [InlineData("[a-z-[aeiou]]", "classes cannot be subtracted")]
    [InlineData("a\\", "ends with")]
    [InlineData("(((((a{1000}){1000}){1000}){1000}){1000})", "more than 100000 states")]
    [InlineData(@"a[^\s\S]", "it contradicts itself")]
    [InlineData("Ω", "characters that the model does not have")]
    public async Task A_pattern_that_cannot_be_met_is_refused_in_one_line(string pattern, string says)
    {
        AtelierException error =
            await Should.ThrowAsync<AtelierException>(() =>
            Constrained.Ended(Constrained.Tokenizers[0], new() { Pattern = pattern }));
        error.ToLine().ShouldContain(says);
        error.ToLine().ShouldContain("pattern '");
    }

    [Theory]
    [InlineData("(a*)*b")]
    [InlineData("(a|a)*b")]
    [InlineData("(a|b)*a(a|b){20}")]
    [InlineData("([ab]{0,40}){0,40}c")]
    [InlineData(@"[\s\S]*a[\s\S]{200}")]
    [InlineData("(a?){500}a{50}")]
    public async Task Patterns_that_explode_elsewhere_are_walked_state_by_state(string pattern)
    {
        List<string> texts =
            await Constrained.Ended(new ByteTokenizer(), new() { Pattern = pattern, MaxTokens = 700 }, count: 4);
        foreach (string text in texts)
            Regex.IsMatch(text, $@"\A(?:{pattern})\z", RegexOptions.NonBacktracking, Patience).ShouldBeTrue(text);
    }

    /// <summary>
    /// The text with one UTF-16 unit a character, which is what .NET's expressions count: another of its category for
    /// each that has two.
    /// </summary>
    private static string OfOneUnit(string text) =>
        string.Concat(text.EnumerateRunes()
        .Select(rune => rune.IsBmp ? rune.ToString() : Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.LowercaseLetter => "ß",
        UnicodeCategory.UppercaseLetter => "É",
        _ => "一",
    }));

    private static Gen<string> RandomPattern(int depth)
    {
        Gen<string> leaf =
            Gen.OneOf([.. ((string[])["a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", ""]).Select(Gen.Const)]);
        if (depth == 0)
            return leaf;
        Gen<string> inner = RandomPattern(depth - 1);
        return Gen.OneOf(
            leaf,
            Gen.Select(inner, inner, (x, y) => x + y),
            Gen.Select(inner, inner, (x, y) => $"({x}|{y})"),
            Gen.Select(inner,
                Gen.OneOf([.. ((string[])["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?"]).Select(Gen.Const)]),
                (x, times) => $"({x}){times}"));
    }
}
