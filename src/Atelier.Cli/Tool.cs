using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Cli.Commands;
using Atelier.Formats;

namespace Atelier.Cli;

/// <summary>The tool `atelier`: its commands, and the handling of their errors.</summary>
internal sealed class Tool(ToolConsole console, Workshop workshop)
{
    public const string Json = "--json";
    public const string Quiet = "--quiet";
    public const string Seed = "--seed";

    /// <summary>The exit code after the reader of a pipe has closed it, as in shells.</summary>
    public const int ClosedPipe = 141;

    private const string MayBeEmpty = "--prompt"; // an empty prompt generates from the start

    private const int Bug = 1;
    private const int Mistake = 2;

    /// <summary>
    /// Runs a command line and returns the exit code: 0, 1 for a bug, 2 for a user's mistake, 130 when interrupted, 141
    /// when the output pipe is closed.
    /// </summary>
    public async Task<int> RunAsync(string[] args, CancellationToken cancellation = default)
    {
        Command? command = null;
        try
        {
            ParseResult parse = Root(console, workshop).Parse(args);
            command = parse.CommandResult.Command;
            // The parser takes an unknown option for an argument where it expects one.
            string? option = parse.CommandResult.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens)
                .Select(t => t.Value).FirstOrDefault(v => v.StartsWith("--", StringComparison.Ordinal));
            if (parse.Action is not HelpWithExample && (option is not null || parse.Errors.Count > 0))
                throw Misspelt(parse, option ?? parse.UnmatchedTokens.FirstOrDefault());
            if (parse.Action is not HelpWithExample)
                RefuseEmpty(parse);
            var settings = new InvocationConfiguration
            {
                Output = console.Out,
                Error = console.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null, // Ctrl-C is Program's business
            };
            return await parse.InvokeAsync(settings, cancellation).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            return Fail(e is AggregateException { InnerExceptions: [var first, ..] } ? first : e, args, command);
        }
    }

    /// <summary>Reports the failure of a command and returns its exit code.</summary>
    private int Fail(Exception failure, string[] args, Command? command)
    {
        if (failure is RankFailure { InnerException: { } own } rank)
        {
            int code = Fail(rank.Named(own), args, command);
            rank.Job.Abort(code);
            return code;
        }
        bool json = args.Contains(Json);
        if (FileFault.IsClosedPipe(failure))
            return ClosedPipe;
        if (failure is OperationCanceledException)
        {
            Report(json, "interrupted", where: null, hint: null, "interrupted");
            return Interruption.ExitCode;
        }
        if ((failure as AtelierException ?? FileFault.Explain(failure)) is { } raw)
        {
            AtelierException mistake = OptionNames.Write(raw, command);
            Report(json, mistake.Message, mistake.Where, mistake.Hint, mistake.ToLine());
            return Mistake;
        }
        string hint = $"this is a bug in Atelier: please report it with {WriteLog(failure, args)}";
        Report(json, failure.Message, where: null, hint, $"{failure.Message.ReplaceLineEndings(" ")}; {hint}");
        return Bug;
    }

    /// <summary>All commands.</summary>
    public static RootCommand Root(ToolConsole console, Workshop workshop)
    {
        var root = new RootCommand("Trains, evaluates and runs generative models. Start with: atelier quickstart")
        {
            new Option<bool>(Json) { Recursive = true,
                Description = "Writes the result to stdout as one JSON object; progress goes to stderr." },
            new Option<bool>(Quiet) { Recursive = true, Description = "Hides progress and remarks." },
            new Option<long?>(Seed) { Recursive = true, Description = "The random seed.",
                HelpName = "N" },
            new QuickstartCommand(console, workshop),
            new TrainCommand(console, workshop),
            new ChooseCommand(console, workshop),
            new CurveCommand(console, workshop),
            new GenerateCommand(console, workshop),
            new EvaluateCommand(console, workshop),
            new ServeCommand(console, workshop),
            new RateCommand(console, workshop),
            new ExplainCommand(console, workshop),
            new DataCommand(console),
            new RecipesCommand(console, workshop),
            new RunsCommand(console, workshop),
            new ImportCommand(console, workshop),
            new ExportCommand(console, workshop),
            new CompressCommand(console, workshop),
            new FindLearningRateCommand(console, workshop),
            new CardsCommand(console, workshop),
            new DoctorCommand(console),
        };
        foreach (Option option in root.Options)
        {
            if (option is not HelpOption { Action: HelpAction usual } help)
                continue;
            var shown = new HelpWithExample(usual);
            help.Action = shown;
            // A command that only groups others shows its help.
            foreach (Command group in root.Subcommands.Prepend(root)
                .Where(c => c.Subcommands.Count > 0 && c.Action is null))
                group.SetAction(shown.Invoke);
        }
        return root;
    }

    /// <summary>
    /// Refuses options and arguments with an empty value, except where it has a meaning.
    /// </summary>
    private static void RefuseEmpty(ParseResult parse)
    {
        foreach (SymbolResult result in parse.CommandResult.Children)
        {
            string name = result is OptionResult option ? option.Option.Name : ((ArgumentResult)result).Argument.Name;
            if (name is not MayBeEmpty && result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
            {
                throw new AtelierException($"{name} is empty", string.Join(' ', Path(parse.CommandResult.Command)),
                    result is OptionResult ? "give it a value, or leave it out" : "give it a value");
            }
        }
    }

    private static AtelierException Misspelt(ParseResult parse, string? wrong)
    {
        Command command = parse.CommandResult.Command;
        string path = string.Join(' ', Path(command));
        string help = $"{path} --help lists the options and commands";
        if (wrong is null && parse.Errors[0].SymbolResult is OptionResult { Tokens: [{ Value: var value }] } number)
        {
            Type type = Nullable.GetUnderlyingType(number.Option.ValueType) ?? number.Option.ValueType;
            string? due = type == typeof(double) ? "a number such as 0.5"
                : type == typeof(int) || type == typeof(long) ? "a whole number such as 100" : null;
            if (due is not null)
                return new AtelierException($"{number.Option.Name} is '{value}'", path, $"write {due}");
        }
        if (wrong is null)
            return new AtelierException(parse.Errors[0].Message.ReplaceLineEndings(" ").TrimEnd('.'), path, help);
        IEnumerable<string> known = wrong.StartsWith('-')
            ? command.Options.Concat(parse.RootCommandResult.Command.Options.Where(o => o.Recursive))
                .Select(o => o.Name)
            : command.Subcommands.Select(c => c.Name);
        string kind = wrong.StartsWith('-') ? "unknown option" : command.Subcommands.Count > 0 ? "unknown command"
            : "unexpected argument";
        return new AtelierException($"{kind} '{wrong}'", path,
            Spelling.Nearest(wrong, known) is { } near ? $"did you mean '{near}'? {help}" : help);
    }

    private static IEnumerable<string> Path(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? Path(parent).Append(command.Name)
            : ["atelier"];

    private void Report(bool json, string message, string? where, string? hint, string line)
    {
        try
        {
            console.Error.WriteLine(json
                ? new JsonObject { ["error"] = message, ["where"] = where, ["hint"] = hint }.ToJsonString() : line);
        }
        catch (IOException)
        {
            // Standard error is full or closed; the exit code remains.
        }
    }

    private static string WriteLog(Exception e, string[] args)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"error-{DateTime.UtcNow:yyyyMMdd-HHmmss}.log");
        string text =
            $"atelier {string.Join(' ', args)}\n{typeof(Tool).Assembly.GetName().Version} {Environment.OSVersion} "
                + $"{Environment.Version}\n{e}\n";
        try
        {
            string path = System.IO.Path.Combine(AtelierHome.Folder, "logs", name);
            AtomicFile.WriteText(path, text);
            return path;
        }
        catch (AtelierException unwritten)
        {
            return $"this text, because no log could be written ({unwritten.Message}): {text.ReplaceLineEndings(" ")}";
        }
    }
}
