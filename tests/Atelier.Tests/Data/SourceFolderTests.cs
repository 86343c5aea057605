using System.Diagnostics;
using System.IO.Compression;
using Atelier.Data;
using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Atelier.Formats;
using Atelier.Recipes;

namespace Atelier.Tests.Data;

/// <summary>
/// What people's folders and files are besides data: links, pipes, leftovers of systems, archives made to fill a disk.
/// </summary>
public sealed class SourceFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Hidden_files_and_leftovers_are_no_data()
    {
        foreach (string name in (string[])["a.txt", "b/c.txt", ".git/config.txt", "b/.cache/d.txt", "__MACOSX/e.txt",
            "._a.txt", "b/.DS_Store", "Thumbs.db"])
            _folder.Write(name, "words");
        SourceFolder.Files(_folder.Path).ShouldBe([_folder["a.txt"], _folder["b/c.txt"]]);
    }

    [Fact]
    public void Files_left_out_are_counted_by_their_endings()
    {
        foreach (string name in (string[])["a.txt", "b.HEIC", "c.heic", "d.mov", "LICENSE"])
            _folder.Write(name, "words");
        var report = new ReadingReport();
        TextSource.Read(_folder.Path, new(), report).Count().ShouldBe(1);
        report.Notes.ShouldBe(["4 files of other types ignored: 2 .heic, 1 .mov, 1 without an extension."]);
    }

    [Fact]
    public void A_link_back_to_a_folder_that_it_lies_in_is_refused()
    {
        _folder.Write("in/a.txt", "words");
        Directory.CreateSymbolicLink(_folder["in/again"], _folder["in"]);
        AtelierException e = Should.Throw<AtelierException>(() => SourceFolder.Files(_folder["in"]));
        e.Message.ShouldContain("link to one of its own parent folders");
        e.Where.ShouldBe(_folder["in/again"]);
    }

    [Fact]
    public void A_link_to_another_folder_is_followed()
    {
        _folder.Write("far/a.txt", "words");
        Directory.CreateDirectory(_folder["in"]);
        Directory.CreateSymbolicLink(_folder["in/near"], _folder["far"]);
        SourceFolder.Files(_folder["in"]).ShouldBe([_folder["in/near/a.txt"]]);
    }

    [Fact]
    public void Pipes_and_devices_are_refused_at_once_by_every_reader()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux()
            || OperatingSystem.IsMacOS(), "pipes have no names in folders there");
        string pipe = _folder["pipe.csv"];
        using (Process made = Process.Start("mkfifo", pipe))
            made.WaitForExit();
        Should.Throw<AtelierException>(() =>
            InputFile.Open(pipe)).Message.ShouldBe("is a pipe, and only regular files can be read");
        Should.Throw<AtelierException>(() =>
            InputFile.ReadAllText("/dev/zero")).Message.ShouldBe("is a device, and only regular files can be read");
        Should.Throw<AtelierException>(() =>
            InputFile.ReadAllBytes(_folder.Path)).Message.ShouldBe("is a folder, and only regular files can be read");
        Action[] readers =
        [
            () => TextSource.Read(pipe, new(), new()).Count(),
            () => TableData.Prepare(new DataSection { Source = pipe }, 1, _folder["data"]),
            () => MappedFile.Open(pipe),
            () => ConfigFile.Read(pipe),
            () => Atelier.Models.BayesianNetwork.BifFile.Read(pipe),
            () => Atelier.Data.Images.ImageFiles.Read(pipe, 8, 8, 3),
            () => Atelier.Tokenizers.TokenizerFile.Load(pipe),
            () => RecipeReader.Read(pipe, Atelier.Models.ModelFamilies.All),
        ];
        foreach (Action reader in readers)
            Should.Throw<AtelierException>(reader).Message.ShouldContain("is a pipe");
    }

    [Fact]
    public void What_unpacks_to_hundreds_of_times_its_size_is_refused_and_told_of_before()
    {
        using (FileStream file = File.Create(_folder["zeros.txt.gz"]))
        using (var gzip = new GZipStream(file, CompressionLevel.Optimal))
        {
            byte[] line = [.. Enumerable.Repeat((byte)'a', 1 << 20)];
            for (int i = 0; i < 300; i++)
                gzip.Write(line);
        }
        var progress = new List<string>();
        var report = new ReadingReport(new Teller(progress), TestContext.Current.CancellationToken);
        AtelierException e =
            Should.Throw<AtelierException>(() => TextSource.Read(_folder["zeros.txt.gz"], new(), report).Count());
        e.Message.ShouldContain("unpacks to more than 200 times its");
        e.Hint!.ShouldContain("if this is intended, unpack it");
        progress.ShouldContain(line => line.StartsWith("unpacking zeros.txt.gz: 256 MiB", StringComparison.Ordinal));
    }

    [Fact]
    public void Unpacking_can_be_stopped()
    {
        using (FileStream file = File.Create(_folder["a.txt.gz"]))
        using (var gzip = new GZipStream(file, CompressionLevel.Fastest))
            gzip.Write(new byte[1 << 20]);
        var report = new ReadingReport(null, new CancellationToken(canceled: true));
        Should.Throw<OperationCanceledException>(() => TextSource.Read(_folder["a.txt.gz"], new(), report).Count());
    }

    private sealed class Teller(List<string> lines) : IProgress<string>
    {
        public void Report(string value) => lines.Add(value);
    }
}
