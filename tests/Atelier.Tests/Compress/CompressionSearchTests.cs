using Atelier.Compress;
using Atelier.Tests.Data;
using Atelier.Tests.Exchange;
using Atelier.Tests.Training;

namespace Atelier.Tests.Compress;

public sealed class CompressionSearchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_best_that_fits_is_kept_with_all_that_was_tried()
    {
        CompressionSearchReport found = await SearchAsync("20%", "90%");
        found.Trials.Select(trial => trial.Name).ShouldBe(["q8", "q4", "q3", "q2"]);
        found.Trials.Select(trial => trial.Bytes).ShouldBeInOrder(SortDirection.Descending);
        CompressionTrial[] fitting = [.. found.Trials.Where(trial => trial.Bytes <= 0.2 * found.Best.Before.Bytes)];
        fitting.Length.ShouldBeInRange(2, 3);
        CompressionTrial best = fitting.MinBy(trial => trial.QuickLoss)!;
        found.Best.Type.ShouldBe(best.Name);
        best.Loss!.Value.ShouldBe(found.Best.LossChange!.Value / found.Best.Before.Loss!.Value, 1e-12);
        best.MostLoss!.Value.ShouldBeGreaterThanOrEqualTo(best.Loss.Value);
        new FileInfo(_folder["small/model.gguf"]).Length.ShouldBe(best.Bytes);
        File.ReadAllText(_folder["small/README.md"]).ShouldContain($"| before | {best.Name} |");
        File.ReadAllBytes(found.Plot)[1..4].ShouldBe("PNG"u8.ToArray());
        // the same as when it is asked for by name
        await new Workshop().CompressAsync(_folder["bundle"], _folder["named"],
            new CompressionOptions { Type = best.Name, Calibration = _folder["text.txt"] });
        File.ReadAllBytes(_folder["named/model.gguf"]).ShouldBe(File.ReadAllBytes(_folder["small/model.gguf"]));
    }

    [Theory]
    [InlineData("1%", null, "nothing that was tried fits into 1% of the size; the nearest is q2: ")]
    [InlineData("90%", "0.0001%", "fits into 90% of the size and loses at most 0.0001%; the nearest is q")]
    [InlineData("quarter", null, "'quarter' is not a share")]
    [InlineData("25%", "some", "'some' is not a share")]
    public async Task A_budget_that_cannot_be_met_is_one_line_and_leaves_nothing(string budget, string? mostLoss,
        string said)
    {
        (await Should.ThrowAsync<AtelierException>(() => SearchAsync(budget, mostLoss))).ToLine().ShouldContain(said);
        Directory.GetFileSystemEntries(_folder["."]).Select(Path.GetFileName)
            .ShouldBe(["bundle", "text.txt"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_budget_that_cannot_be_met_keeps_the_bundle_that_was_there()
    {
        await SearchAsync("20%", mostLoss: null);
        byte[] before = File.ReadAllBytes(_folder["small/model.gguf"]);
        await Should.ThrowAsync<AtelierException>(() => SearchAsync("1%", mostLoss: null));
        File.ReadAllBytes(_folder["small/model.gguf"]).ShouldBe(before);
    }

    [Fact]
    public async Task Pruned_models_that_recover_are_tried_too_and_leave_no_runs()
    {
        await new FineTunedRuns(_folder).TrainAsync("run", "gpt", "training.steps=4");
        var workshop = new Workshop();
        CompressionSearchReport found = await workshop.SearchCompressionAsync(_folder["run"], _folder["small"],
            new CompressionSearchOptions { Budget = "50%", RecoverySteps = 2 });
        found.Trials.Select(trial => trial.Name).ShouldBe(["q8", "q4", "q3", "q2", "pruned-50%-q8", "pruned-50%-q4",
            "pruned-50%-q3", "pruned-2-4-q8", "pruned-2-4-q4", "pruned-2-4-q3",
            "pruned-channels-25%-q8", "pruned-channels-25%-q4", "pruned-channels-25%-q3", "pruned-channels-25%-q2"]);
        workshop.History.List().ShouldAllBe(record => !record.Folder.Contains("pruned", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_bundle_without_held_out_text_needs_some()
    {
        TinyBundles.Write(_folder["bundle"], TinyBundles.Llama, TinyBundles.Tokenizer("character"));
        (await Should.ThrowAsync<AtelierException>(() => new Workshop().SearchCompressionAsync(_folder["bundle"],
            _folder["small"], new CompressionSearchOptions { Budget = "25%" }))).ToLine()
            .ShouldContain("there is no held-out text");
    }

    private async Task<CompressionSearchReport> SearchAsync(string budget, string? mostLoss)
    {
        TinyBundles.Write(_folder["bundle"], TinyBundles.Llama, TinyBundles.Tokenizer("character"));
        string text = _folder.Write("text.txt", string.Concat(Enumerable.Repeat(TinyBundles.Text, 8)));
        return await new Workshop().SearchCompressionAsync(_folder["bundle"], _folder["small"],
            new CompressionSearchOptions { Budget = budget, MostLoss = mostLoss, Calibration = text, Against = text });
    }
}
