using Atelier.Runs;

namespace Atelier.Tests.Runs;

public sealed class RunHistoryTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("atelier").FullName;

    private string Database => Path.Combine(_root, "deep", "history.db");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static RunRecord Record(string id, int minute) => new()
    {
        Id = id, Folder = $"/runs/{id}", Family = "gpt", Recipe = "mine", Status = "running",
        Started = new DateTimeOffset(2020, 1, 1, 0, minute, 0, TimeSpan.FromHours(8)),
    };

    [Fact]
    public void Runs_are_listed_the_latest_first_and_found_by_id_and_folder()
    {
        var history = new RunHistory(Database);
        history.List().ShouldBeEmpty();
        history.Save(Record("a", 1));
        history.Save(Record("b", 2));
        history.List().Select(r => r.Id).ShouldBe(["b", "a"]);
        history.Find("a")!.Folder.ShouldBe("/runs/a");
        history.Find("/runs/b/")!.Id.ShouldBe("b");
        history.Find("c").ShouldBeNull();
        history.Delete("a");
        history.List().ShouldHaveSingleItem().Id.ShouldBe("b");
    }

    [Fact]
    public void Saving_again_changes_a_run_and_keeps_every_figure()
    {
        var history = new RunHistory(Database);
        history.Save(Record("a", 1));
        RunRecord done = Record("a", 1) with
        {
            Status = "finished", Finished = DateTimeOffset.UnixEpoch, Steps = 7, Seconds = 1.5,
            Metrics = new Dictionary<string, double> { ["loss"] = 0.1 + 0.2 },
        };
        history.Save(done);
        RunRecord read = history.List().ShouldHaveSingleItem();
        (read with { Metrics = done.Metrics }).ShouldBe(done);
        read.Metrics["loss"].ShouldBe(0.1 + 0.2);
    }

    [Fact]
    public void A_folder_has_one_run()
    {
        var history = new RunHistory(Database);
        history.Save(Record("a", 1));
        history.Save(Record("b", 1) with { Folder = "/runs/a" });
        history.List().ShouldHaveSingleItem().Id.ShouldBe("b");
    }

    [Fact]
    public void A_damaged_database_is_told_with_what_to_do()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Database)!);
        File.WriteAllText(Database, new string('x', 5000));
        Should.Throw<AtelierException>(() => new RunHistory(Database).List()).Hint!.ShouldContain("move the file away");
        File.ReadAllText(Database).ShouldBe(new string('x', 5000));
    }
}
