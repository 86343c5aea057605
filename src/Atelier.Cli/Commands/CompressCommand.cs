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
    private readonly Argument<string> _run = new("RUN") { Description = "A run's folder or a bundle's." };
    private readonly Option<string> _to = new("--to") { HelpName = "TYPE",
        Description = "q8 (8 bits a weight) or q4 (4 bits).", DefaultValueFactory = _ => "q8" };
    private readonly Option<string?> _against = new("--against") { HelpName = "DATA",
        Description =
        "Other data to judge by: a file, a folder, a catalogue name or a world. Without it the run's own "
            + "held-out text." };
    private readonly Option<string?> _out = new("--out") { HelpName = "FOLDER",
        Description = "The compressed bundle's folder. Without it RUN-q8 or RUN-q4." };

    public CompressCommand(ToolConsole console, Workshop workshop)
        : base(console, "compress", "Makes a text model smaller, weights in 8 or 4 bits, and says what it lost.",
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
            ["held-out loss (nats a character)", Loss(report.Before.Loss), Loss(report.After.Loss),
                Change(report.LossChange)],
            ["weights (MB)", Megabytes(report.Before), Megabytes(report.After),
                Ratio(report.After.Bytes / (double)report.Before.Bytes)],
            ["writing (tokens a second)", Speed(report.Before), Speed(report.After),
                Ratio(report.After.TokensPerSecond / report.Before.TokensPerSecond)],
        ]);
        if (report.Data is null)
            console.Say("not judged: there is no held-out text here; give some with --against");
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
