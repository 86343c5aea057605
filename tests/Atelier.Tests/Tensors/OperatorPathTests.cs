using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tests.Training;
using Atelier.TestSupport;

namespace Atelier.Tests.Tensors;

/// <summary>
/// Which paths serve, in this process and in others that run without oneDNN's cache sizes being corrected: so the
/// paths of a machine with the fault run on any machine.
/// </summary>
public sealed class OperatorPathTests
{
    private const string Variable = "ATELIER_OPERATOR_PATHS";

    private static readonly string[] Classes =
    [
        "*OperatorPathTests", "*OperatorCheckTests", "*DoublingConvolutionTests", "*GradientPenaltiesTests",
        "*RecurrentRuntimeTests", "*TrainingPathTests",
    ];

    private static string? Setting => Environment.GetEnvironmentVariable(Variable);

    [Theory]
    [InlineData("padded")]
    [InlineData("unaided")]
    public async Task Everything_holds_on_the_paths_of_a_machine_with_wrong_answers(string setting)
    {
        Assert.SkipWhen(Setting is not null, "this is such a process itself");
        using var home = new TemporaryFolder();
        string[] arguments =
            [typeof(OperatorPathTests).Assembly.Location, "--progress", "off", "--no-ansi", "--filter-class"];
        var start = new ProcessStartInfo("dotnet", [.. arguments, .. Classes])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [Variable] = setting, ["ATELIER_HOME"] = home.Path },
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string log = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.ShouldBe(0, log + await errors);
        string losses = System.IO.Path.Combine(home.Path, TrainingPathTests.FileName);
        TrainingPathTests.ShouldBeAlike(
            JsonSerializer.Deserialize<Dictionary<string, double[]>>(await File.ReadAllTextAsync(losses))!,
            await TrainingPathTests.LearnAsync());
    }

    [Fact]
    public void Where_oneDNN_knows_the_caches_or_guesses_them_the_tensor_library_is_right()
    {
        Assert.SkipWhen(Setting is not null
            || CheckedOperators.Caches == CacheSizes.Wrong, "this is the process of another path");
        CheckedOperators.Verdicts.ShouldNotBeEmpty();
        CheckedOperators.Verdicts.ShouldAllBe(verdict => verdict.IsRight && verdict.Path == OperatorPath.Library);
    }

    [Fact]
    public void Where_oneDNN_takes_hidden_caches_for_one_byte_the_check_finds_its_wrong_answers_and_other_paths_serve()
    {
        Assert.SkipWhen(Setting is null
            || CheckedOperators.Caches != CacheSizes.Wrong, "oneDNN's cache sizes are right here");
        Path("convolution", "bf16").ShouldBe((false, OperatorPath.PaddedChannels));
        Path("convolution", "fp32").ShouldBe((false, OperatorPath.PaddedChannels));
        Path("convolution, second order", "bf16").ShouldBe((false, OperatorPath.Unfolded));
        Path("LSTM without gradients", "fp32").ShouldBe((false, OperatorPath.AsInTraining));
        Path("LSTM", "bf16").ShouldBe((false, OperatorPath.PaddedChannels));
        Path("linear layer", "bf16").ShouldBe((true, OperatorPath.Library));
    }

    [Fact]
    public void The_paths_of_a_machine_with_wrong_answers_can_be_had_anywhere()
    {
        Assert.SkipWhen(Setting != "padded", "this process takes its own paths");
        foreach (string precision in (string[])["fp32", "bf16"])
        {
            Path("convolution", precision).Path.ShouldBe(OperatorPath.PaddedChannels);
            Path("convolution, second order", precision).Path.ShouldBe(OperatorPath.Unfolded);
            Path("LSTM", precision).Path.ShouldBe(OperatorPath.PaddedChannels);
        }
        Path("LSTM without gradients", "fp32").Path.ShouldBe(OperatorPath.AsInTraining);
        CheckedOperators.Require();
    }

    [Fact]
    public void Verdicts_are_kept_for_the_machine_and_the_setting_and_a_damaged_file_is_written_anew()
    {
        using var home = new TemporaryFolder();
        OperatorVerdict[] verdicts = [new("convolution", "bf16", IsRight: false, OperatorPath.PaddedChannels)];
        var kept = new KeptVerdicts(home.Path, OperatorSetting.Checked, CacheSizes.Known);
        kept.Find().ShouldBeNull();
        kept.Keep(verdicts);
        new KeptVerdicts(home.Path, OperatorSetting.Checked, CacheSizes.Known).Find().ShouldBe(verdicts);
        new KeptVerdicts(home.Path, OperatorSetting.Checked, CacheSizes.Guessed).Find().ShouldBeNull();
        new KeptVerdicts(home.Path, OperatorSetting.Padded, CacheSizes.Known).Find().ShouldBeNull();
        CheckedOperators.Decide(OperatorSetting.Library, home.Path).Verdicts.ShouldBeEmpty();

        string file = Directory.GetFiles(home.Path).ShouldHaveSingleItem();
        File.WriteAllText(file, "[{");
        kept.Find().ShouldBeNull();
        kept.Keep(verdicts);
        kept.Find().ShouldBe(verdicts);
    }

    [Fact]
    public void A_check_that_is_cancelled_stops_and_keeps_nothing()
    {
        using var home = new TemporaryFolder();
        Should.Throw<OperationCanceledException>(() =>
            CheckedOperators.Decide(OperatorSetting.Unaided, home.Path, new(canceled: true)));
        Directory.GetFiles(home.Path).ShouldBeEmpty();
    }

    [Fact]
    public void An_operator_for_which_no_path_is_right_is_refused_in_a_line()
    {
        OperatorVerdict wrong = new("convolution", "fp32", IsRight: false, OperatorPath.None);
        var outcome = new CheckedOperators.Outcome(CacheSizes.Wrong, [wrong]);
        outcome.Convolution.Of(TorchSharp.torch.ScalarType.BFloat16).ShouldBe(OperatorPath.Library);
        Should.Throw<AtelierException>(() => outcome.Convolution.Of(TorchSharp.torch.ScalarType.Float32)).ToLine()
            .ShouldContain("wrong on this machine (convolution)");
    }

    [Fact]
    public void Pictures_are_convolved_in_one_place_alone()
    {
        string source = System.IO.Path.Combine(Repository.Folder, "src");
        string[] files = [.. Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
            .Where(file => Regex.IsMatch(File.ReadAllText(file), @"\.conv(_transpose)?[123]d\("))
            .Select(file => System.IO.Path.GetFileName(file)).Order(StringComparer.Ordinal)];
        files.ShouldBe(["Convolutions.cs", "OneDnn.cs"]);
    }

    [Fact]
    public void A_library_s_symbols_are_found_and_a_file_of_another_kind_has_none()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "libraries of Linux are read");
        using var folder = new TemporaryFolder();
        string text = System.IO.Path.Combine(folder.Path, "text.so");
        File.WriteAllText(text, new string('x', 100));
        SymbolTable.Find(text, "main", 8).ShouldBeNull();
        string cut = System.IO.Path.Combine(folder.Path, "cut.so");
        File.WriteAllBytes(cut, ReadStart(LibTorch.File().Path, 10_000));
        SymbolTable.Find(cut, "main", 8).ShouldBeNull();
    }

    private static byte[] ReadStart(string path, int count)
    {
        using FileStream file = File.OpenRead(path);
        var bytes = new byte[count];
        file.ReadExactly(bytes);
        return bytes;
    }

    private static (bool IsRight, OperatorPath Path) Path(string name, string precision)
    {
        OperatorVerdict verdict = CheckedOperators.Verdicts.Single(v => v.Operator == name && v.Precision == precision);
        return (verdict.IsRight, verdict.Path);
    }
}
