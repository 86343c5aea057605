using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Compress;
using Atelier.Evaluation;

namespace Atelier.Cli.Commands;

/// <summary>Compresses a text model, and shows the loss of quality.</summary>
internal sealed class CompressCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string> _run = new("RUN") { Description = "The folder of a run or a bundle." };
    private readonly Option<string> _to = new("--to") { HelpName = "TYPE",
        Description = "q8 (8 bits per weight) or q4 (4 bits).", DefaultValueFactory = _ => "q8" };
    private readonly Option<string?> _against = new("--against") { HelpName = "DATA",
        Description =
        "Other data to evaluate on: a file, a folder, a data set of the catalogue, or a world. By default, the "
            + "held-out text of the run." };
    private readonly Option<string?> _out = new("--out") { HelpName = "FOLDER",
        Description = "The folder of the compressed bundle. By default, RUN-q8 or RUN-q4." };

    public CompressCommand(ToolConsole console, Workshop workshop)
        : base(console, "compress", "Quantises the weights of a text model to 8 or 4 bits and measures the effect.",
        "atelier compress runs/quickstart --to q8")
    {
        _workshop = workshop;
        Add(_run);
        Add(_to);
        Add(_against);
        Add(_out);
    }

    protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string run = parse.GetRequiredValue(_run), type = parse.GetRequiredValue(_to);
        string folder = parse.GetValue(_out) ?? $"{Path.TrimEndingDirectorySeparator(run)}-{type}";
        CompressionReport report = await _workshop.CompressAsync(run, type, folder, parse.GetValue(_against), console,
            cancellation).ConfigureAwait(false);
        console.Table(["", "before", type, "change"],
        [
            ["held-out loss (nats per character)", Loss(report.Before.Loss), Loss(report.After.Loss),
                Change(report.LossChange)],
            ["weights (MB)", Megabytes(report.Before), Megabytes(report.After),
                Ratio(report.After.Bytes / (double)report.Before.Bytes)],
            ["generation (tokens per second)", Speed(report.Before), Speed(report.After),
                Ratio(report.After.TokensPerSecond / report.Before.TokensPerSecond)],
        ]);
        if (report.Data is null)
            console.Say("not evaluated: there is no held-out text; give some with --against");
        console.Say($"bundle: {report.Bundle}\nmore:   atelier generate {folder}");
        console.Result(() => new JsonObject
        {
            ["bundle"] = report.Bundle, ["type"] = type, ["data"] = report.Data,
            ["before"] = Json(report.Before), ["after"] = Json(report.After),
            ["lossChange"] = report.LossChange is null ? null : EvaluateCommand.Json(report.LossChange),
        });
        return 0;
    }

    private static JsonObject Json(CompressionFigures figures) => new()
    {
        ["bytes"] = figures.Bytes, ["tokensPerSecond"] = figures.TokensPerSecond,
        ["crossEntropyPerCharacter"] = figures.Loss is null ? null : EvaluateCommand.Json(figures.Loss),
    };

    private static string Loss(Metric? loss) =>
        loss is null ? ""
            : string.Create(CultureInfo.InvariantCulture,
            $"{loss.Value:0.0000} [{loss.Low:0.0000}, {loss.High:0.0000}]");

    private static string Change(Metric? change) =>
        change is null ? "" : $"{Signed(change.Value)} [{Signed(change.Low)}, {Signed(change.High)}]";

    private static string Signed(double value) =>
        Math.Round(value, 4).ToString("+0.0000;-0.0000;0.0000", CultureInfo.InvariantCulture);

    private static string Megabytes(CompressionFigures figures) =>
        (figures.Bytes / 1e6).ToString("0.00", CultureInfo.InvariantCulture);

    private static string Speed(CompressionFigures figures) =>
        figures.TokensPerSecond.ToString("0", CultureInfo.InvariantCulture);

    private static string Ratio(double ratio) => string.Create(CultureInfo.InvariantCulture, $"{ratio:0.00} ×");
}
