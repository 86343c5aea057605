using Atelier.Data.Pairs;
using Atelier.Data.Text;
using CsCheck;

namespace Atelier.Tests.Data.Pairs;

public sealed class SpanCorruptionTests : IDisposable
{
    private const int FirstSentinel = 5000, End = 0;
    private static readonly int[] Sentinels = [.. Enumerable.Range(FirstSentinel, 100)];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Given_a_text_when_spans_are_removed_then_source_and_target_restore_it() =>
        Gen.Select(Gen.Int[1, 700], Gen.Double[0.02, 0.8], Gen.Double[1, 9], Gen.ULong).Sample(
            (length, share, mean, seed) =>
            {
                int[] text = [.. Enumerable.Range(1, length)];
                var corruption = new SpanCorruption(Sentinels, share, mean);
                var random = new SplitMix64(seed);
                (int[] source, int[] target) = corruption.Apply(text, ref random);
                Restored(source, target).ShouldBe(text);
                (int removed, int spans) = corruption.Counts(length);
                target.Length.ShouldBe(removed + spans + 1);
                source.Length.ShouldBe(length - removed + spans);
                source.Where(IsSentinel).ShouldBe(Sentinels[..spans]);
                target.Where(IsSentinel).ShouldBe(Sentinels[..(spans + 1)]);
                target[^1].ShouldBe(Sentinels[spans]);
                // no span is empty, and none touches the next one
                source.Zip(source.Skip(1)).ShouldNotContain(pair => IsSentinel(pair.First) && IsSentinel(pair.Second));
                target.Zip(target.Skip(1)).ShouldNotContain(pair => IsSentinel(pair.First) && IsSentinel(pair.Second));
            }, iter: 500);

    [Theory]
    [InlineData(512, 77, 26)] // the published setting: 512 tokens lose 77 in 26 spans
    [InlineData(100, 15, 5)]
    [InlineData(2, 1, 1)]
    [InlineData(1, 1, 1)]
    public void Counts_of_removed_tokens_and_of_spans_are_those_of_the_published_code(
        int length, int removed, int spans) =>
        new SpanCorruption(Sentinels, 0.15, 3).Counts(length).ShouldBe((removed, spans));

    [Fact]
    public void Every_place_is_removed_about_equally_often_and_both_ends_too()
    {
        var corruption = new SpanCorruption(Sentinels, 0.3, 2);
        int[] text = [.. Enumerable.Range(0, 10)], counts = new int[10];
        for (ulong seed = 0; seed < 6000; seed++)
        {
            var random = new SplitMix64(seed);
            foreach (int token in corruption.Apply(text, ref random).Target.Where(id => !IsSentinel(id)))
                counts[token]++;
        }
        counts.Sum().ShouldBe(3 * 6000);
        counts.Min().ShouldBeGreaterThan(1100);
        counts.Max().ShouldBeLessThan(2500);
    }

    [Theory]
    [InlineData(4, 3)]
    [InlineData(64, 70)]
    [InlineData(512, 568)] // as in the published code
    public void The_longest_text_fills_the_context(int context, int expected)
    {
        var corruption = new SpanCorruption(Sentinels, 0.15, 3);
        int longest = corruption.LongestText(context);
        longest.ShouldBe(expected);
        var random = new SplitMix64(1);
        Longer(longest).ShouldBeLessThanOrEqualTo(context);
        Longer(longest + 1).ShouldBeGreaterThan(context);

        int Longer(int length)
        {
            (int[] source, int[] target) = corruption.Apply(new int[length], ref random);
            return Math.Max(source.Length, target.Length) + 1;
        }
    }

    [Fact]
    public void A_batch_is_a_function_of_the_seed_and_its_number_and_holds_parts_of_single_documents()
    {
        using TokenFile file = Documents(3, 90, 1, 40, 7);
        SpanBatches first = Batches(file, 7, shuffled: true), second = Batches(file, 7, shuffled: true);
        first.Get(0).Dispose();
        for (long number = 10; number < 30; number++)
        {
            int[][] texts = Texts(first, number);
            texts.ShouldBe(Texts(second, number));
            foreach (int[] text in texts)
            {
                text.ShouldBe(Enumerable.Range(text[0], text.Length));
                text.ShouldNotContain(End);
            }
        }
        Texts(second, 12).ShouldNotBe(Texts(first, 11));
        Texts(Batches(file, 8, shuffled: true), 11).ShouldNotBe(Texts(first, 11));
    }

    [Fact]
    public void Batches_that_are_not_shuffled_cover_all_documents_once_and_are_the_same_in_each_pass()
    {
        using TokenFile file = Documents(3, 90, 1, 40, 7);
        SpanBatches batches = Batches(file, 7, shuffled: false);
        int[] tokens = new int[file.Count];
        file.Read(0, tokens);
        int count = (int)batches.BatchesPerEpoch;
        int[][] all = [.. Enumerable.Range(0, count).SelectMany(number => Texts(batches, number))];
        all.SelectMany(text => text).ShouldBe(tokens.Where(id => id != End));
        Texts(batches, count).ShouldBe(Texts(batches, 0));
    }

    private static bool IsSentinel(int id) => id >= FirstSentinel;

    private static SpanBatches Batches(TokenFile file, long seed, bool shuffled) =>
        new(file, new SpanCorruption(Sentinels, 0.15, 3), new SequenceEnds(4998, 4999, 4997), batchSize: 4,
            contextLength: 24, seed, shuffled);

    /// <summary>The texts of a batch, put together from sources and targets.</summary>
    private static int[][] Texts(SpanBatches batches, long number)
    {
        using PairBatch batch = batches.Get(number);
        int rows = (int)batch.Source.shape[0], span = (int)batch.Source.shape[1], time = (int)batch.Targets.shape[1];
        Math.Max(span, time).ShouldBeLessThanOrEqualTo(24);
        long[] source = batch.Source.data<long>().ToArray(), inputs = batch.Inputs.data<long>().ToArray(),
            targets = batch.Targets.data<long>().ToArray();
        bool[] padding = batch.SourcePadding.data<bool>().ToArray();
        return [.. Enumerable.Range(0, rows).Select(row =>
        {
            int[] read = [.. Enumerable.Range(row * span, span).Where(i => !padding[i]).Select(i => (int)source[i])];
            int[] written = [.. targets.Skip(row * time).Take(time).Where(id => id >= 0).Select(id => (int)id)];
            (read[^1], written[^1], inputs[row * time]).ShouldBe((4999, 4999, 4998L));
            inputs.Skip((row * time) + 1).Take(written.Length - 1).ShouldBe(written[..^1].Select(id => (long)id));
            return Restored(read[..^1], written[..^1]);
        })];
    }

    /// <summary>Puts the spans of a target in the places of the sentinels of a source.</summary>
    private static int[] Restored(int[] source, int[] target)
    {
        var spans = new Dictionary<int, List<int>>();
        int last = 0;
        foreach (int id in target)
        {
            if (IsSentinel(id))
                spans.Add(last = id, []);
            else
                spans[last].Add(id);
        }
        return [.. source.SelectMany(id => IsSentinel(id) ? spans[id] : [id])];
    }

    /// <summary>Documents of the given lengths; every token is its position + 1, and 0 the end.</summary>
    private TokenFile Documents(params int[] lengths)
    {
        string path = _folder["some.tokens"];
        TokenFileWriter.Write(path, 10_000, End, writer =>
        {
            int position = 0;
            foreach (int length in lengths)
            {
                writer.Add([.. Enumerable.Range(position + 1, length)], length, length);
                writer.EndDocument();
                position += length + 1;
            }
        });
        return TokenFile.Open(path);
    }
}
