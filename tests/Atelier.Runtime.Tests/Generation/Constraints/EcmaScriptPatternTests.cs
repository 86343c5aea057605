using System.Text.RegularExpressions;
using Atelier.Generation.Constraints;
using CsCheck;

namespace Atelier.Runtime.Tests.Generation.Constraints;

/// <summary>Patterns as ECMA-262 has them, against a table that Node 20's RegExp made.</summary>
public class EcmaScriptPatternTests
{
    private static readonly string[] Texts =
    [
        "", "a", "b", "ab", "aa", "aaa", "aaaaaa", "a]", "]", "abc", "A", "1", "12", "_", "-", " ", "\t", "\u00a0",
        "\u1680", "\u2003", "\u2028", "\u202f", "\u205f", "\u3000", "\ufeff", "\u180e", "\u200b", "\u0085", "\n",
        "\r", "\u000b", "\f", "\u001c", "a\nb", "ab\n", "x{", "x{1", "x{a}", "{", "}", "\u00e9", "\u00df", "\u4f60",
        "\u0663", "\u2163", "\u0000", "\u0001", "\b", "\\", "/", "[", "a-b", "\ud83d\ude00",
        "\ud83d\ude00\ud83d\ude00", "a\ud83d\ude00b", "^", "$", "ba", "cab", "ac", "bc", "aab", ".", "\udbff\udfff",
        "a{2}{3}", "cat", "The cat", "k", "\u212a", "\u017f",
    ];

    // Of each pattern: whether it needs the u flag left out, and the texts in which RegExp finds it.
    private const string Table = """
        u     ^\s$  =>  15-24 28-31
        u     ^\S$  =>  1-2 8 10-11 13-14 25-27 32 38-50 52 55-56 62-63 67-69
        u     ^[\s]$  =>  15-24 28-31
        u     ^[^\s]$  =>  1-2 8 10-11 13-14 25-27 32 38-50 52 55-56 62-63 67-69
        old   []a]  =>
        u     ^[^]$  =>  1-2 8 10-11 13-32 38-50 52 55-56 62-63 67-69
        u     ^[^]*$  =>  0-69
        u     [^]  =>  1-69
        u     ^[^][^]$  =>  3-4 7 12 35 53 57 59-60
        error a{2}{3}  =>
        error a{2}*  =>
        error a**  =>
        u     a+?  =>  1 3-7 9 33-34 37 51 54 57-59 61 64-66
        u     ^a+?$  =>  1 4-6
        u     ^a??b$  =>  2-3
        u     ^a{2}?$  =>  4
        u     ^a{2,}?$  =>  4-6
        error a?+  =>
        error a{1,2}+  =>
        u     ^\d$  =>  11
        u     ^\D$  =>  1-2 8 10 13-32 38-50 52 55-56 62-63 67-69
        u     ^\w$  =>  1-2 10-11 13 67
        u     ^\W$  =>  8 14-32 38-50 52 55-56 62-63 68-69
        u     ^[\w-]$  =>  1-2 10-11 13-14 67
        u     ^[\w\-]$  =>  1-2 10-11 13-14 67
        u     ^[a\-]$  =>  1 14
        old   [\d-z]  =>  11-12 14 36 51 64
        u     ^.$  =>  1-2 8 10-11 13-19 21-27 30-32 38-50 52 55-56 62-63 67-69
        u     ^..$  =>  3-4 7 12 35 53 57 59-60
        u     ^a.b$  =>  51 54 61
        u     ^[😀]$  =>  52
        u     ^😀+$  =>  52-53
        u     ^\u{1f600}$  =>  52
        u     ^\ud83d\ude00$  =>  52
        u     ^[\ud83d\ude00]$  =>  52
        u     ^\u0041$  =>  10
        u     ^\x41$  =>  10
        u     ^\cA$  =>  46
        u     ^\ca$  =>  46
        u     ^\0$  =>  45
        u     ^[\b]$  =>  47
        u     \bcat\b  =>  65-66
        u     (?=a)b  =>
        u     (?!a)b  =>  2-3 9 33-34 51 54 57-58 60-61
        u     (?<=a)b  =>  3 9 34 58 61
        u     (?<!a)b  =>  2 33 51 54 57 60
        u     (a)\1  =>  4-6 61
        u     (?<n>a)\k<n>  =>  4-6 61
        u     ^(?<n>a)b$  =>  3
        error (?<n>a)(?<n>b)  =>
        error (?<1a>b)  =>
        u     ^(?:a|b)$  =>  1-2
        u     ^(a|b)$  =>  1-2
        u     (^a|b$)  =>  1-7 9 33-34 51 54 58-59 61 64
        u     (^a$)|(^b$)  =>  1-2
        u     ^(^a$|^b$)$  =>  1-2
        u     a^b  =>
        u     ^a$b  =>
        u     (a|^)b  =>  2-3 9 34 57-58 60-61
        u     a(b|$)  =>  1 3-6 9 34 57-58 61
        u     (^)a  =>  1 3-7 9 33-34 51 54 59 61 64
        u     ^($|a)  =>  0-1 3-7 9 33-34 51 54 59 61 64
        u     ^(a|$)*$  =>  0-1 4-6
        u     (?:^a)*b  =>  2-3 9 33-34 51 54 57-58 60-61
        u     ^  =>  0-69
        u     $  =>  0-69
        u     ^$  =>  0
        u     ^^a$$  =>  1
        u     a|^  =>  0-69
        error ^*  =>
        error $+  =>
        old   x{  =>  35-37
        u     ^x\{$  =>  35
        old   ^x{$  =>  35
        old   ^x{a}$  =>  37
        old   ^x{1$  =>  36
        old   x{1  =>  36
        old   {  =>  35-38 64
        old   }  =>  37 39 64
        old   ]  =>  7-8
        u     ^\]$  =>  8
        u     ^\{$  =>  38
        old   ^]$  =>  8
        error {2}  =>
        error a|{2}  =>
        u     ^\/$  =>  49
        u     ^/$  =>  49
        u     ^\^$  =>  55
        u     ^\$$  =>  56
        u     ^\.$  =>  62
        old   ^\-$  =>  14
        old   ^a\-b$  =>  51
        u     ^[a-b-c]$  =>  1-2 14
        u     ^[-a]$  =>  1 14
        u     ^[a-]$  =>  1 14
        error [b-a]  =>
        error [a  =>
        error (a  =>
        error a)  =>
        error \  =>
        error (?  =>
        error (?a)  =>
        error (?:a  =>
        error *a  =>
        error +a  =>
        error ?a  =>
        error (*a)  =>
        error |*  =>
        u     ()  =>  0-69
        u     ^()$  =>  0
        u     ^()*a$  =>  1
        u     ^(|a)b$  =>  2-3
        u     ^(a|)b$  =>  2-3
        u     ^(a*)*$  =>  0-1 4-6
        u     ^(a|ab)(c|bcd)?$  =>  1 3 9 59
        u     ^[^a]$  =>  2 8 10-11 13-32 38-50 52 55-56 62-63 67-69
        u     ^[^\n]$  =>  1-2 8 10-11 13-27 29-32 38-50 52 55-56 62-63 67-69
        u     ^\p{L}$  =>  1-2 10 40-42 67-69
        u     ^\P{L}$  =>  8 11 13-32 38-39 43-50 52 55-56 62-63
        u     ^\p{Lu}$  =>  10 68
        u     ^\p{Lowercase_Letter}$  =>  1-2 40-41 67 69
        u     ^\p{gc=Nd}$  =>  11 43
        u     ^\p{General_Category=Letter_Number}$  =>  44
        u     ^\p{LC}$  =>  1-2 10 40-41 67-69
        u     ^\p{N}$  =>  11 43-44
        u     ^\p{Any}$  =>  1-2 8 10-11 13-32 38-50 52 55-56 62-63 67-69
        u     ^\p{ASCII}$  =>  1-2 8 10-11 13-16 28-32 38-39 45-50 55-56 62 67
        u     ^[\p{Lu}\d_]$  =>  10-11 13 68
        u     ^[^\p{L}]$  =>  8 11 13-32 38-39 43-50 52 55-56 62-63
        u     ^[\x41-\x5a]$  =>  10
        u     ^[\0-\x1f]$  =>  16 28-32 45-47
        u     ^[\t-\r]$  =>  16 28-31
        u     ^\v$  =>  30
        u     ^\f$  =>  31
        u     ^\t$  =>  16
        u     ^\r$  =>  29
        u     ^\n$  =>  28
        u     ^a{0}$  =>  0
        u     ^a{0,0}b$  =>  2
        error ^a{3,2}  =>
        u     ^[a-c]{2,3}$  =>  3-5 9 57-61
        u     ^\S+\s\S+$  =>  33 66
        old   ^a{1,2}{a}$  =>
        u     ^[[]$  =>  50
        u     ^[\]]$  =>  8
        u     ^[]$  =>
        u     []  =>
        u     ^a[]?$  =>  1
        u     ^\u{61}$  =>  1
        old   \u{110000}  =>
        old   \u{}  =>
        u     \ud83d  =>
        old   \x4  =>
        old   \p{Klingon}  =>
        old   \p  =>
        old   \c  =>
        old   \a  =>  1 3-7 9 33-34 37 51 54 57-59 61 64-66
        old   \z  =>
        old   \1  =>  46
        old   \8  =>
        old   \07  =>
        old   [\1]  =>  46
        old   \k  =>  67
        u     ^k$  =>  67
        old   ^\_$  =>  13
        u     ^(?:\ud83d\ude00)+$  =>  52-53
        u     ^\u{1F600}\u{1f600}$  =>  53
        """;

    // What RegExp reads, and is refused here by name: no regular language, or a meaning that other dialects do not
    // share.
    private static readonly string[] Refused =
    [
        @"\bcat\b", "(?=a)b", "(?!a)b", "(?<=a)b", "(?<!a)b", @"(a)\1", @"(?<n>a)\k<n>", @"[\d-z]", @"\u{110000}",
            @"\u{}", @"\ud83d", @"\x4",
        @"\p{Klingon}", @"\p", @"\c", @"\a", @"\z", @"\1", @"\8", @"\07", @"[\1]", @"\k",
    ];

    public static IEnumerable<TheoryDataRow<string, string, string>> Rows => Table.Split('\n').Select(line =>
    {
        int at = line.IndexOf("  =>", StringComparison.Ordinal);
        return new TheoryDataRow<string, string, string>(line[6..at], line[..5].Trim(), line[(at + 4)..].Trim());
    });

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_pattern_is_found_where_node_finds_it_or_refused_by_name(string pattern, string mode, string found)
    {
        if (mode == "error" || Refused.Contains(pattern))
        {
            AtelierException error = Should.Throw<AtelierException>(() => RegexParser.Parse(pattern, whole: false));
            error.Where.ShouldBe($"pattern '{pattern}'");
            error.Hint.ShouldNotBeNullOrEmpty();
            return;
        }
        var expected = new HashSet<int>(found.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(range => range.Split('-') is [var first, var last]
            ? Enumerable.Range(Number(first), Number(last) - Number(first) + 1)
            : [Number(range)]));
        var grammar = new Grammar([RegexParser.Parse(pattern, whole: false)]);
        for (int i = 0; i < Texts.Length; i++)
            Constrained.Accepts(grammar, Texts[i]).ShouldBe(expected.Contains(i), $"'{pattern}' in '{Texts[i]}'");
    }

    /// <summary>A hint is followed, and what comes of it is what the pattern meant where it has a meaning.</summary>
    [Theory]
    [InlineData(@"\Aab\z", "write ^", "^ab\\z", "")]
    [InlineData(@"^ab\z", "write $", "^ab$", "ab")]
    [InlineData("a{2}{3}", "write (?:a{2}){3}", "(?:a{2}){3}", "aaaaaa")]
    [InlineData("a+*", "write (?:a+)*", "(?:a+)*", "aa")]
    [InlineData("(?P<n>a)", "write (?<name>", "(?<n>a)", "a")]
    [InlineData("a(?#note)b", "leave it out", "ab", "ab")]
    [InlineData("(?=a)ab", "as alternatives", "ab", "ab")]
    [InlineData(@"([ab])\1", "(?:aa|bb) for ([ab])\\1", "(?:aa|bb)", "bb")]
    [InlineData(@"[a-z-[aeiou]]", "the characters that are left", "[b-df-hj-np-tv-z]", "x")]
    [InlineData(@"[+-[]", "write \\[", @"[+-\[]", "[")]
    [InlineData(@"[\d-x]", "write \\-", @"[\d\-x]", "-")]
    [InlineData(@"\p{L}\-", "write - without", @"\p{L}-", "é-")]
    [InlineData(@"\p{L}]", "write \\]", @"\p{L}\]", "é]")]
    [InlineData(@"[\1]", "\\x and two", @"[\x01]", "\u0001")]
    [InlineData(@"\c", "write \\\\c", @"\\c", "\\c")]
    [InlineData(@"\ud83d", "the whole character", @"\ud83d\ude00", "\ud83d\ude00")]
    [InlineData(@"\h", "[\\t\\p{Zs}]", @"[\t\p{Zs}]", "\u3000")]
    [InlineData("a)", "write \\)", @"a\)", "a)")]
    [InlineData("*a", "write \\*", @"\*a", "*a")]
    [InlineData("^*a", "write \\*", @"^\*a", "*a")]
    public void Hints_are_true_and_keep_the_meaning(string pattern, string says, string followed, string text)
    {
        Should.Throw<AtelierException>(() => RegexParser.Parse(pattern, whole: true)).Hint!.ShouldContain(says);
        if (text.Length > 0)
            Constrained.Accepts(new Grammar([RegexParser.Parse(followed, whole: true)]), text).ShouldBeTrue();
    }

    [Fact]
    public void Anchors_may_stand_anywhere_and_hold_where_dot_nets_do()
    {
        string[] texts = [.. Enumerable.Range(0, 5).SelectMany(length => Enumerable.Range(0, 1 << length)
            .Select(n => string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + (n >> i & 1))))))];
        Gen.Select(RandomPattern(3), Gen.Bool).Sample((pattern, whole) =>
        {
            var reference = new Regex(whole ? $@"\A(?:{pattern})\z" : pattern, RegexOptions.NonBacktracking,
                TimeSpan.FromSeconds(5));
            var grammar = new Grammar([RegexParser.Parse(pattern, whole)]);
            foreach (string text in texts)
                Constrained.Accepts(grammar, text)
                    .ShouldBe(reference.IsMatch(text), $"'{pattern}' on '{text}', whole: {whole}");
        }, iter: 300);
    }

    [Fact]
    public void Anchors_in_deep_groups_take_no_longer_than_shallow_ones() =>
        Constrained.Accepts(new Grammar([RegexParser.Parse(new string('(', 200) + "^a|b$"
            + string.Concat(Enumerable.Repeat(")*", 200)), whole: false)]), "ab").ShouldBeTrue();

    [Fact]
    public void White_space_is_the_standard_s_and_nothing_else()
    {
        // ECMA-262, sections 12.2 and 12.3.
        int[] spaces = [9, 10, 11, 12, 13, 32, 0xA0, 0x1680, .. Enumerable.Range(0x2000, 11), 0x2028, 0x2029, 0x202F,
            0x205F, 0x3000, 0xFEFF];
        var space = new LazyAutomaton(ByteNetwork.Build(new Grammar([RegexParser.Parse(@"\s", whole: true)]), null));
        var other = new LazyAutomaton(ByteNetwork.Build(new Grammar([RegexParser.Parse(@"\S", whole: true)]), null));
        for (int character = 0; character <= 0xFFFF; character++)
        {
            if (character is >= 0xD800 and <= 0xDFFF)
                continue;
            Constrained.Accepts(space, ((char)character).ToString()).ShouldBe(spaces.Contains(character));
            Constrained.Accepts(other, ((char)character).ToString()).ShouldBe(!spaces.Contains(character));
        }
    }

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static Gen<string> RandomPattern(int depth)
    {
        Gen<string> leaf = Gen.OneOf([.. ((string[])["a", "b", "^", "$", ".", "[^a]", ""]).Select(Gen.Const)]);
        if (depth == 0)
            return leaf;
        Gen<string> inner = RandomPattern(depth - 1);
        return Gen.OneOf(
            leaf,
            Gen.Select(inner, inner, (x, y) => x + y),
            Gen.Select(inner, inner, (x, y) => $"({x}|{y})"),
            Gen.Select(inner, Gen.OneOf([.. ((string[])["*", "+", "?", "{2}", "{1,}", "{0,2}"]).Select(Gen.Const)]),
                (x, times) => $"({x}){times}"));
    }
}
