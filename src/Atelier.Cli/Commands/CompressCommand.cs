using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Compress;
using Atelier.Evaluation;

namespace Atelier.Cli.Commands;

/// <summary>
/// Compresses a text model or a sound, or distils the steps of a diffusion model, and shows the loss of quality.
/// </summary>
internal sealed class CompressCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string> _run = new("RUN")
        { Description = "The folder of a run or a bundle; or a sound file, or a file of a learned codec's codes." };
    private readonly Option<string?> _to = new("--to") { HelpName = "TYPE",
        Description = "Models: q8 (8 bits per weight, the default without --prune), q4, q3 or q2; or one of GGUF's "
            + "q6_k, q5_k, q4_k, q3_k, q2_k, q5_1, q5_0, q4_1, iq4_nl and iq4_xs. Sounds: opus (the default), mu-law, "
            + "codec (the default with --with) or wav." };
    private readonly Option<int?> _bits = new("--bits") { HelpName = "N",
        Description = "The bits per weight of a model: --bits 4 is --to q4." };
    private readonly Option<string?> _prune = new("--prune") { HelpName = "SHARE",
        Description = "Sets this share of the weights of each layer to zero, such as 50%; or 2:4, two of every four. "
            + "channels:25% removes channels of feed-forward layers." };
    private readonly Option<string?> _budget = new("--budget") { HelpName = "SHARE",
        Description = "Searches for the best way to fit the weights of a text model into this share of their size, "
            + "such as 25%." };
    private readonly Option<string?> _mostLoss = new("--most-loss") { HelpName = "SHARE",
        Description = "The most that the search may lose of the quality, such as 1% of the held-out loss." };
    private readonly Option<long?> _steps = new("--recover") { HelpName = "STEPS",
        Description = "The training steps in which a pruned model recovers, by default a quarter of its run's, or "
            + "learns to sample in fewer steps, by default a tenth." };
    private readonly Option<int?> _samplingSteps = new("--steps") { HelpName = "N",
        Description = "Teaches a copy of an image diffusion model to sample in this many steps, such as 4." };
    private readonly Option<string?> _rate = new("--rate") { HelpName = "RATE",
        Description = "The most bits per second of a sound, such as 3k." };
    private readonly Option<string?> _with = new("--with") { HelpName = "RUN",
        Description = "The learned codec to code or decode a sound with: a run of the family audio-codec." };
    private readonly Option<string?> _calibrate = new("--calibrate") { HelpName = "DATA",
        Description = "The text that pruning and weights of 4 bits or fewer are calibrated on: a file, a folder, a "
            + "data set of the catalogue, or a world. By default, the training text of the run. none rounds to the "
            + "nearest." };
    private readonly Option<string?> _against = new("--against") { HelpName = "DATA",
        Description =
        "Other data to evaluate on: a file, a folder, a data set of the catalogue, or a world. By default, the "
            + "held-out text of the run." };
    private readonly Option<string?> _out = new("--out") { HelpName = "F",
        Description = "The folder of the compressed bundle; by default, RUN-q8 and the like. The file of a compressed "
            + "sound; by default, its name with another extension." };

    public CompressCommand(ToolConsole console, Workshop workshop)
        : base(console, "compress", 
        "Makes a text model smaller, teaches a diffusion model to sample in fewer steps, or codes a sound.",
        "atelier compress runs/quickstart --to q8")
    {
        _workshop = workshop;
        Add(_run);
        Add(_to);
        Add(_bits);
        Add(_prune);
        Add(_budget);
        Add(_mostLoss);
        Add(_steps);
        Add(_samplingSteps);
        Add(_rate);
        Add(_with);
        Add(_calibrate);
        Add(_against);
        Add(_out);
    }

    protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string run = parse.GetRequiredValue(_run);
        if (File.Exists(run))
            return await RunSoundAsync(console, run, parse, cancellation).ConfigureAwait(false);
        if (parse.GetResult(_budget) is not null || parse.GetResult(_mostLoss) is not null)
            return await SearchAsync(console, run, parse, cancellation).ConfigureAwait(false);
        string? prune = parse.GetValue(_prune), type = Type(parse) ?? (prune is null ? "q8" : null);
        if (type is not null && SoundCompressing.IsFormat(type) && !Directory.Exists(run))
            throw new AtelierException("there is no such sound", run, "name a file");
        RefuseOptions(parse, "is for sounds", _rate, _with);
        if (parse.GetValue(_samplingSteps) is { } samplingSteps)
            return await RunStepsAsync(console, run, samplingSteps, parse, cancellation).ConfigureAwait(false);
        var options = new CompressionOptions
        {
            Type = type, Prune = prune, RecoverySteps = parse.GetValue(_steps),
            Calibration = parse.GetValue(_calibrate), Against = parse.GetValue(_against),
        };
        string folder = parse.GetValue(_out) ?? $"{Path.TrimEndingDirectorySeparator(run)}-{options.Name}";
        CompressionReport report = await TrainingView.ShowAsync(console, progress =>
            _workshop.CompressAsync(run, folder, options, progress, cancellation)).ConfigureAwait(false);
        Show(console, report);
        if (type is not (null or "q8") && !report.IsCalibrated
            && parse.GetValue(_calibrate) != CompressionOptions.NoCalibration)
            console.Say("not calibrated: there is no training text, or none can be used; give some with --calibrate");
        if (report.Data is null)
            console.Say("not evaluated: there is no held-out text; give some with --against");
        console.Say($"bundle: {report.Bundle}\nmore:   atelier generate {folder}");
        console.Result(() => Json(report));
        return 0;
    }

    private async Task<int> SearchAsync(ToolConsole console, string run, ParseResult parse,
        CancellationToken cancellation)
    {
        RefuseOptions(parse, $"is what {_budget.Name} searches for", _to, _bits, _prune, _samplingSteps);
        RefuseOptions(parse, "is for sounds", _rate, _with);
        var options = new CompressionSearchOptions
        {
            Budget = parse.GetValue(_budget) ?? throw new AtelierException("a search needs a budget", _budget.Name,
                "set it to a share of the size, such as 25%"),
            MostLoss = parse.GetValue(_mostLoss), RecoverySteps = parse.GetValue(_steps),
            Calibration = parse.GetValue(_calibrate), Against = parse.GetValue(_against),
        };
        string folder = parse.GetValue(_out) ?? $"{Path.TrimEndingDirectorySeparator(run)}-small";
        CompressionSearchReport found = await TrainingView.ShowAsync(console, progress =>
            _workshop.SearchCompressionAsync(run, folder, options, progress, cancellation)).ConfigureAwait(false);
        console.Table(["tried", "weights (MB)", "loss, a few passages", "loss, all held-out text"],
            [.. found.Trials.Select(trial => (string[])
            [
                trial.Name, Decimal(trial.Bytes / 1e6, "0.00"), Percent(trial.QuickLoss),
                trial.Loss is { } loss ? $"{Percent(loss)} (at most {Percent(trial.MostLoss!.Value)})" : "",
            ])]);
        Show(console, found.Best);
        console.Say($"bundle: {found.Best.Bundle}\nplot:   {found.Plot}\nmore:   atelier evaluate {folder}");
        console.Result(() => new JsonObject
        {
            ["best"] = Json(found.Best), ["plot"] = found.Plot,
            ["trials"] = new JsonArray([.. found.Trials.Select(trial => new JsonObject
            {
                ["type"] = trial.Name, ["bytes"] = trial.Bytes, ["quickLoss"] = trial.QuickLoss,
                ["loss"] = trial.Loss, ["mostLoss"] = trial.MostLoss,
            })]),
        });
        return 0;

        static string Percent(double share) => $"{Decimal(100 * share, "+0.00;-0.00;0.00")} %";
    }

    private static void Show(ToolConsole console, CompressionReport report)
    {
        console.Table(["", "before", report.Type, "change"],
        [
            report.Similarity is { } similarity
                ? ["similarities of passages (correlation)", "", similarity.ToText(), ""]
                : ["held-out loss (nats per character)", Loss(report.Before.Loss), Loss(report.After.Loss),
                    Change(report.LossChange)],
            Row("weights on disk (MB)", figures => figures.Bytes / 1e6, "0.00"),
            Row("weights in memory (MB)", figures => figures.MemoryBytes / 1e6, "0.00"),
            Row("speed (tokens per second)", figures => figures.TokensPerSecond, "0"),
        ]);

        string[] Row(string name, Func<CompressionFigures, double> figure, string format) =>
        [
            name, Decimal(figure(report.Before), format), Decimal(figure(report.After), format),
            Ratio(figure(report.After) / figure(report.Before)),
        ];
    }

    private static JsonObject Json(CompressionReport report) => new()
    {
        ["bundle"] = report.Bundle, ["type"] = report.Type, ["calibrated"] = report.IsCalibrated,
        ["data"] = report.Data, ["before"] = Json(report.Before), ["after"] = Json(report.After),
        ["lossChange"] = report.LossChange is null ? null : EvaluateCommand.Json(report.LossChange),
        ["similarity"] = report.Similarity is null ? null : EvaluateCommand.Json(report.Similarity),
    };

    private static string Decimal(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private async Task<int> RunStepsAsync(ToolConsole console, string run, int steps, ParseResult parse,
        CancellationToken cancellation)
    {
        RefuseOptions(parse, "is not for fewer sampling steps", _to, _bits, _prune, _calibrate, _against);
        string folder = parse.GetValue(_out) ?? string.Create(CultureInfo.InvariantCulture,
            $"{Path.TrimEndingDirectorySeparator(run)}-{steps}-steps");
        StepDistillationReport report = await TrainingView.ShowAsync(console, progress => _workshop.DistillStepsAsync(
            run, folder, steps, parse.GetValue(_steps), progress, cancellation)).ConfigureAwait(false);
        // the losses are of different questions: one step of few, and the noise in an image
        string[] shared = [.. report.After.Metrics.Keys.Where(name => name != "loss"
            && report.Before.Metrics.ContainsKey(name))];
        console.Table(["", "before", $"{steps} steps"],
        [
            .. shared.Select(name => (string[])
                [name, report.Before.Metrics[name].ToText(), report.After.Metrics[name].ToText()]),
            ["sampling (images per second)", Speed(report.ImagesPerSecondBefore), Speed(report.ImagesPerSecondAfter)],
        ]);
        console.Say($"run:  {report.Run}\nmore: atelier generate {folder} --count 16 --out grid.png");
        console.Result(() => new JsonObject
        {
            ["run"] = report.Run, ["steps"] = report.Steps, ["seconds"] = report.TrainingSeconds,
            ["before"] = Json(report.Before, shared, report.ImagesPerSecondBefore),
            ["after"] = Json(report.After, shared, report.ImagesPerSecondAfter),
        });
        return 0;
    }

    private static JsonObject Json(EvaluationReport report, string[] metrics, double speed) => new()
    {
        ["imagesPerSecond"] = speed,
        ["metrics"] = new JsonObject(metrics.Select(name =>
            KeyValuePair.Create(name, (JsonNode?)EvaluateCommand.Json(report.Metrics[name])))),
    };

    private static string Speed(double perSecond) => perSecond.ToString("0.0", CultureInfo.InvariantCulture);

    private async Task<int> RunSoundAsync(ToolConsole console, string file, ParseResult parse,
        CancellationToken cancellation)
    {
        RefuseOptions(parse, "is for models", _bits, _prune, _steps, _samplingSteps, _calibrate, _against);
        string? rate = parse.GetValue(_rate);
        SoundCompressing.Show(console, await _workshop.CompressSoundAsync(file,
            parse.GetValue(_to) is { } type ? SoundCompressing.Format(type) : null, parse.GetValue(_out),
            rate is null ? null : SoundCompressing.Rate(rate), parse.GetValue(_with), cancellation)
            .ConfigureAwait(false));
        return 0;
    }

    /// <summary>Returns the type of weights, given by its name or by its bits; null if it was not given.</summary>
    private string? Type(ParseResult parse)
    {
        if (parse.GetValue(_bits) is not { } bits)
            return parse.GetValue(_to);
        RefuseOptions(parse, $"says the same as {_bits.Name}", _to);
        return string.Create(CultureInfo.InvariantCulture, $"q{bits}");
    }

    private static void RefuseOptions(ParseResult parse, string why, params IEnumerable<Option> options)
    {
        if (options.FirstOrDefault(option => parse.GetResult(option) is not null) is { } given)
            throw new AtelierException($"{given.Name} {why}", given.Name, "leave it out");
    }

    private static JsonObject Json(CompressionFigures figures) => new()
    {
        ["bytes"] = figures.Bytes, ["memoryBytes"] = figures.MemoryBytes,
        ["tokensPerSecond"] = figures.TokensPerSecond,
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

    private static string Ratio(double ratio) => string.Create(CultureInfo.InvariantCulture, $"{ratio:0.00} ×");
}
