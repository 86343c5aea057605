using System.Text;
using Atelier.Evaluation.Ratings;
using Atelier.Tests.Data;
using Microsoft.Data.Sqlite;

namespace Atelier.Tests.Evaluation.Ratings;

public sealed class RatingStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string File => _folder["deep/study.ratings"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Answers_raters_and_the_study_are_the_same_after_closing()
    {
        Study study = Simulation.Study(2, 3, checks: 1, checkEvery: 5);
        PairAnswer first, second;
        NewRater rater;
        using (RatingStore store = RatingStore.Create(File, study))
        {
            rater = store.AddRater(" Ada ");
            long id = rater.Rater.Id;
            first = store.AddPairAnswer(id, "m1-0", "m0-0", PairChoice.Right, 3.25, "\"clearer\",\nshorter");
            second = store.AddPairAnswer(id, "m0-1", "m1-1", PairChoice.BothBad, 0, " ");
        }
        using RatingStore again = RatingStore.Open(File);
        again.Study.ToJson().ShouldBe(study.ToJson());
        again.Raters().ShouldHaveSingleItem().ShouldBe(rater.Rater);
        rater.Rater.Name.ShouldBe("Ada");
        again.PairAnswers().ShouldBe([first, second]);
        (first.Preferred, second.Preferred, second.Reason).ShouldBe(("m0-0", null, null));
        again.PairAnswers()[0].Reason.ShouldBe("\"clearer\",\nshorter");
    }

    [Fact]
    public void Values_on_scales_are_kept_and_checked()
    {
        using RatingStore store = RatingStore.Create(File, Simulation.Scales(2, 2));
        long rater = store.AddRater("Ada").Rater.Id;
        ScaleAnswer answer = store.AddScaleAnswer(rater, "m0-0", "truth", 10, 2.5, "all true");
        store.ScaleAnswers().ShouldBe([answer]);
        Should.Throw<AtelierException>(() => store.AddScaleAnswer(rater, "m0-0", "truth", 9, 1));
        Should.Throw<AtelierException>(() => store.AddScaleAnswer(rater, "m0-0", "fluency", 6, 1))
            .Hint.ShouldBe("choose a whole number from 1 to 5");
        Should.Throw<AtelierException>(() => store.AddScaleAnswer(rater, "m0-9", "fluency", 5, 1));
        Should.Throw<AtelierException>(() => store.AddScaleAnswer(rater, "m0-0", "beauty", 5, 1));
        Should.Throw<AtelierException>(() => store.AddPairAnswer(rater, "m0-0", "m1-0", PairChoice.Left, 1));
        store.Undo(rater).ShouldBeTrue();
        store.ScaleAnswers().ShouldBeEmpty();
    }

    [Fact]
    public void A_token_admits_one_rater_and_is_not_in_the_file()
    {
        using RatingStore store = RatingStore.Create(File, Simulation.Study(2, 1));
        NewRater[] raters = [.. Enumerable.Range(0, 20).Select(_ => store.AddRater("Ada"))];
        raters.Select(rater => rater.Token).Distinct().Count().ShouldBe(20);
        raters.ShouldAllBe(rater => rater.Token.Length == 43);
        foreach (NewRater rater in raters)
            store.FindRater(rater.Token).ShouldBe(rater.Rater);
        store.FindRater(raters[0].Token[..^1]).ShouldBeNull();
        store.FindRater("").ShouldBeNull();
        byte[] log = ReadShared(File + "-wal");
        foreach (NewRater rater in raters)
            log.AsSpan().IndexOf(Encoding.UTF8.GetBytes(rater.Token)).ShouldBe(-1);
        log.AsSpan().IndexOf("Ada"u8).ShouldBeGreaterThan(0);
    }

    [Fact]
    public void The_last_answer_of_a_rater_is_taken_back_and_no_other()
    {
        using RatingStore store = RatingStore.Create(File, Simulation.Study(2, 3));
        long ada = store.AddRater("Ada").Rater.Id, bob = store.AddRater("Bob").Rater.Id;
        store.Undo(ada).ShouldBeFalse();
        store.AddPairAnswer(ada, "m0-0", "m1-0", PairChoice.Left, 1);
        store.AddPairAnswer(ada, "m0-1", "m1-1", PairChoice.Left, 1);
        store.AddPairAnswer(bob, "m0-1", "m1-1", PairChoice.Right, 1);
        store.Undo(ada).ShouldBeTrue();
        store.PairAnswers().Select(a => (a.Rater, a.Left)).ShouldBe([(ada, "m0-0"), (bob, "m0-1")]);
        PairAnswer corrected = store.AddPairAnswer(ada, "m0-1", "m1-1", PairChoice.Tie, 1);
        corrected.Id.ShouldBe(4, "the number of an answer is never used again");
        store.Undo(ada).ShouldBeTrue();
        store.Undo(ada).ShouldBeTrue();
        store.Undo(ada).ShouldBeFalse();
        store.PairAnswers().ShouldHaveSingleItem().Rater.ShouldBe(bob);
    }

    [Fact]
    public void Checks_are_recognised_and_the_same_question_is_answered_once()
    {
        using RatingStore store = RatingStore.Create(File, Simulation.Study(2, 2, checks: 1, checkEvery: 3));
        long ada = store.AddRater("Ada").Rater.Id;
        store.AddPairAnswer(ada, "m0-0", "m1-0", PairChoice.Left, 1).Check.ShouldBe(CheckKind.None);
        Should.Throw<AtelierException>(() => store.AddPairAnswer(ada, "m0-0", "m1-0", PairChoice.Right, 1));
        store.AddPairAnswer(ada, "m1-0", "m0-0", PairChoice.Left, 1).Check.ShouldBe(CheckKind.Repeat);
        Should.Throw<AtelierException>(() => store.AddPairAnswer(ada, "m1-0", "m0-0", PairChoice.Left, 1));
        Should.Throw<AtelierException>(() => store.AddPairAnswer(ada, "m0-0", "m1-0", PairChoice.Left, 1));
        store.AddPairAnswer(ada, "spoilt-0", "good-0", PairChoice.Right, 1).Check.ShouldBe(CheckKind.KnownWorse);
        Should.Throw<AtelierException>(() => store.AddPairAnswer(ada, "good-0", "spoilt-0", PairChoice.Left, 1));
        store.PairAnswers().Select(a => a.Check)
            .ShouldBe([CheckKind.None, CheckKind.Repeat, CheckKind.KnownWorse]);
    }

    [Fact]
    public void What_a_stranger_may_send_is_refused()
    {
        using RatingStore store = RatingStore.Create(File, Simulation.Study(2, 2));
        long ada = store.AddRater("Ada").Rater.Id;
        Action[] wrong =
        [
            () => store.AddPairAnswer(ada + 1, "m0-0", "m1-0", PairChoice.Left, 1),
            () => store.AddPairAnswer(ada, "m0-0", "m1-1", PairChoice.Left, 1),
            () => store.AddPairAnswer(ada, "m0-0", "m0-0", PairChoice.Left, 1),
            () => store.AddPairAnswer(ada, "m0-0", "x'; DROP TABLE raters; --", PairChoice.Left, 1),
            () => store.AddPairAnswer(ada, "m0-0", "m1-0", (PairChoice)9, 1),
            () => store.AddPairAnswer(ada, "m0-0", "m1-0", PairChoice.Left, double.NaN),
            () => store.AddPairAnswer(ada, "m0-0", "m1-0", PairChoice.Left, -1),
            () => store.AddPairAnswer(ada, "m0-0", "m1-0", PairChoice.Left, 1, new string('x', 4001)),
            () => store.AddRater(" "),
            () => store.AddRater("a\nb"),
            () => store.AddRater(new string('x', 201)),
        ];
        foreach (Action each in wrong)
            Should.Throw<AtelierException>(each);
        store.PairAnswers().ShouldBeEmpty();
        store.Raters().Count.ShouldBe(1);
    }

    [Fact]
    public void A_damaged_or_foreign_file_is_refused_and_left_as_it_is()
    {
        Should.Throw<AtelierException>(() => RatingStore.Open(_folder["none"]));
        foreach (byte[] content in (byte[][])[[], [.. "not a database"u8], new byte[9000], [.. Foreign()]])
        {
            string path = _folder.Write("foreign", content);
            Should.Throw<AtelierException>(() => RatingStore.Open(path)).Where.ShouldBe(path);
            System.IO.File.ReadAllBytes(path).ShouldBe(content);
        }

        byte[] whole = Stored();
        string damaged = _folder["damaged"];
        for (int page = 1; page < whole.Length / 4096; page++)
        {
            byte[] bytes = [.. whole];
            bytes.AsSpan(page * 4096, 4096).Fill(0xAA);
            _folder.Write("damaged", bytes);
            Should.Throw<AtelierException>(() => ReadAll(damaged));
        }
        _folder.Write("damaged", whole[..(whole.Length / 2)]);
        Should.Throw<AtelierException>(() => ReadAll(damaged));
        _folder.Write("damaged", whole);
        ReadAll(damaged).ShouldBe(200);
        Change(damaged, "UPDATE pair_answers SET left_item = 'm0-9' WHERE id = 1");
        Should.Throw<AtelierException>(() => ReadAll(damaged));
        Change(damaged, "PRAGMA user_version = 99");
        Should.Throw<AtelierException>(() => RatingStore.Open(damaged)).Message.ShouldContain("another version");
    }

    [Fact]
    public void An_existing_file_is_not_overwritten()
    {
        string path = _folder.Write("mine.txt", "mine");
        Should.Throw<AtelierException>(() => RatingStore.Create(path, Simulation.Study(2, 1)));
        System.IO.File.ReadAllText(path).ShouldBe("mine");
        Should.Throw<AtelierException>(() =>
            RatingStore.Create(_folder["new"], Simulation.Study(2, 1) with { Title = "" }));
        Directory.GetFiles(_folder.Path).ShouldBe([path]);
    }

    internal static byte[] ReadShared(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static int ReadAll(string path)
    {
        using RatingStore store = RatingStore.Open(path);
        store.Raters().Count.ShouldBe(2);
        return store.PairAnswers().Count;
    }

    private byte[] Stored()
    {
        using (RatingStore store = RatingStore.Create(File, Simulation.Study(2, 100)))
        {
            for (int rater = 0; rater < 2; rater++)
            {
                long id = store.AddRater("Ada").Rater.Id;
                for (int prompt = 0; prompt < 100; prompt++)
                    store.AddPairAnswer(id, $"m0-{prompt}", $"m1-{prompt}", PairChoice.Left, 1, new string('r', 100));
            }
        }
        return System.IO.File.ReadAllBytes(File);
    }

    private byte[] Foreign()
    {
        Change(_folder["other.db"], "CREATE TABLE study (content TEXT); INSERT INTO study VALUES ('{}')",
            SqliteOpenMode.ReadWriteCreate);
        return System.IO.File.ReadAllBytes(_folder["other.db"]);
    }

    private static void Change(string path, string sql, SqliteOpenMode mode = SqliteOpenMode.ReadWrite)
    {
        var settings = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, Mode = mode };
        using var connection = new SqliteConnection(settings.ToString());
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
