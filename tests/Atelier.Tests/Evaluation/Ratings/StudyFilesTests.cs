using Atelier.Evaluation.Ratings;
using Atelier.Tests.Data;

namespace Atelier.Tests.Evaluation.Ratings;

/// <summary>The folder of a study holds all of it, or does not exist.</summary>
public sealed class StudyFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_study_that_cannot_be_written_leaves_nothing_behind()
    {
        string folder = _folder["study"];
        var media = new StudyMedia();
        media.Add("1", "png", [1, 2, 3]);
        media.Add(new string('x', 300), "png", [4]); // no file system takes such a name, as a full disk takes no file
        Study study = Simulation.Study(models: 2, prompts: 2);
        Should.Throw<AtelierException>(() => Workshop.WriteStudy(folder, study, media));
        Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(folder)!).ShouldBeEmpty();

        Directory.CreateDirectory(folder); // an empty folder is filled
        string store = Workshop.WriteStudy(folder, study, new StudyMedia());
        using (var opened = RatingStore.Open(store))
            opened.Study.Items.Count.ShouldBe(study.Items.Count);
        Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(folder)!).ShouldBe([folder]);
    }

    [Fact]
    public void Identical_media_have_one_file_and_are_no_pair()
    {
        var media = new StudyMedia();
        string one = media.Add("1", "png", [1, 2]), same = media.Add("2", "png", [1, 2]);
        same.ShouldBe(one);
        media.Add("3", "png", [1, 3]).ShouldNotBe(one);
        media.Files.Keys.ShouldBe(["media/1.png", "media/3.png"]);
    }
}
