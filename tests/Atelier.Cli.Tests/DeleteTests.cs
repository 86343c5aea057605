using Atelier.Runs;

namespace Atelier.Cli.Tests;

[Collection(nameof(ToolCollection))]
public sealed class DeleteTests : IDisposable
{
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    private string Folder => _tool.At("mine");

    private static RunRecord? Known(string folder) => new Workshop().History.Find(folder);

    private void Begin()
    {
        Run.Create(Folder, new Workshop().ReadRecipe("quickstart")).Dispose();
        new Workshop().History.Save(new RunRecord
        {
            Id = "r1", Folder = Folder, Family = "gpt", Recipe = "mine", Started = DateTimeOffset.UtcNow,
                Status = "interrupted",
        });
    }

    [Theory]
    [InlineData("y", true)]
    [InlineData("Yes", true)]
    [InlineData("n", false)]
    [InlineData("", false)]
    public void Deleting_asks_first(string answer, bool deletes)
    {
        Begin();
        ToolResult result = _tool.Answer(answer + "\n", "runs", "delete", "r1");
        result.Code.ShouldBe(0);
        result.Error.ShouldMatch(@"^delete .*mine and the \d files \(0\.0 MB\) in it\? \[y/N\] $");
        result.Out.ShouldStartWith(deletes ? "deleted" : "nothing was deleted");
        (Directory.Exists(Folder), Known(Folder) is not null).ShouldBe((!deletes, !deletes));
    }

    [Fact]
    public void Where_nobody_can_answer_deleting_needs_a_yes_on_the_command_line()
    {
        Begin();
        ToolResult refused = _tool.Run("runs", "delete", Folder);
        (refused.Code, Directory.Exists(Folder)).ShouldBe((2, true));
        refused.Error.ShouldContain("add --yes to delete it, or --keep-files to remove it from the history only");
        _tool.Run("runs", "delete", Folder, "--yes").Code.ShouldBe(0);
        (Directory.Exists(Folder), Known(Folder)).ShouldBe((false, null));
    }

    [Fact]
    public void A_run_at_work_is_not_deleted()
    {
        Begin();
        using (Run.Open(Folder, Models.ModelFamilies.All))
        {
            foreach (string option in (string[])["--yes", "--keep-files"])
            {
                ToolResult refused = _tool.Run("runs", "delete", "r1", option);
                (refused.Code, Known(Folder)!.Id).ShouldBe((2, "r1"));
                refused.Error.ShouldContain("another process is using this run; stop it first, or wait for it");
            }
        }
        Run.Exists(Folder).ShouldBeTrue();
    }

    [Fact]
    public void A_run_can_be_forgotten_with_its_files_kept()
    {
        Begin();
        _tool.Run("runs", "delete", "r1", "--keep-files").Out.ShouldStartWith("removed from the history");
        (Run.Exists(Folder), Known(Folder)).ShouldBe((true, null));
        _tool.Run("runs", "delete", Folder, "--yes").Out.ShouldStartWith("deleted"); // the history knows it no more
        Directory.Exists(Folder).ShouldBeFalse();
    }

    [Fact]
    public void A_folder_that_is_no_run_is_never_deleted()
    {
        Begin();
        Directory.Delete(Folder, recursive: true);
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, "thesis.txt"), "mine");
        _tool.Run("runs", "delete", "r1", "--yes").Error.ShouldContain("only folders of runs can be deleted");
        File.Exists(Path.Combine(Folder, "thesis.txt")).ShouldBeTrue();
    }
}
