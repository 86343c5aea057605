using System.CommandLine;
using System.Net;
using System.Text.Json.Nodes;
using Atelier.Runs;
using Atelier.Server;
using Microsoft.Extensions.Logging;

namespace Atelier.Cli.Commands;

/// <summary>Serves models over HTTP until it is interrupted.</summary>
internal sealed class ServeCommand : ToolCommand
{
    private const string KeysVariable = "ATELIER_API_KEYS";
    private static readonly ServerOptions Defaults = new();

    private readonly Workshop _workshop;
    private readonly Argument<string[]> _runs = new("RUN")
    {
        Description = "The models: folders of runs or bundles, or GGUF files, each optionally as NAME=PATH. Without "
            + "one, all finished runs of the folder runs.",
        Arity = ArgumentArity.ZeroOrMore,
    };

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
        foreach (Option option in (Option[])[_studies, _host, _port, _keys, _newKey, _certificate, _certificateKey,
            _slots, _queue, _rate, _timeout, _idle, _grace, _device])
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
        console.Say($"Models: {string.Join(", ", options.Models.Keys)}");
        console.Result(() => new JsonObject
        {
            ["address"] = server.Address.ToString(),
            ["models"] = new JsonArray([.. options.Models.Keys.Select(model => (JsonNode)model)]),
        });
        await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        console.Say("Stopping: running requests may finish.");
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
        return new ServerOptions
        {
            Models = Models(parse.GetValue(_runs) ?? [], needsOne: studies.Length == 0),
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

    /// <summary>The models that are named, or all finished runs.</summary>
    private Dictionary<string, string> Models(IReadOnlyList<string> named, bool needsOne)
    {
        const string usual = "runs";
        if (named.Count == 0)
        {
            named = Directory.Exists(usual)
                ? [.. Directory.EnumerateDirectories(usual).Where(Run.HasResult).Order(StringComparer.Ordinal)] : [];
            if (named.Count == 0 && needsOne)
                throw new AtelierException("there is no finished run to serve", usual,
                    "train one: atelier quickstart, or name a model: atelier serve PATH");
        }
        return NamedModels.Read(named, _workshop.History);
    }
}
