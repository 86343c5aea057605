using Atelier.Data.Text;
using Atelier.Recipes;
using Atelier.Tokenizers;
using CsCheck;

namespace Atelier.Tests.Data.Text;

public sealed class MaskedBatchesTests
{
    private static readonly string[] Sentences = [.. Enumerable.Range(0, 60).Select(i =>
        string.Join(' ', Enumerable.Range(0, 4 + (i % 9)).Select(j => "a bc def ghij klmno 好的".Split(' ')[(i * (j + 5)
            + (j / 2)) % 6])))];

    [Theory]
    [InlineData(MaskingUnit.Token)]
    [InlineData(MaskingUnit.WholeWord)]
    [InlineData(MaskingUnit.Span)]
    public void Fifteen_percent_are_predicted_of_which_four_fifths_are_masked_and_a_tenth_replaced(MaskingUnit unit)
    {
        CharacterTokenizer tokenizer = Tokenizer();
        int mask = tokenizer.VocabularySize;
        var masker = new TokenMasker(tokenizer, mask, unit, 0.15);
        long[] text = Tokens(tokenizer, string.Join(' ', Sentences)).Take(400).ToArray();
        var random = new SplitMix64(7);
        long chosen = 0, masked = 0, kept = 0, all = 0;
        for (int row = 0; row < 1500; row++)
        {
            long[] tokens = [.. text], targets = new long[text.Length];
            masker.Apply(tokens, targets, ref random);
            for (int t = 0; t < text.Length; t++)
            {
                if (targets[t] == TextBatch.NotCounted)
                {
                    tokens[t].ShouldBe(text[t]);
                    continue;
                }
                targets[t].ShouldBe(text[t]);
                chosen++;
                masked += tokens[t] == mask ? 1 : 0;
                kept += tokens[t] == text[t] ? 1 : 0;
            }
            all += text.Length;
        }
        // words and spans stop before the share would be exceeded
        (chosen / (double)all).ShouldBe(0.15, unit == MaskingUnit.Token ? 0.0005 : 0.006);
        double tolerance = unit == MaskingUnit.Span ? 0.02 : 0.01; // a span has one fate
        (masked / (double)chosen).ShouldBe(0.8, tolerance);
        // a replacement, which is no special token, may be the token itself
        (kept / (double)chosen).ShouldBe(0.1 + (0.1 / (tokenizer.VocabularySize - 1)), tolerance);
    }

    [Fact]
    public void All_tokens_of_a_word_are_predicted_together_and_special_tokens_never()
    {
        CharacterTokenizer tokenizer = Tokenizer();
        var masker = new TokenMasker(tokenizer, tokenizer.VocabularySize, MaskingUnit.WholeWord, 0.3);
        int end = tokenizer.EndOfTextId!.Value;
        Gen.Select(Gen.Int[0, 59].Array[1, 5], Gen.ULong).Sample((numbers, seed) =>
        {
            long[] text = [.. numbers.SelectMany(i => (IEnumerable<long>)[.. Tokens(tokenizer, Sentences[i]), end])];
            long[] targets = new long[text.Length];
            var random = new SplitMix64(seed);
            masker.Apply([.. text], targets, ref random);
            int counted = targets.Count(target => target >= 0);
            bool isWhole = true;
            for (int t = 1; t < text.Length; t++)
            {
                bool joins = IsLatin(text[t]) && IsLatin(text[t - 1]);
                isWhole &= !joins || (targets[t] >= 0) == (targets[t - 1] >= 0);
            }
            return isWhole && counted > 0 && targets.Zip(text).All(pair => pair.Second != end || pair.First < 0);
        });

        bool IsLatin(long id) => id != end && tokenizer.Name((int)id) is [>= 'a' and <= 'z'];
    }

    [Fact]
    public void Words_are_runs_of_letters_and_single_ideographs()
    {
        CharacterTokenizer tokenizer = CharacterTokenizer.Train(["It's 42 好的."], byteFallback: true);
        string[] Units(MaskingUnit unit, string text)
        {
            long[] ids = [.. Tokens(tokenizer, text)];
            return [.. new TokenMasker(tokenizer, 999, unit, 0.15).Units(ids)
                .Select(range => tokenizer.Decode([.. ids[range].Select(id => (int)id)]))];
        }
        Units(MaskingUnit.WholeWord, "It's 42 好的.").ShouldBe(["It", "'", "s", " ", "42", " ", "好", "的", "."]);
        Units(MaskingUnit.Token, "It's").ShouldBe(["I", "t", "'", "s"]);
    }

    [Fact]
    public void Spans_have_the_published_mean_length()
    {
        var random = new SplitMix64(3);
        int[] lengths = [.. Enumerable.Range(0, 100_000).Select(_ => TokenMasker.SpanLength(ref random))];
        lengths.Average().ShouldBe(3.797, 0.03); // Joshi et al. 2020, section 3.1: 3.8
        lengths.Min().ShouldBe(1);
        lengths.Max().ShouldBe(10);
        (lengths.Count(length => length == 2) / (double)lengths.Count(length => length == 1)).ShouldBe(0.8, 0.02);
    }

    [Fact]
    public void A_batch_depends_on_seed_and_number_and_masks_differ_whenever_a_text_is_seen_again()
    {
        using var folder = new TemporaryFolder();
        using TextData data = Prepare(folder);
        var tokens = new MaskedTokens(data.Tokenizer.VocabularySize) { BeginId = 0, EndId = 0 };
        MaskedBatches Batches(bool shuffled, long seed = 1) => new(data.Train,
            new TokenMasker(data.Tokenizer, tokens.MaskId!.Value, MaskingUnit.Token, 0.15), tokens, 4, 16, seed,
            shuffled);
        MaskedBatches training = Batches(shuffled: true), validation = Batches(shuffled: false);
        Values(training.Get(3)).ShouldBe(Values(Batches(shuffled: true).Get(3)));
        Values(training.Get(3)).ShouldNotBe(Values(training.Get(4)));
        Values(training.Get(3)).ShouldNotBe(Values(Batches(shuffled: true, seed: 2).Get(3)));
        Values(validation.Get(1)).ShouldBe(Values(validation.Get(1 + validation.BatchesPerEpoch)));
    }

    [Fact]
    public void Unshuffled_rows_show_each_token_once_between_special_tokens()
    {
        using var folder = new TemporaryFolder();
        using TextData data = Prepare(folder);
        // all tokens are predicted, so that the targets are the text
        var tokens = new MaskedTokens(data.Tokenizer.VocabularySize) { BeginId = 0, EndId = 0 };
        var masker = new TokenMasker(data.Tokenizer, tokens.MaskId!.Value, MaskingUnit.Token, 1);
        var batches = new MaskedBatches(data.Train, masker, tokens, 4, 16, seed: 1, shuffled: false);
        var seen = new List<long>();
        for (long number = 0; number < batches.BatchesPerEpoch; number++)
        {
            using TextBatch batch = batches.Get(number);
            batch.Inputs.shape[1].ShouldBe(16);
            long[] inputs = batch.Inputs.data<long>().ToArray(), targets = batch.Targets.data<long>().ToArray();
            for (int at = 0; at < inputs.Length; at++)
            {
                if (at % 16 is 0 or 15)
                    (inputs[at], targets[at]).ShouldBe((0, TextBatch.NotCounted));
                else if (targets[at] >= 0)
                    seen.Add(targets[at]);
            }
        }
        int[] all = new int[data.Train.Count];
        data.Train.Read(0, all);
        seen.ShouldBe(all.Where(id => id != data.Train.EndOfTextId).Select(id => (long)id));
    }

    private static (string Inputs, string Targets) Values(TextBatch batch)
    {
        using (batch)
            return (string.Join(' ', batch.Inputs.data<long>().ToArray()),
                string.Join(' ', batch.Targets.data<long>().ToArray()));
    }

    private static CharacterTokenizer Tokenizer() => CharacterTokenizer.Train(Sentences, byteFallback: false);

    private static IEnumerable<long> Tokens(Tokenizer tokenizer, string text) =>
        tokenizer.Encode(text).Select(id => (long)id);

    private static TextData Prepare(TemporaryFolder folder) => TextData.Prepare(new DataSection
    {
        Source = folder.Write("lines.txt", string.Join('\n', Sentences)),
        Document = DocumentUnit.Line,
        Split = new() { Train = 0.8, Validation = 0.2, Test = 0 },
        Tokenizer = new() { ByteFallback = false },
    }, 1, folder["data"]);
}
