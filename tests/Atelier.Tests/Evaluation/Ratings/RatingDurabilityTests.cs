using System.Diagnostics;
using System.Globalization;
using Atelier.Evaluation.Ratings;
using Atelier.Tests.Data;

namespace Atelier.Tests.Evaluation.Ratings;

/// <summary>Answers are kept when processes are killed, and when several threads and processes write.</summary>
public sealed class RatingDurabilityTests : IDisposable
{
    private const string Variable = "ATELIER_TEST_RATINGS";
    private const int Prompts = 5000;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_process_that_is_killed_loses_no_answer()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { } given)
        {
            AnswerUntilKilled(given);
            return;
        }

        string path = _folder["study.ratings"], log = path + ".log";
        using RatingStore store = RatingStore.Create(path, Simulation.Study(2, Prompts));
        long other = store.AddRater("other").Rater.Id;
        var start = new ProcessStartInfo("dotnet",
        [
            typeof(RatingDurabilityTests).Assembly.Location, "--progress", "off", "--no-ansi", "--filter-method",
            $"*{nameof(A_process_that_is_killed_loses_no_answer)}",
        ])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
            Environment = { [Variable] = path },
        };
        int own = 0;
        using (Process process = Process.Start(start)!)
        {
            var watch = Stopwatch.StartNew();
            while (Logged(log).Length < 100 && !process.HasExited && watch.Elapsed < TimeSpan.FromMinutes(1))
            {
                store.AddPairAnswer(other, $"m0-{own}", $"m1-{own}", PairChoice.Tie, 1); // while the other one writes
                own++;
                await Task.Delay(20);
            }
            process.HasExited.ShouldBeFalse("it was to be killed while it writes");
            process.Kill();
            await process.WaitForExitAsync();
        }
        long[] confirmed = Logged(log);
        confirmed.Length.ShouldBeGreaterThanOrEqualTo(100);
        ILookup<bool, PairAnswer> answers = store.PairAnswers().ToLookup(answer => answer.Rater == other);
        answers[true].Count().ShouldBe(own);
        confirmed.Except(answers[false].Select(answer => answer.Id)).ShouldBeEmpty();
        answers[false].Count().ShouldBeInRange(confirmed.Length, confirmed.Length + 1);
    }

    [Fact]
    public void A_connection_that_is_never_closed_loses_no_answer()
    {
        using RatingStore store = RatingStore.Create(_folder["a/study.ratings"], Simulation.Study(2, 50));
        long ada = store.AddRater("Ada").Rater.Id;
        for (int prompt = 0; prompt < 50; prompt++)
        {
            store.AddPairAnswer(ada, $"m0-{prompt}", $"m1-{prompt}", PairChoice.Left, 1);
            if (prompt % 10 != 9)
                continue;
            // what lies on the disk now is what a crash would leave
            foreach (string ending in (string[])["", "-wal"])
                _folder.Write($"b/{prompt}.ratings{ending}",
                    RatingStoreTests.ReadShared(_folder["a/study.ratings" + ending]));
            using RatingStore left = RatingStore.Open(_folder[$"b/{prompt}.ratings"]);
            left.PairAnswers().Count.ShouldBe(prompt + 1);
        }
    }

    [Fact]
    public async Task Threads_with_one_store_and_with_stores_of_their_own_write_at_the_same_time()
    {
        const int writers = 6, each = 20;
        string path = _folder["study.ratings"];
        using RatingStore shared = RatingStore.Create(path, Simulation.Study(2, each));
        await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Factory.StartNew(() =>
        {
            RatingStore store = writer % 2 == 0 ? shared : RatingStore.Open(path);
            long rater = store.AddRater($"rater {writer}").Rater.Id;
            for (int prompt = 0; prompt < each; prompt++)
            {
                store.AddPairAnswer(rater, $"m0-{prompt}", $"m1-{prompt}", PairChoice.Left, 1);
                if (prompt % 5 == 4)
                {
                    store.Undo(rater);
                    store.AddPairAnswer(rater, $"m0-{prompt}", $"m1-{prompt}", PairChoice.Right, 1);
                }
                store.PairAnswers().Count(answer => answer.Rater == rater).ShouldBe(prompt + 1);
            }
            if (store != shared)
                store.Dispose();
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        IReadOnlyList<PairAnswer> answers = shared.PairAnswers();
        answers.Count.ShouldBe(writers * each);
        answers.CountBy(answer => answer.Rater).ShouldAllBe(count => count.Value == each);
        answers.Select(answer => answer.Id).ShouldBeInOrder();
    }

    [Fact]
    public void Of_the_same_answer_sent_several_times_at_once_one_is_kept()
    {
        string path = _folder["study.ratings"];
        using RatingStore store = RatingStore.Create(path, Simulation.Study(2, 1));
        long ada = store.AddRater("Ada").Rater.Id;
        int refused = 0;
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            using RatingStore own = RatingStore.Open(path);
            try
            {
                own.AddPairAnswer(ada, "m0-0", "m1-0", PairChoice.Left, i);
            }
            catch (AtelierException)
            {
                Interlocked.Increment(ref refused);
            }
        });
        refused.ShouldBe(7);
        store.PairAnswers().ShouldHaveSingleItem();
    }

    private static void AnswerUntilKilled(string path)
    {
        using RatingStore store = RatingStore.Open(path);
        long rater = store.AddRater("killed").Rater.Id;
        using var log = new StreamWriter(path + ".log") { AutoFlush = true };
        for (int prompt = 0; prompt < Prompts; prompt++)
        {
            PairAnswer answer =
                store.AddPairAnswer(rater, $"m0-{prompt}", $"m1-{prompt}", PairChoice.Right, 1);
            log.Write(answer.Id.ToString(CultureInfo.InvariantCulture) + "\n");
        }
    }

    /// <summary>The numbers of the answers that the other process was told are stored.</summary>
    private static long[] Logged(string path)
    {
        if (!File.Exists(path))
            return [];
        string text = System.Text.Encoding.UTF8.GetString(RatingStoreTests.ReadShared(path));
        string whole = text[..(text.LastIndexOf('\n') + 1)]; // the last line may be half written
        return [.. whole.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => long.Parse(line, CultureInfo.InvariantCulture))];
    }
}
