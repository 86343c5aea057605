using System.Text.Json.Nodes;
using Atelier.TestSupport;
using Atelier.Tokenizers;
using CsCheck;

namespace Atelier.Runtime.Tests.Tokenizers;

public sealed class UnigramTests : IDisposable
{
    private static readonly string[] Texts =
    [
        "the cat sat on the mat", "the cats sat on the hats and the mats", "a hat for the cat", "that is the cat's hat",
        "从前有一只狐狸,狐狸住在山里。", "从前有一只猫,猫住在山里。",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    private string TokenizerPath => Path.Combine(_folder, "tokenizer.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_best_segmentation_and_expectations_are_those_of_all_segmentations()
    {
        string[] pieces = ["a", "b", "🦊", "ab", "ba", "aa", "bab", "aba", "b🦊a", "abab"];
        Gen.Select(Gen.Double[-5, 0].Array[pieces.Length], Gen.Int[0, 2].Array[1, 8])
            .Sample((scores, letters) =>
            {
                string text = string.Concat(letters.Select(letter => pieces[letter]));
                var lattice = new UnigramLattice(new PieceTrie(pieces.Select((piece, id) => (piece, id))), scores, -20);
                List<int[]> all = [.. Segmentations(text, pieces)];
                double[] values = [.. all.Select(ids => ids.Sum(id => scores[id]))];
                lattice.Best(text).Sum(piece => scores[piece.Id]).ShouldBe(values.Max(), 1e-12);
                int longest = Array.FindLastIndex(pieces, piece => text.StartsWith(piece, StringComparison.Ordinal));
                List<LatticePiece> without = lattice.Best(text, longest);
                without.ShouldAllBe(piece => piece.Id != longest);

                double total = values.Sum(Math.Exp);
                var expected = new double[pieces.Length];
                lattice.Expect(text, 2, expected).ShouldBe(Math.Log(total), 1e-9);
                for (int id = 0; id < pieces.Length; id++)
                {
                    double mean = all.Zip(values).Sum(pair =>
                        pair.First.Count(other => other == id) * Math.Exp(pair.Second)) / total;
                    expected[id].ShouldBe(2 * mean, 1e-9);
                }
            }, iter: 200);
    }

    [Fact]
    public void Every_round_of_expectation_maximisation_increases_the_posterior()
    {
        string[] words = [.. Texts.SelectMany(text => text.Split(' ')).Select(word => "▁" + word).Distinct().Order()];
        long[] counts = [.. words.Select((_, i) => 1L + (i * 7) % 5)];
        string[] alphabet = [.. words.SelectMany(word => word.Select(c => c.ToString())).Distinct().Order()];
        List<(string Text, long Count)> seeds = UnigramSeeds.Find(words, counts, alphabet, 1000, 1, default);
        var trainer = new UnigramTrainer(words, counts, alphabet, seeds, 1, default);
        double[] posteriors = [.. Enumerable.Range(0, 20).Select(_ => trainer.Improve())];
        for (int round = 1; round < posteriors.Length; round++)
            posteriors[round].ShouldBeGreaterThan(posteriors[round - 1] - 1e-9);
        posteriors[^1].ShouldBeGreaterThan(posteriors[0] + 10);
        trainer.Pieces.Sum(piece => Math.Exp(piece.Score)).ShouldBe(1, 1e-9);
        int before = trainer.Pieces.Count;
        trainer.Remove(alphabet.Length + 5);
        trainer.Pieces.Count.ShouldBeLessThan(before);
        trainer.Pieces.Select(piece => piece.Text).Intersect(alphabet).Count().ShouldBe(alphabet.Length);
    }

    [Fact]
    public void Seeds_are_the_repeated_substrings_that_occur_outside_longer_ones()
    {
        string[] words = ["abcab", "abcx", "abd", "abcdefghijklmnopqrst", "abcdefghijklmnopqrst"];
        long[] counts = [1, 2, 1, 1, 1];
        string[] alphabet = [.. words.SelectMany(word => word.Select(c => c.ToString())).Distinct().Order()];
        var plain = new Dictionary<string, long>();
        for (int word = 0; word < words.Length; word++)
        {
            for (int at = 0; at < words[word].Length; at++)
            {
                for (int length = 2; length <= 16 && at + length <= words[word].Length; length++)
                {
                    string part = words[word].Substring(at, length);
                    plain[part] = plain.GetValueOrDefault(part) + counts[word];
                }
            }
        }
        IEnumerable<(string, long)> expected = plain.Where(part => part.Value >= 2 && !plain.Any(other =>
            other.Value == part.Value && other.Key.Length == part.Key.Length + 1
            && (other.Key.StartsWith(part.Key, StringComparison.Ordinal)
                || other.Key.EndsWith(part.Key, StringComparison.Ordinal)))).Select(part => (part.Key, part.Value));
        UnigramSeeds.Find(words, counts, alphabet, 1000, 2, default).ShouldBe(expected, ignoreOrder: true);
    }

    [Fact]
    public void A_trained_tokenizer_round_trips_what_it_knows_and_is_saved_as_it_is()
    {
        UnigramTokenizer tokenizer = UnigramTokenizer.Train(Texts, 45, sentinels: 3);
        tokenizer.Special.ShouldBe(new SpecialTokens(0, 2, null, 1, null, tokenizer.Special.Sentinels));
        tokenizer.Special.Sentinels.Select(tokenizer.Name).ShouldBe(["<extra_id_0>", "<extra_id_1>", "<extra_id_2>"]);
        tokenizer.VocabularySize.ShouldBe(45);
        tokenizer.Encode("the cat").Length.ShouldBeLessThan(6);
        tokenizer.Encode("the ЖЖ cat").Count(id => id == 2).ShouldBe(1);
        tokenizer.Save(TokenizerPath);
        Tokenizer loaded = TokenizerFile.Load(TokenizerPath);
        loaded.Kind.ShouldBe("unigram");
        loaded.VocabularySize.ShouldBe(45);
        string letters = string.Concat(Texts);
        Gen.Int[0, letters.Length - 1].Array[1, 30]
            .Select(at => string.Concat(at.Select(i => letters[i])).TrimStart(' '))
            .Sample(text => tokenizer.Decode(tokenizer.Encode(text)) == text
                && loaded.EncodeWithSpecials(text).Ids.SequenceEqual([.. tokenizer.Encode(text), 1]), iter: 500);
        EncodedText masked = loaded.EncodeWithSpecials("the <extra_id_0> sat <extra_id_1>", readsSpecials: true);
        masked.Ids.Where(id => id >= 42 || id == 1).ShouldBe([44, 43, 1]);
        loaded.Encode("<extra_id_0>").ShouldAllBe(id => id < 42);
    }

    [Fact]
    public void Training_does_not_depend_on_threads_and_refuses_too_small_a_vocabulary()
    {
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => Texts[i % Texts.Length] + i)];
        string one = Path.Combine(_folder, "1.json"), four = Path.Combine(_folder, "4.json");
        UnigramTokenizer.Train(texts, 120, 0, 1, default).Save(one);
        UnigramTokenizer.Train(texts, 120, 0, 4, default).Save(four);
        File.ReadAllText(four).ShouldBe(File.ReadAllText(one));
        Should.Throw<AtelierException>(() => UnigramTokenizer.Train(Texts, 10)).Message.ShouldContain("has room for 7");
    }

    [Fact]
    public void Training_finds_the_words_of_which_text_is_made()
    {
        // A text without spaces, of five words in random order: the best pieces are the words.
        string[] words = ["katse", "lomi", "pura", "ven", "dotri"];
        var random = new Random(5);
        string[] texts = [.. Enumerable.Range(0, 400).Select(_ =>
            string.Concat(Enumerable.Range(0, 12).Select(_ => words[random.Next(5)])))];
        UnigramTokenizer tokenizer = UnigramTokenizer.Train(texts, 3 + 16 + 5);
        tokenizer.Encode("lomivenkatsepura").Select(tokenizer.Name).Where(name => name != "▁")
            .ShouldBe(["lomi", "ven", "katse", "pura"]);
    }

    [Theory]
    [InlineData("hé", new int[] { 3, 4, 6 + 0xC3, 6 + 0xA9 })]
    [InlineData("<0x41>", new int[] { 3, 6 + '<', 6 + '0', 6 + 'x', 6 + '4', 6 + '1', 6 + '>' })]
    [InlineData("hh 🦊", new int[] { 3, 5, 3, 6 + 0xF0, 6 + 0x9F, 6 + 0xA6, 6 + 0x8A })]
    public void With_a_byte_fallback_unknown_characters_are_bytes(string text, int[] ids)
    {
        Write([("<pad>", 0), ("</s>", 0), ("<unk>", 0), ("▁", -2), ("h", -3), ("hh", -4),
            .. Enumerable.Range(0, 256).Select(value => (TokenTable.FallbackName(value), 0.0))], true);
        Tokenizer tokenizer = TokenizerFile.Load(TokenizerPath);
        tokenizer.Encode(text).ShouldBe(ids);
        tokenizer.Decode(ids).ShouldBe(text);
    }

    [Theory]
    [InlineData("model.unk_id", "9", "'model.unk_id' is 9")]
    [InlineData("model.surprise", "1", "model.surprise")]
    [InlineData("model.vocab", """[["<unk>", 0], ["a", -1], ["a", -2]]""", "token 2 'a'")]
    [InlineData("model.vocab", """[["<unk>", 0], ["", -1]]""", "token 1 ''")]
    [InlineData("normalizer", """{"type":"Precompiled","precompiled_charsmap":"AAAA"}""", "is damaged")]
    [InlineData("normalizer", """{"type":"Precompiled","precompiled_charsmap":"/////w=="}""", "is damaged")]
    public void What_is_not_read_is_refused_by_name(string key, string value, string named)
    {
        Write([("<unk>", 0), ("a", -1), ("▁", -2)], false, unknown: 0);
        JsonEdits.Set(TokenizerPath, key, value);
        AtelierException error = Should.Throw<AtelierException>(() => TokenizerFile.Load(TokenizerPath));
        error.ToLine().ShouldContain(named);
        error.Where.ShouldBe(TokenizerPath);
    }

    private void Write((string Name, double Score)[] pieces, bool fallsBack, int unknown = 2)
    {
        var root = new JsonObject
        {
            ["added_tokens"] = new JsonArray([.. pieces.Take(unknown + 1).Select((piece, id) => new JsonObject
            {
                ["id"] = id, ["content"] = piece.Name, ["special"] = true,
            })]),
            ["pre_tokenizer"] = JsonNode.Parse("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}"""),
            ["decoder"] = JsonNode.Parse("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "Unigram", ["unk_id"] = unknown, ["byte_fallback"] = fallsBack,
                ["vocab"] = new JsonArray([.. pieces.Select(piece => new JsonArray(piece.Name, piece.Score))]),
            },
        };
        File.WriteAllText(TokenizerPath, root.ToJsonString());
    }

    private static IEnumerable<int[]> Segmentations(string text, string[] pieces) => text.Length == 0
        ? [[]]
        : pieces.SelectMany((piece, id) => !text.StartsWith(piece, StringComparison.Ordinal) ? []
            : Segmentations(text[piece.Length..], pieces).Select(rest => (int[])[id, .. rest]));
}
