using Atelier.Data.Text;

namespace Atelier.Tests.Data.Text;

public sealed class TextBatchesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// Documents of the given lengths (ends not counted); every token is its position + 1, and 0 the end.
    /// </summary>
    private TokenFile Documents(int? end, params int[] lengths)
    {
        string path = _folder[$"{Guid.NewGuid():N}.tokens"];
        TokenFileWriter.Write(path, 100_000, end, writer =>
        {
            int position = 0;
            foreach (int length in lengths)
            {
                writer.Add([.. Enumerable.Range(position + 1, length)], length, length);
                writer.EndDocument();
                position += length + (end is null ? 0 : 1);
            }
        });
        return TokenFile.Open(path);
    }

    private static (long[][] Inputs, long[][] Targets) Rows(TextBatches batches, long number)
    {
        using TextBatch batch = batches.Get(number);
        int time = (int)batch.Inputs.shape[1];
        return ([.. batch.Inputs.data<long>().ToArray().Chunk(time)],
            [.. batch.Targets.data<long>().ToArray().Chunk(time)]);
    }

    [Fact]
    public void A_batch_is_a_function_of_the_seed_and_its_number()
    {
        using TokenFile file = Documents(0, [.. Enumerable.Repeat(50, 40)]);
        var first = new TextBatches(file, 4, 16, 7, shuffled: true);
        var second = new TextBatches(file, 4, 16, 7, shuffled: true);
        first.Get(0).Dispose();
        Rows(first, 11).Inputs.ShouldBe(Rows(second, 11).Inputs);
        Rows(second, 12).Inputs.ShouldNotBe(Rows(first, 11).Inputs);
        Rows(new TextBatches(file, 4, 16, 8, shuffled: true), 11).Inputs.ShouldNotBe(Rows(first, 11).Inputs);
    }

    [Fact]
    public void Targets_are_the_tokens_that_follow_the_inputs()
    {
        using TokenFile file = Documents(0, 3, 90, 1, 40);
        var batches = new TextBatches(file, 8, 10, 1, shuffled: true);
        int[] tokens = new int[file.Count];
        file.Read(0, tokens);
        for (int n = 0; n < 50; n++)
        {
            (long[][] inputs, long[][] targets) = Rows(batches, n);
            for (int r = 0; r < 8; r++)
            {
                inputs[r][1..].ShouldBe(targets[r][..^1]);
                int last = Array.IndexOf(tokens, (int)targets[r].Last(t => t != 0));
                tokens[last].ShouldBe((int)targets[r].Last(t => t != 0));
            }
        }
    }

    [Fact]
    public void Given_short_documents_then_rows_begin_at_their_starts_in_proportion_to_their_lengths()
    {
        using TokenFile file = Documents(0, 9, 29, 59);
        var batches = new TextBatches(file, 100, 60, 3, shuffled: true);
        var starts = new Dictionary<long, int>();
        for (int n = 0; n < 100; n++)
        {
            (long[][] inputs, long[][] targets) = Rows(batches, n);
            inputs.ShouldAllBe(row => row[0] == 0);
            foreach (long[] row in targets)
                starts[row[0]] = starts.GetValueOrDefault(row[0]) + 1;
        }
        starts.Keys.Order().ShouldBe([1, 11, 41]);
        // Of 10,000 draws, shares of 0.1, 0.3 and 0.6 lie within four standard deviations (at most 49 each).
        starts[1].ShouldBeInRange(880, 1120);
        starts[11].ShouldBeInRange(2800, 3200);
        starts[41].ShouldBeInRange(5800, 6200);
    }

    [Fact]
    public void Given_one_document_without_an_end_then_rows_lie_within_it_and_reach_all_of_it()
    {
        using TokenFile file = Documents(null, 100);
        var batches = new TextBatches(file, 50, 90, 3, shuffled: true);
        var firsts = new HashSet<long>();
        for (int n = 0; n < 10; n++)
            foreach (long[] row in Rows(batches, n).Inputs)
            {
                firsts.Add(row[0]);
                row.ShouldBe([.. Enumerable.Range((int)row[0], 90).Select(i => (long)i)]);
            }
        firsts.Order().ShouldBe([.. Enumerable.Range(1, 10).Select(i => (long)i)]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(null)]
    public void Unshuffled_every_token_is_predicted_once_and_in_order(int? end)
    {
        using TokenFile file = Documents(end, end is null ? [103] : [33, 70, 5, 6, 15, 16, 7, 3]);
        var batches = new TextBatches(file, 3, 16, 0, shuffled: false);
        var tokens = new int[file.Count];
        file.Read(0, tokens);
        var seen = new List<long>();
        for (long n = 0; n < batches.BatchesPerEpoch; n++)
            seen.AddRange(Rows(batches, n).Targets.SelectMany(t => t).Where(t => t != TextBatch.NotCounted));
        seen.ShouldBe([.. tokens.Skip(end is null ? 1 : 0).Select(t => (long)t)]);
        Rows(batches, batches.BatchesPerEpoch).Targets.ShouldBe(Rows(batches, 0).Targets);
    }

    [Fact]
    public void Unshuffled_a_document_that_fits_a_row_is_never_cut()
    {
        using TokenFile file = Documents(0, [.. Enumerable.Range(0, 60).Select(i => 1 + i * 7 % 15)]);
        var batches = new TextBatches(file, 4, 16, 0, shuffled: false);
        for (long n = 0; n < batches.BatchesPerEpoch; n++)
        {
            (long[][] inputs, long[][] targets) = Rows(batches, n);
            inputs.ShouldAllBe(row => row[0] == 0);
            targets.ShouldAllBe(row => row.Last(t => t != TextBatch.NotCounted) == 0);
        }
    }

    [Fact]
    public void Given_a_file_shorter_than_the_context_then_shuffled_rows_go_round_and_windows_are_shorter()
    {
        using TokenFile file = Documents(0, 4, 2);
        (long[][] inputs, _) = Rows(new TextBatches(file, 2, 20, 1, shuffled: true), 0);
        inputs[0].Length.ShouldBe(20);
        (_, long[][] targets) = Rows(new TextBatches(file, 2, 20, 1, shuffled: false), 0);
        targets.ShouldBe([[1, 2, 3, 4, 0, 6, 7, 0]]);
    }

    [Fact]
    public void Given_fewer_than_two_tokens_then_it_says_so()
    {
        using TokenFile file = Documents(null, 1);
        Should.Throw<AtelierException>(() => new TextBatches(file, 1, 1, 0, true)).Hint!.ShouldContain("data.split");
    }
}
