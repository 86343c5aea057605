using System.Text;
using Atelier.Formats;
using Atelier.TestSupport;

namespace Atelier.Runtime.Tests.Formats;

/// <summary>Files that torch.save wrote (PyTorch 1.13), and such as it never would.</summary>
public sealed class PyTorchFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(nameof(PyTorchSamples.Zip))]
    [InlineData(nameof(PyTorchSamples.Old))]
    public void Both_formats_give_the_tensors_that_were_saved(string format)
    {
        PyTorchFile file =
            PyTorchFile.Open(Write(format == nameof(PyTorchSamples.Zip) ? PyTorchSamples.Zip : PyTorchSamples.Old));
        file.Entries.Select(e => $"{e.Name} {e.Type} [{string.Join(", ", e.Shape)}]").ShouldBe(
            ["net.w F32 [3, 4]", "net.t F32 [4, 3]", "net.h F16 [2]", "net.s I64 []", "net.b BF16 [1]", "p F32 [2]"]);
        file.Read("net.w").ShouldBe(Enumerable.Range(0, 12).Select(i => (float)i));
        file.Read("net.t").ShouldBe([0f, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11], "a transposed view of the same storage");
        file.Read("net.h").ShouldBe([1.5f, -2]);
        file.Read("net.s").ShouldBe([7f]);
        file.Read("net.b").ShouldBe([0.5f]);
        file.Read("p").ShouldBe([1f, 1]);
        Should.Throw<AtelierException>(() => file.Read("q")).Message.ShouldContain("'q'");
    }

    [Fact]
    public void The_published_lenet_is_read_whole()
    {
        PyTorchFile file = PyTorchFile.Open(DataFolder.File("weights", "lenet-mnist", "lenet.pth"));
        file.Entries.Count.ShouldBe(10);
        file.Entries.Sum(e => e.ByteCount).ShouldBe(4 * 61_706); // LeNet-5's parameters
        file.Entries.ShouldAllBe(e => file.Read(e.Name).All(float.IsFinite));
    }

    [Theory]
    [InlineData("cposix\nsystem\n(X\x04\0\0\0trueR.", "posix.system")]
    [InlineData("cbuiltins\neval\n.", "builtins.eval")]
    [InlineData("ccollections\nOrderedDict\n(X\x01\0\0\0atR.", "other arguments")]
    [InlineData("(i__main__\nA\n.", "0x69")]
    public void A_pickle_that_asks_for_more_than_tensors_is_refused_by_name(string pickle, string why)
    {
        byte[] head = PyTorchSamples.Old[..137]; // magic number, version, facts of the machine
        string path = Write([.. head, 0x80, 2, .. Encoding.Latin1.GetBytes(pickle)]);
        AtelierException error = Should.Throw<AtelierException>(() => PyTorchFile.Open(path));
        error.Message.ShouldContain(why);
        error.Where.ShouldBe(path);
    }

    [Fact]
    public void Dictionaries_that_hold_one_another_over_and_over_are_refused()
    {
        // {0: d, 1: d, …} with d the same within, ten deep: more paths than any file has weights.
        var pickle = new StringBuilder("}q\0");
        for (int depth = 0; depth < 7; depth++)
            pickle.Append("}(")
                .Append(string.Concat(Enumerable.Range(0, 20).Select(key => $"K{(char)key}h{(char)depth}"))).Append('u')
                .Append('q').Append((char)(depth + 1));
        string path =
            Write([.. PyTorchSamples.Old[..137], 0x80, 2, .. Encoding.Latin1.GetBytes(pickle + "."), 0x80, 2,
            .. "]."u8]);
        Should.Throw<AtelierException>(() => PyTorchFile.Open(path)).Message.ShouldContain("nested");
    }

    private string Write(byte[] bytes)
    {
        string path = Path.Combine(_folder, "weights.pth");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
