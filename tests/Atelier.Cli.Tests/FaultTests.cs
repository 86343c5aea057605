using System.Diagnostics;
using System.Globalization;

namespace Atelier.Cli.Tests;

/// <summary>Full disks, closed pipes and signals, met by the tool as a process of its own.</summary>
[Collection(nameof(ToolCollection))]
public sealed class FaultTests : IDisposable
{
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task A_full_disk_behind_standard_output_is_one_line_and_exit_code_2()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the numbers are Unix's");
        await using var full = new StreamWriter(new FullStream()) { AutoFlush = true };
        using var error = new StringWriter();
        int code = await new Tool(new ToolConsole(full, error, IsTerminal: false), new Workshop())
            .RunAsync(["recipes", "list"], TestContext.Current.CancellationToken);
        (code, error.ToString())
            .ShouldBe((2, "the disk is full; free some space or choose another place" + Environment.NewLine));
    }

    [Fact]
    public async Task Who_stops_reading_gets_no_error()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the numbers are Unix's");
        await using var closed = new StreamWriter(new FullStream { Number = 32 }) { AutoFlush = true };
        using var error = new StringWriter();
        int code = await new Tool(new ToolConsole(closed, error, IsTerminal: false), new Workshop())
            .RunAsync(["recipes", "list"], TestContext.Current.CancellationToken);
        (code, error.ToString()).ShouldBe((Tool.ClosedPipe, ""));
    }

    [Theory]
    [InlineData("recipes list > /dev/full", 2, "the disk is full")]
    [InlineData("recipes show quickstart --resolved | head -1", 141, null)]
    [InlineData("recipes list --json > /dev/full", 2, "the disk is full")]
    [InlineData("recipes list > /dev/full 2>&1", 2, null)]
    [InlineData("data clean world:stories-en --out /dev/full", 2, "the disk is full")]
    [InlineData("recipes list > /dev/null", 0, null)]
    public void A_shell_sees_a_line_and_a_code(string command, int code, string? said)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "this system has no /dev/full");
        // A pipe's writer must come first to meet its closed end: the reader takes one line and goes.
        string line = $"dotnet '{typeof(Tool).Assembly.Location}' {command}; exit ${{PIPESTATUS[0]}}";
        (int ended, string error) = Shell(line);
        if (command.Contains('|', StringComparison.Ordinal))
            ended.ShouldBeOneOf(0, code); // all may have been written before the reader went
        else
            ended.ShouldBe(code, error);
        if (said is null)
            error.ShouldBeEmpty();
        else
            error.Trim().ShouldContain(said);
        error.Trim().ShouldNotContain("\n");
        error.ShouldNotContain("bug");
    }

    [Fact]
    public void A_mistake_that_only_the_data_shows_leaves_no_folder_behind()
    {
        string table = _tool.At("one.csv"), folder = _tool.At("runs/of/one");
        File.WriteAllText(table, "");
        _tool.Run("train", "--table", table, "--out", folder).Code.ShouldBe(2);
        Directory.Exists(_tool.At("runs")).ShouldBeFalse();
        string text = _tool.At("boats.txt");
        File.WriteAllText(text,
            string.Concat(Enumerable.Range(0, 50)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"{i} little boats.\n\n"))));
        ToolResult profiled = _tool.Run("train", "--text", text, "--model", "ngram", "--profile", "--out", folder);
        (profiled.Code, profiled.Error.Contains("does not train in steps", StringComparison.Ordinal))
            .ShouldBe((2, true), profiled.Error);
        Directory.Exists(_tool.At("runs")).ShouldBeFalse();
        _tool.Run("runs", "list", "--json").Json.GetProperty("runs").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public void Training_for_which_no_operator_is_right_is_refused_and_leaves_no_folder_but_counting_goes_on()
    {
        string text = _tool.At("boats.txt");
        File.WriteAllText(text, string.Concat(Enumerable.Range(0, 300)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"{i} little boats.\n\n"))));
        string tool = $"ATELIER_OPERATOR_PATHS=none dotnet '{typeof(Tool).Assembly.Location}'";
        string Train(string model, string folder) => $"{tool} train --text '{text}' --model {model} "
            + $"--set evaluation.samples=0 --out '{_tool.At(folder)}' > /dev/null";
        (int refused, string error) = Shell(Train("rnn", "runs/of/one"));
        refused.ShouldBe(2, error);
        error.ShouldContain("the tensor library's results are wrong on this machine (convolution in fp32)");
        Directory.Exists(_tool.At("runs")).ShouldBeFalse();
        (int counted, string counting) = Shell(Train("ngram", "ngram"));
        counted.ShouldBe(0, counting);
    }

    [Fact]
    public void What_takes_no_steps_is_not_said_to_and_changes_show_in_the_first_line()
    {
        string text = _tool.At("boats.txt");
        File.WriteAllText(text,
            string.Concat(Enumerable.Range(0, 300)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"{i} little boats and {i + 1} more.\n\n"))));
        ToolResult counted = _tool.Run("train", "--text", text, "--model", "ngram", "--set", "model.order=3", "--set",
            "evaluation.samples=0", "--out", _tool.At("ngram"));
        counted.Code.ShouldBe(0, counted.Error);
        counted.Error.Split('\n')[0].ShouldContain("ngram, order 3, character tokens (change any with --set)");
        counted.Error.ShouldNotContain("step");

        ToolResult learned = _tool.Run("train", "--text", text, "--set", "training.steps=7", "--set",
            "training.batchSize=4", "--set", "model.layerCount=1",
            "--set", "model.hiddenSize=16", "--set", "model.contextLength=16", "--set", "training.threads=1", "--set",
                "evaluation.samples=0", "--out", _tool.At("gpt"));
        learned.Code.ShouldBe(0, learned.Error);
        learned.Error.Split('\n')[0].ShouldContain("gpt, 1 layer, 16 wide, context 16, character tokens, 7 steps of 4");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(15)]
    [InlineData(1)]
    public async Task A_signal_to_a_training_is_answered_and_a_checkpoint_is_kept(int signal)
    {
        Assert.SkipUnless(File.Exists("/proc/self/status"), "whether a signal is ignored cannot be seen here");
        ulong ignored = ulong.Parse(File.ReadLines("/proc/self/status")
            .Single(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))[7..].Trim(), NumberStyles.HexNumber,
            CultureInfo.InvariantCulture);
        Assert.SkipWhen(((ignored >> (signal - 1)) & 1) == 1,
            "the shell that started this ignores the signal, and so does all that it starts");
        string text = _tool.At("boats.txt"), folder = _tool.At("run");
        File.WriteAllText(text,
            string.Concat(Enumerable.Range(0, 400)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"{i} little boats and {i + 1} more.\n\n"))));
        var start = new ProcessStartInfo("dotnet",
            [typeof(Tool).Assembly.Location, "train", "--text", text, "--out", folder, "--set", "model.layerCount=1",
            "--set", "model.hiddenSize=16", "--set", "model.contextLength=16", "--set", "training.batchSize=4", "--set",
                "training.steps=1000000",
            "--set", "training.checkpointEvery=20", "--set", "training.sampleEvery=0", "--set", "training.threads=1"])
        {
            RedirectStandardError = true, UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string checkpoints = Path.Combine(folder, "checkpoints");
        while (!(Directory.Exists(checkpoints) && Directory.EnumerateDirectories(checkpoints, "step-*").Any())
            && !process.HasExited)
            await Task.Delay(5, TestContext.Current.CancellationToken);
        Shell(string.Create(CultureInfo.InvariantCulture, $"kill -{signal} {process.Id}"));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        string said = await error;
        process.ExitCode.ShouldBe(130, said);
        said.ShouldContain("stopping");
        said.ShouldContain($"continue with: atelier train --resume --out {ShownPath.Of(folder)}");
        int step = int.Parse(said.Split("interrupted after step ")[1].Split(';')[0], CultureInfo.InvariantCulture);
        Directory.Exists(Path.Combine(checkpoints, $"step-{step}")).ShouldBeTrue();
    }

    private static (int Code, string Error) Shell(string line)
    {
        var start = new ProcessStartInfo("bash", ["-c", line]) { RedirectStandardError = true,
            RedirectStandardOutput = true, UseShellExecute = false };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        output.GetAwaiter().GetResult();
        process.WaitForExit();
        return (process.ExitCode, error);
    }

    /// <summary>A stream that the operating system lets nobody write to, as .NET tells of it on Linux.</summary>
    private sealed class FullStream : Stream
    {
        private bool _isTold;

        public int Number { get; init; } = 28;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => 0;

        public override long Position { get; set; }

        public override void Flush()
        {
            // Nothing is held back.
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count)
        {
            if (!_isTold)
            {
                _isTold = true; // once: what is still held back is written when the stream is closed
                throw new IOException("the system says so", Number);
            }
        }
    }
}
