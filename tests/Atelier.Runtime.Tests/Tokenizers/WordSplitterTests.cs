using System.Text.RegularExpressions;
using Atelier.Tokenizers;
using CsCheck;

namespace Atelier.Runtime.Tests.Tokenizers;

/// <summary>
/// Words by hand against the regular expressions that define them, over text without characters beyond U+FFFF.
/// </summary>
public sealed class WordSplitterTests
{
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    // What the rules tell apart, and how they meet: letters, digits, signs, spaces and line ends in short runs.
    private static readonly Gen<string> Texts =
        Gen.OneOf("a", "B", "é", "好", "1", "23", "٤", "'s", "'RE", "'", "!", "...", " ", "  ", "\t", "\n", "\r\n",
            "\n\n ", "_", "\u00A0", "'ll").Array[1, 12].Select(string.Concat);

    [Theory]
    [InlineData(WordSplit.Gpt2)]
    [InlineData(WordSplit.Llama3)]
    [InlineData(WordSplit.Qwen2)]
    public void Words_are_those_of_the_published_expression(WordSplit split)
    {
        var expression =
            new Regex(WordSplitter.Pattern(split) ?? Gpt2, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        Texts.Sample(text =>
        {
            var words = new List<string>();
            for (int at = 0, length; at < text.Length; at += length)
            {
                length = WordSplitter.First(text.AsSpan(at), split);
                words.Add(text.Substring(at, length));
            }
            words.ShouldBe(expression.Matches(text).Select(m => m.Value), text);
        }, iter: 5000, threads: 1);
    }

    [Fact]
    public void A_tokenizer_with_llama_3s_rules_is_saved_with_them()
    {
        string path = Path.GetTempFileName();
        try
        {
            BpeTokenizer trained = BpeTokenizer.Train(["12345", "12345"], 261);
            var tokenizer =
                new BpeTokenizer([.. Enumerable.Range(0, trained.VocabularySize).Select(trained.Name)], trained.Merges,
                new BpeRules { Split = WordSplit.Llama3, TakesWholeWords = true });
            tokenizer.Save(path);
            Tokenizer read = TokenizerFile.Load(path);
            const string text = "THE 12345'S\r\n\r\nthen";
            read.Encode(text).ShouldBe(tokenizer.Encode(text));
            trained.Encode("12345").Length.ShouldBe(1);
            read.Encode("12345").Length.ShouldBeGreaterThan(1); // 123 and 45 are words of their own
            File.WriteAllText(path, File.ReadAllText(path).Replace("{1,3}", "{1,7}", StringComparison.Ordinal));
            TokenizerFile.Load(path).Encode("12345").Length.ShouldBe(1); // as other rules say
        }
        finally
        {
            File.Delete(path);
        }
    }
}
