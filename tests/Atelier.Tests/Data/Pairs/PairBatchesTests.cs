using Atelier.Data.Pairs;
using Atelier.Data.Text;
using CsCheck;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Data.Pairs;

public sealed class PairBatchesTests : IDisposable
{
    private const int Start = 1, End = 2, Pad = 3, First = 10;

    private static readonly SequenceEnds Ends = new(Start, End, Pad);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// Pairs of the given lengths without special tokens; pair i consists of its index + 10 alone, on both sides.
    /// </summary>
    private PairFile Pairs(params (int Source, int Target)[] lengths)
    {
        string folder = _folder[$"{Guid.NewGuid():N}"];
        Directory.CreateDirectory(folder);
        PairFile.Write(folder, Part.Train, [.. lengths.Select((length, i) => new EncodedPair(new("s", "t"),
            [.. Enumerable.Repeat(First + i, length.Source)], [.. Enumerable.Repeat(First + i, length.Target)]))],
            100_000, 100_000);
        return PairFile.Open(folder, Part.Train, 100_000, 100_000);
    }

    private PairFile RandomPairs(int count, int longest, int seed)
    {
        var random = new Random(seed);
        return Pairs([.. Enumerable.Range(0, count).Select(_ =>
            (random.Next(1, longest + 1), random.Next(1, longest + 1)))]);
    }

    private static long[][] Rows(Tensor tensor) =>
        [.. tensor.data<long>().ToArray().Chunk((int)tensor.shape[1])];

    private static int[] Members(PairBatch batch) =>
        [.. Rows(batch.Source).Select(row => (int)row[0] - First)];

    [Fact]
    public void A_batch_holds_sources_targets_and_their_special_tokens()
    {
        using PairFile file = Pairs((2, 3), (4, 1));
        using PairBatch batch = new PairBatches(file, Ends, 100, 100, 1, shuffled: false).Get(0);
        int a = Members(batch)[0] == 0 ? 0 : 1, b = 1 - a; // the rows of the two pairs
        Rows(batch.Source)[a].ShouldBe([10, 10, End, Pad, Pad]);
        Rows(batch.Source)[b].ShouldBe([11, 11, 11, 11, End]);
        Rows(batch.Inputs)[a].ShouldBe([Start, 10, 10, 10]);
        Rows(batch.Inputs)[b].ShouldBe([Start, 11, Pad, Pad]);
        Rows(batch.Targets)[a].ShouldBe([10, 10, 10, End]);
        Rows(batch.Targets)[b].ShouldBe([11, End, TextBatch.NotCounted, TextBatch.NotCounted]);
        batch.SourcePadding.dtype.ShouldBe(ScalarType.Bool);
        batch.SourcePadding[a].data<bool>().ToArray().ShouldBe([false, false, false, true, true]);
        batch.SourcePadding[b].data<bool>().ToArray().ShouldBe([false, false, false, false, false]);
    }

    [Fact]
    public void Sources_have_their_own_special_tokens_or_none()
    {
        using PairFile file = Pairs((2, 2), (3, 3));
        using PairBatch own = new PairBatches(file, Ends with { SourceEndId = 7, SourcePadId = 8 }, 100, 100, 1, false)
            .Get(0);
        Rows(own.Source).ShouldBe([[10, 10, 7, 8], [11, 11, 11, 7]]);
        using PairBatch none = new PairBatches(file, Ends with { EndsSource = false }, 100, 100, 1, false).Get(0);
        Rows(none.Source).ShouldBe([[10, 10, Pad], [11, 11, 11]]);
    }

    [Fact]
    public void Sequences_longer_than_a_model_reads_are_cut()
    {
        using PairFile file = Pairs((9, 9));
        using PairBatch batch = new PairBatches(file, Ends, 100, 4, 1, shuffled: true).Get(0);
        Rows(batch.Source).ShouldBe([[10, 10, 10, End]]);
        Rows(batch.Inputs).ShouldBe([[Start, 10, 10, 10]]);
        Rows(batch.Targets).ShouldBe([[10, 10, 10, 10]]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_pair_is_in_one_batch_of_each_epoch_and_no_batch_exceeds_its_tokens(bool shuffled) =>
        Gen.Select(Gen.Int[1, 60], Gen.Int[1, 25], Gen.Int[27, 200], Gen.Int[0, 1000]).Sample(
            (count, longest, tokens, seed) =>
            {
                using PairFile file = RandomPairs(count, longest, seed);
                var batches = new PairBatches(file, Ends, tokens, 100, seed, shuffled);
                for (int epoch = 0; epoch < 2; epoch++)
                {
                    var seen = new List<int>();
                    long targets = 0;
                    for (long n = 0; n < batches.BatchesPerEpoch; n++)
                    {
                        using PairBatch batch = batches.Get((epoch * batches.BatchesPerEpoch) + n);
                        seen.AddRange(Members(batch));
                        long rows = batch.Source.shape[0];
                        long width = Math.Max(batch.Source.shape[1], batch.Inputs.shape[1]);
                        (rows * width).ShouldBeLessThanOrEqualTo(tokens);
                        targets += Rows(batch.Targets).Sum(row => row.Count(t => t != TextBatch.NotCounted));
                    }
                    seen.Order().ShouldBe(Enumerable.Range(0, count));
                    targets.ShouldBe(file.TargetTokens + count);
                    ((double)targets / batches.BatchesPerEpoch).ShouldBe(batches.ItemsPerBatch, 0.51);
                }
            }, iter: 40, threads: 1);

    [Fact]
    public void A_batch_is_a_function_of_the_seed_and_its_number_and_epochs_differ()
    {
        using PairFile file = RandomPairs(400, 8, 5);
        static int[][] Epoch(PairBatches batches, int epoch) =>
        [
            .. Enumerable.Range(0, (int)batches.BatchesPerEpoch).Select(n =>
            {
                using PairBatch batch = batches.Get((epoch * batches.BatchesPerEpoch) + n);
                return Members(batch);
            }),
        ];
        var first = new PairBatches(file, Ends, 60, 100, 7, shuffled: true);
        var second = new PairBatches(file, Ends, 60, 100, 7, shuffled: true);
        int[][] third = Epoch(first, 2), beginning = Epoch(first, 0);
        Epoch(second, 0).ShouldBe(beginning);
        Epoch(second, 2).ShouldBe(third);
        third.ShouldNotBe(beginning);
        Epoch(new PairBatches(file, Ends, 60, 100, 8, shuffled: true), 0).ShouldNotBe(beginning);
        var plain = new PairBatches(file, Ends, 60, 100, 7, shuffled: false);
        Epoch(plain, 1).ShouldBe(Epoch(plain, 0));
    }

    [Fact]
    public void Pairs_of_similar_length_are_together()
    {
        // Lengths of Multi30k's kind: a target is about as long as its source.
        var random = new Random(3);
        using PairFile file = Pairs([.. Enumerable.Range(0, 4000).Select(_ =>
        {
            int source = 8 + (int)(random.NextDouble() * random.NextDouble() * 20);
            return (source, Math.Max(1, source + random.Next(-3, 4)));
        })]);
        var batches = new PairBatches(file, Ends, 1024, 100, 1, shuffled: true);
        long used = 0, all = 0;
        for (long n = 0; n < batches.BatchesPerEpoch; n++)
        {
            using PairBatch batch = batches.Get(n);
            all += batch.Source.numel() + batch.Targets.numel();
            used += Rows(batch.Targets).Sum(row => row.Count(t => t != TextBatch.NotCounted))
                + batch.SourcePadding.data<bool>().ToArray().Count(padding => !padding);
        }
        (used / (double)all).ShouldBeGreaterThan(0.95);
    }

    [Fact]
    public void The_mean_of_a_divided_batch_is_the_sum_of_the_means_of_its_parts_by_their_shares()
    {
        using PairFile file = RandomPairs(20, 9, 2);
        using DisposeScope scope = NewDisposeScope();
        using PairBatch batch = new PairBatches(file, Ends, 1000, 100, 1, shuffled: true).Get(0);
        static double Mean(PairBatch part)
        {
            long[][] targets = Rows(part.Targets), sources = Rows(part.Source);
            return targets.SelectMany((row, r) => row.Where(t => t != TextBatch.NotCounted)
                .Select((t, time) => (double)(t * (time + 1)) + sources[r][0])).Average();
        }
        foreach (int parts in (int[])[1, 2, 3, 20, 50])
        {
            IReadOnlyList<(PairBatch Part, double Share)> divided = batch.Divide(parts);
            divided.Count.ShouldBe(Math.Min(parts, 20));
            divided.Sum(part => part.Share).ShouldBe(1, 1e-12);
            divided.Sum(part => part.Share * Mean(part.Part)).ShouldBe(Mean(batch), 1e-9);
        }
    }

    [Fact]
    public void Too_few_tokens_for_a_pair_and_a_file_without_pairs_are_refused()
    {
        using PairFile file = Pairs((30, 3)), none = Pairs();
        Should.Throw<AtelierException>(() => new PairBatches(file, Ends, 20, 100, 1, true))
            .Message.ShouldContain("holds a pair of 31 tokens, but a batch has 20");
        Should.Throw<AtelierException>(() => new PairBatches(none, Ends, 20, 100, 1, true))
            .Message.ShouldContain("holds no pairs");
    }
}
