using System.Text;
using System.Text.RegularExpressions;
using Atelier.Tokenizers;
using Atelier.Tokenizers.Patterns;

namespace Atelier.Runtime.Tests.Tokenizers;

/// <summary>
/// Regular expressions of tokenizers: beside .NET's where both have the same meaning, and their bounds.
/// </summary>
public sealed class TextPatternTests
{
    [Theory]
    [InlineData("a|ab")]
    [InlineData("(?:ab|a)(?:c|bcd)?")]
    [InlineData("[a-c]+?b")]
    [InlineData("a{2,3}|b{2}")]
    [InlineData("(?=ab)a|(?!a)[ab]b")]
    [InlineData("(?<=a)b|(?<!a)c")]
    [InlineData(@"\s+(?!\S)|\s+")]
    [InlineData("(?>a+)b|a")]
    [InlineData("(?i:AB)|c")]
    [InlineData("[^ab]|(?:)")]
    [InlineData(@"\bab|c\b")]
    [InlineData("(a|b)+c")]
    [InlineData("a*")]
    public void Matches_are_those_of_NETs_expressions(string pattern)
    {
        TextPattern own = TextPattern.Read(pattern);
        var other = new Regex(pattern, RegexOptions.CultureInvariant);
        var random = new Random(1);
        for (int i = 0; i < 500; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(12))
                .Select(_ => "aabbcABC d\n"[random.Next(11)]));
            // .NET lets an empty match follow another match immediately.
            (int, int)[] expected = [.. other.Matches(text).Select(match => (match.Index, match.Index + match.Length))];
            own.Matches(text).ShouldBe(expected.Where((match, at) =>
                match.Item1 != match.Item2 || at == 0 || expected[at - 1].Item2 != match.Item1),
                $"{pattern} in '{text}'");
        }
    }

    [Theory]
    [InlineData("(?:a+)+b")]
    [InlineData("(?:a|a)*b")]
    [InlineData("(?=(?:a*a)*b)a")]
    [InlineData("(?:a{1,50}){1,50}b")]
    public void An_expression_that_explodes_is_stopped_with_one_clear_line(string pattern)
    {
        // Without a bound this would not end: the ways to divide 3000 letters are 2 to the power of 2999.
        TextPattern own = TextPattern.Read(pattern);
        Should.Throw<AtelierException>(() => own.Matches(new string('a', 3000))).ToLine()
            .ShouldContain("takes too long");
    }

    [Fact]
    public void Ten_thousand_spoiled_expressions_give_one_clear_line_or_matches()
    {
        const string good = @"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?[\p{Lu}&&[^a-z]]+|\p{N}{1,3}|(?<=\s)[[:alpha:]]++|"
            + @"\s+(?!\S)|\x{1F600}";
        const string parts = "()[]{}?*+|\\^$.&:-<>=!,pPdDwWsSbBAzZhx09aé😀\n";
        var random = new Random(1);
        int refused = 0;
        for (int i = 0; i < 10_000; i++)
        {
            var bad = new StringBuilder(good);
            for (int changes = random.Next(1, 6); changes > 0; changes--)
            {
                int at = random.Next(bad.Length);
                if (random.Next(3) == 0)
                    bad.Remove(at, 1);
                else if (random.Next(2) == 0)
                    bad.Insert(at, parts[random.Next(parts.Length)]);
                else
                    bad[at] = parts[random.Next(parts.Length)];
            }
            try
            {
                _ = TextPattern.Read(bad.ToString()).Matches("It's 1234  ÉCOLE \n😀x");
            }
            catch (AtelierException e)
            {
                refused++;
                e.ToLine().ShouldNotBeEmpty();
            }
        }
        refused.ShouldBeGreaterThan(1000);
    }

    [Fact]
    public void Ten_thousand_spoiled_tokenizer_jsons_give_one_clear_line_or_a_tokenizer()
    {
        const string good = """
            {"added_tokens":[{"id":3,"content":"<x>","special":true,"lstrip":true}],
             "normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Replace","pattern":{"Regex":" +"},
             "content":" "}]},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":
             {"Regex":"\\w+|\\s"},"behavior":"Isolated","invert":false},{"type":"UnicodeScripts"}]},
             "post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}}],"pair":[],
             "special_tokens":{}},"decoder":{"type":"Sequence","decoders":[{"type":"Strip","content":" ","start":1,
             "stop":0},{"type":"Fuse"}]},"model":{"type":"BPE","unk_token":"a","fuse_unk":true,"byte_fallback":false,
             "vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}}
            """;
        string[] values =
            ["null", "-1", "1e9", "\"\"", "[]", "{}", "true", "\"Sequence\"", "99999999999", "[[]]", "0.5"];
        Match[] all = [.. Regex.Matches(good, """(?<=:)("[^"]*"|\d+|true|false)""").Cast<Match>()];
        string path = Path.GetTempFileName();
        var random = new Random(1);
        int refused = 0;
        try
        {
            for (int i = 0; i < 10_000; i++)
            {
                // A value of the file becomes another one, or a character of the file does.
                Match value = all[random.Next(all.Length)];
                string bad = i % 4 > 0
                    ? good.Remove(value.Index, value.Length).Insert(value.Index, values[random.Next(values.Length)])
                    : good.Remove(random.Next(good.Length), 1);
                File.WriteAllText(path, bad);
                try
                {
                    Tokenizer tokenizer = TokenizerFile.Load(path);
                    _ = tokenizer.DecodeText(tokenizer.Encode("ab <x> b"));
                }
                catch (AtelierException e)
                {
                    refused++;
                    e.ToLine().ShouldNotContain('\n');
                }
            }
        }
        finally
        {
            File.Delete(path);
        }
        refused.ShouldBeGreaterThan(5000);
    }
}
