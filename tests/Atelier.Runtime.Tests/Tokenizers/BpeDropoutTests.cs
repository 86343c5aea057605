using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Tokenizers;

public sealed class BpeDropoutTests
{
    private const int Draws = 20_000;

    private static readonly (string Left, string Right)[] Merges =
        [("a", "b"), ("b", "c"), ("c", "d"), ("ab", "cd"), ("a", "bc"), ("abcd", "a")];

    private static BpeTokenizer Create()
    {
        string[] alphabet = [.. Enumerable.Range(0, 256).Select(value => TokenTable.ByteLevelName([(byte)value]))];
        return new([.. alphabet, .. Merges.Select(merge => merge.Left + merge.Right), TokenTable.EndOfText], Merges);
    }

    private static string[] Segment(BpeTokenizer tokenizer, string text, double dropout, ref SplitMix64 random)
    {
        List<int> ids = [];
        tokenizer.Encode(text, dropout, ref random, ids);
        return [.. ids.Select(tokenizer.Name)];
    }

    /// <summary>
    /// The probability of each segmentation by algorithm 1 of Provilkov et al. (2020): before each merge, every
    /// possible merge is left out with the given probability, and the first of the others is applied.
    /// </summary>
    private static void Expect(string[] symbols, double dropout, double share, Dictionary<string, double> result)
    {
        int[] possible = [.. Enumerable.Range(0, symbols.Length - 1)
            .Where(i => Rank(symbols, i) >= 0).OrderBy(i => Rank(symbols, i)).ThenBy(i => i)];
        double left = share;
        foreach (int at in possible)
        {
            Expect([.. symbols[..at], symbols[at] + symbols[at + 1], .. symbols[(at + 2)..]], dropout,
                left * (1 - dropout), result);
            left *= dropout;
        }
        string key = string.Join(' ', symbols);
        result[key] = result.GetValueOrDefault(key) + left;
    }

    private static int Rank(string[] symbols, int at) => Array.IndexOf(Merges, (symbols[at], symbols[at + 1]));

    [Theory]
    [InlineData("abcd", 0.3)]
    [InlineData("abcdabc", 0.1)]
    [InlineData("bcabcda", 0.5)]
    public void Segmentations_have_the_probabilities_of_the_published_algorithm(string word, double dropout)
    {
        var expected = new Dictionary<string, double>();
        Expect([.. word.Select(c => c.ToString())], dropout, 1, expected);
        expected.Values.Sum().ShouldBe(1, 1e-12);
        BpeTokenizer tokenizer = Create();
        var random = new SplitMix64(1);
        var counts = new Dictionary<string, int>();
        for (int i = 0; i < Draws; i++)
        {
            string key = string.Join(' ', Segment(tokenizer, word, dropout, ref random));
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }
        counts.Keys.ShouldBeSubsetOf(expected.Keys);
        foreach ((string key, double probability) in expected)
        {
            double deviation = Math.Sqrt(Draws * probability * (1 - probability));
            ((double)counts.GetValueOrDefault(key)).ShouldBe(Draws * probability, 4.5 * deviation + 1, key);
        }
    }

    [Fact]
    public void Without_dropout_text_is_encoded_as_usual_and_with_all_merges_left_out_as_bytes()
    {
        BpeTokenizer tokenizer = BpeTokenizer.Train(["the cat sat on the mat, the cats sat on mats"], 290);
        const string Text = "the cat on the mats 在垫子上";
        var random = new SplitMix64(1);
        List<int> plain = [], whole = [], bytes = [];
        tokenizer.Encode(Text, plain);
        tokenizer.Encode(Text, 0, ref random, whole);
        whole.ShouldBe(plain);
        tokenizer.Encode(Text, 1, ref random, bytes);
        bytes.Count.ShouldBe(System.Text.Encoding.UTF8.GetByteCount(Text));
        Should.Throw<ArgumentOutOfRangeException>(() => tokenizer.Encode(Text, 1.5, ref random, bytes));
    }

    [Fact]
    public void Every_segmentation_decodes_to_the_text_and_depends_on_the_seed_alone()
    {
        BpeTokenizer tokenizer = BpeTokenizer.Train(["the cat sat on the mat, the cats sat on mats"], 290);
        const string Text = "the cats sat on the mat, 在垫子上";
        List<int>[] drawn = [.. Enumerable.Range(0, 20).Select(i =>
        {
            var random = new SplitMix64((ulong)(i / 2));
            List<int> ids = [];
            tokenizer.Encode(Text, 0.4, ref random, ids);
            return ids;
        })];
        foreach (List<int> ids in drawn)
            tokenizer.Decode([.. ids]).ShouldBe(Text);
        drawn[0].ShouldBe(drawn[1]);
        drawn.Select(ids => string.Join(' ', ids)).Distinct().Count().ShouldBeGreaterThan(5);
    }
}
