using Atelier.Formats;

namespace Atelier.Runtime.Tests.Formats;

public sealed class FileFaultTests
{
    [Theory]
    [InlineData(28, "the disk is full")]
    [InlineData(122, "quota")]
    [InlineData(30, "read-only")]
    [InlineData(13, "access is denied")]
    [InlineData(24, "too many files")]
    public void What_the_system_says_becomes_a_mistake_with_a_way_out(int number, string said)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the numbers are Unix's");
        AtelierException mistake = FileFault.Explain(new IOException("the system's words", number), "here")!;
        mistake.Message.ShouldContain(said);
        mistake.Where.ShouldBe("here");
        mistake.Hint.ShouldNotBeNull();
        FileFault.IsClosedPipe(new IOException("", number)).ShouldBeFalse();
    }

    [Fact]
    public void A_closed_pipe_is_told_apart_and_faults_of_the_program_stay_its_own()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the numbers are Unix's");
        FileFault.IsClosedPipe(new IOException("", 32)).ShouldBeTrue();
        FileFault.Explain(new InvalidOperationException("a bug")).ShouldBeNull();
        FileFault.Explain(new FileNotFoundException("an assembly")).ShouldBeNull();
        FileFault.Explain(new UnauthorizedAccessException("no"))!.Message.ShouldContain("access is denied");
        FileFault.Explain(new UnauthorizedAccessException("no", new IOException("bad descriptor", 9)))!.ToLine()
            .ShouldBe("standard output: is closed and cannot be written to");
    }

    [Fact]
    public void A_device_is_written_to_and_never_replaced()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "this system has no /dev/full");
        Should.Throw<AtelierException>(() => AtomicFile.WriteText("/dev/full", "text")).ToLine()
            .ShouldStartWith("/dev/full: the disk is full");
        AtomicFile.WriteText("/dev/null", "text");
        File.Exists("/dev/null.partial").ShouldBeFalse();
        using var still =
            new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        Should.Throw<IOException>(() => still.WriteByte(1));
    }

    [Fact]
    public void A_disk_that_is_full_in_the_middle_of_a_file_leaves_the_old_one()
    {
        string folder = Directory.CreateTempSubdirectory("atelier").FullName, path = Path.Combine(folder, "file.txt");
        AtomicFile.WriteText(path, "old");
        Should.Throw<AtelierException>(() => AtomicFile.Write(path, stream =>
        {
            stream.WriteByte(1);
            throw new IOException("full", 28);
        }));
        File.ReadAllText(path).ShouldBe("old");
        Directory.EnumerateFiles(folder).ShouldBe([path]);
        Directory.Delete(folder, recursive: true);
    }
}
