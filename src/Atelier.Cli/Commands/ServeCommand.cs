using System.CommandLine;
using System.Net;
using System.Text.Json.Nodes;
using Atelier.Server;
using Microsoft.Extensions.Logging;

namespace Atelier.Cli.Commands;

/// <summary>Serves models over HTTP until it is interrupted.</summary>
internal sealed class ServeCommand : ToolCommand
{
    private const long Megabyte = 1 << 20;
    private const string UsualRuns = "runs";
    private const string KeysVariable = "ATELIER_API_KEYS";
    private static readonly ServerOptions Defaults = new();

    private readonly Workshop _workshop;
    private readonly Argument<string[]> _runs = new("RUN")
    {
        Description = "The models: folders of runs or bundles, or GGUF files, each optionally as NAME=PATH. Without "
            + "one, all finished runs of the folder of runs, also those that are finished later.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> _folder = new("--runs") { HelpName = "FOLDER",
        Description = "The folder of runs, whose finished runs are served and to which trainings of the studio go; "
            + "runs if no RUN is named." };
    private readonly Option<string?> _uploads = new("--uploads") { HelpName = "FOLDER",
        Description = "The folder of data that are uploaded in the studio; by default, uploads beside the folder of "
            + "runs." };
    private readonly Option<int> _uploadLimit = new("--upload-limit") { HelpName = "MB",
        Description = "The largest size of an upload in megabytes; 0 accepts none.",
        DefaultValueFactory = _ => (int)(Defaults.MostUploadBytes / Megabyte) };
    private readonly Option<bool> _allowTraining = new("--allow-training") { Description =
        "Accepts data and starts trainings for other machines too, not only for this one." };
    private readonly Option<string[]> _studies = new("--study") { HelpName = "STUDY",
        Description = "A study that raters answer: its folder, or its file study.db. Can be repeated.",
        DefaultValueFactory = _ => [] };
    private readonly Option<string> _host = new("--host") { HelpName = "ADDRESS",
        Description = "The address to listen on. Addresses that other machines can reach need keys.",
        DefaultValueFactory = _ => "127.0.0.1" };
    private readonly Option<int> _port = new("--port") { HelpName = "N", Description = "The port; 0 takes a free one.",
        DefaultValueFactory = _ => Defaults.Port };
    private readonly Option<string?> _keys = new("--keys") { HelpName = "FILE",
        Description = $"The file of hashed keys. Keys can also be given in the environment variable {KeysVariable}, "
            + "separated by commas." };
    private readonly Option<string?> _newKey = new("--new-key") { HelpName = "NAME",
        Description = "Adds a key to the file of --keys, shows it once, and ends." };
    private readonly Option<string?> _certificate = new("--certificate") { HelpName = "FILE",
        Description = "A certificate for TLS: PEM, or PKCS #12 without a password." };
    private readonly Option<string?> _certificateKey = new("--certificate-key") { HelpName = "FILE",
        Description = "The private key of a PEM certificate, if it is in its own file." };
    private readonly Option<int> _slots = new("--slots") { HelpName = "N",
        Description = "The number of samples of a model that are generated at the same time.",
        DefaultValueFactory = _ => Defaults.Slots };
    private readonly Option<int> _queue = new("--queue") { HelpName = "N",
        Description = "The number of requests that may wait for a model; further ones are answered with 429.",
        DefaultValueFactory = _ => Defaults.QueueLength };
    private readonly Option<int> _rate = new("--requests-per-minute") { HelpName = "N",
        Description = "The number of requests a minute that a key may send; 0 for no limit.",
        DefaultValueFactory = _ => Defaults.RequestsPerMinute };
    private readonly Option<double> _timeout = new("--timeout") { HelpName = "SECONDS",
        Description = "The longest time that a request may take, waiting included.",
        DefaultValueFactory = _ => Defaults.RequestTimeout.TotalSeconds };
    private readonly Option<double> _idle = new("--idle") { HelpName = "SECONDS",
        Description = "The time without requests after which a model leaves memory.",
        DefaultValueFactory = _ => Defaults.IdleTimeout.TotalSeconds };
    private readonly Option<double> _grace = new("--grace") { HelpName = "SECONDS",
        Description = "The time that running requests have to finish when the server is interrupted.",
        DefaultValueFactory = _ => Defaults.ShutdownTimeout.TotalSeconds };
    private readonly Option<string> _device =
        new("--device") { HelpName = "NAME", Description = "auto, cpu or cuda.", DefaultValueFactory = _ => "auto" };

    public ServeCommand(ToolConsole console, Workshop workshop)
        : base(console, "serve", "Serves models over HTTP, with OpenAI's API.",
            "atelier serve runs/quickstart --port 5080")
    {
        _workshop = workshop;
        Add(_runs);
        foreach (Option option in (Option[])[_folder, _uploads, _uploadLimit, _allowTraining, _studies, _host, _port,
            _keys, _newKey, _certificate, _certificateKey, _slots, _queue, _rate, _timeout, _idle, _grace, _device])
            Add(option);
    }

    protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        if (parse.GetValue(_newKey) is { } name)
            return AddKey(console, parse.GetValue(_keys), name);
        ServerOptions options = Read(parse);
        await using ModelServer server = await ModelServer.StartAsync(_workshop, options,
            console.Quiet ? null : Log, cancellation).ConfigureAwait(false);
        console.Say($"Studio: {server.Address}   Ctrl-C ends");
        console.Say($"API:    {server.Address}v1   documentation: {server.Address}docs");
        console.Say(server.ModelNames.Count > 0 ? $"Models: {string.Join(", ", server.ModelNames)}"
            : "Models: none yet; make one in the studio, or with: atelier quickstart");
        console.Result(() => new JsonObject
        {
            ["address"] = server.Address.ToString(),
            ["models"] = new JsonArray([.. server.ModelNames.Select(model => (JsonNode)model)]),
        });
        await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        console.Say("Stopping: running requests may finish."
            + (server.RunningTrainings > 0 ? " Trainings go on; a server started again shows them." : ""));
        await server.StopAsync(CancellationToken.None).ConfigureAwait(false);
        return 0;
    }

    private static void Log(ILoggingBuilder log) => log.AddSimpleConsole(form => form.SingleLine = true)
        .AddConsole(form => form.LogToStandardErrorThreshold = LogLevel.Trace)
        .SetMinimumLevel(LogLevel.Warning).AddFilter("Atelier", LogLevel.Information);

    private static int AddKey(ToolConsole console, string? file, string name)
    {
        if (file is null)
            throw new AtelierException("no file was named", "--keys", "write --keys FILE");
        string key = ApiKeys.Create(file, name);
        console.Say($"The key of {name}, which is not stored and not shown again:");
        console.Say(key);
        console.Result(() => new JsonObject { ["name"] = name, ["key"] = key });
        return 0;
    }

    private ServerOptions Read(ParseResult parse)
    {
        string host = parse.GetRequiredValue(_host);
        if (!IPAddress.TryParse(host == "localhost" ? "127.0.0.1" : host, out IPAddress? address))
            throw new AtelierException($"'{host}' is no address", "--host", "write 127.0.0.1, 0.0.0.0 or ::");
        string[] studies = [.. (parse.GetValue(_studies) ?? [])
            .Select(study => Directory.Exists(study) ? Path.Combine(study, "study.db") : study)];
        string[] named = parse.GetValue(_runs) ?? [];
        string? folder = parse.GetValue(_folder) ?? (named.Length == 0 ? UsualRuns : null);
        // on another address than the loopback, who has a key may use this machine for trainings only if it is said so
        bool makes = folder is not null && (IPAddress.IsLoopback(address) || parse.GetValue(_allowTraining));
        return new ServerOptions
        {
            Models = NamedModels.Read(named, _workshop.History),
            RunsFolder = folder,
            UploadsFolder = parse.GetValue(_uploads),
            MostUploadBytes = makes ? UploadBytes(parse.GetValue(_uploadLimit)) : 0,
            Trainer = makes && !OperatingSystem.IsWindows() ? Trainer() : null,
            Studies = studies,
            Address = address,
            Port = parse.GetValue(_port),
            Keys = Keys(parse.GetValue(_keys)),
            CertificatePath = parse.GetValue(_certificate),
            CertificateKeyPath = parse.GetValue(_certificateKey),
            Slots = parse.GetValue(_slots),
            QueueLength = parse.GetValue(_queue),
            RequestsPerMinute = parse.GetValue(_rate),
            RequestTimeout = Seconds(parse, _timeout),
            IdleTimeout = Seconds(parse, _idle),
            ShutdownTimeout = Seconds(parse, _grace),
            Device = parse.GetRequiredValue(_device),
        };
    }

    private static ApiKeys Keys(string? file)
    {
        string[] given = Environment.GetEnvironmentVariable(KeysVariable)
            ?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        if (file is not null && given.Length > 0)
            throw new AtelierException($"keys are given in a file and in {KeysVariable}", "--keys", "use one of them");
        return file is not null ? ApiKeys.Read(file) : ApiKeys.Of(given);
    }

    private static TimeSpan Seconds(ParseResult parse, Option<double> option)
    {
        const double most = 86_400; // a day
        double seconds = parse.GetValue(option);
        return seconds is > 0 and <= most ? TimeSpan.FromSeconds(seconds)
            : throw new AtelierException(FormattableString.Invariant($"{option.Name} is {seconds}"), option.Name,
                FormattableString.Invariant($"allowed: more than 0, at most {most} seconds"));
    }

    private static long UploadBytes(int megabytes) => megabytes >= 0 ? megabytes * Megabyte
        : throw new AtelierException(FormattableString.Invariant($"--upload-limit is {megabytes}"), "--upload-limit",
            "allowed: 0 or more");

    /// <summary>This tool, as the program of trainings; it has no need of the keys.</summary>
    private static TrainingCommand Trainer()
    {
        string program = Environment.ProcessPath!;
        bool isDotnet = Path.GetFileNameWithoutExtension(program) == "dotnet";
        return new TrainingCommand(program, isDotnet ? [typeof(Tool).Assembly.Location] : [])
        {
            Environment = new Dictionary<string, string?> { [KeysVariable] = null },
        };
    }
}
