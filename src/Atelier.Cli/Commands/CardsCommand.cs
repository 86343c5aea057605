using System.CommandLine;
using System.Text.Json.Nodes;
using Atelier.Evaluation;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Cli.Commands;

/// <summary>Runs the reference recipes and writes their page.</summary>
internal sealed class CardsCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string[]> _names = new("NAME") { Arity = ArgumentArity.ZeroOrMore,
        Description = "The cards to run, by the names of their recipes. By default, all cards without a result." };
    private readonly Option<string[]> _set = TrainCommand.SetOption();
    private readonly Option<string> _out = new("--out") { HelpName = "FILE",
        Description = "The page to write. The results are stored in a .json file in the same folder.",
        DefaultValueFactory = _ => Path.Combine("docs", "reference-cards.md") };

    public CardsCommand(ToolConsole console, Workshop workshop)
        : base(console, "cards", "Runs reference recipes and writes docs/reference-cards.md.",
        "atelier cards shakespeare-ngram")
    {
        _workshop = workshop;
        Add(_names);
        Add(_set);
        Add(_out);
    }

    protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string page = parse.GetRequiredValue(_out);
        var results = new ReferenceCardResults(page);
        string[] names = parse.GetValue(_names) is { Length: > 0 } given
            ? given
            : [.. ReferenceCard.All.Select(c => c.Recipe).Where(name => !results.Read().ContainsKey(name))];
        foreach (string name in names.Where(n => ReferenceCard.All.All(c => c.Recipe != n)))
        {
            throw new AtelierException("there is no card with this name", name,
                $"there are {string.Join(", ", ReferenceCard.All.Select(c => c.Recipe))}");
        }
        foreach (string name in names)
        {
            Recipe recipe = _workshop.ReadRecipe(name, parse.GetRequiredValue(_set));
            string folder = Path.Combine("runs", "cards", name);
            // Only an unfinished run of the unchanged recipe is resumed.
            if (Run.Exists(folder) && (parse.GetRequiredValue(_set).Length > 0 || Run.HasResult(folder)))
                Run.Delete(folder);
            console.Remark($"card {name}: {folder}");
            TrainingOutcome outcome = await TrainingView.ShowAsync(console, progress =>
            {
                var options = new TrainingOptions(folder) { Progress = progress };
                return Run.Exists(folder) ? _workshop.ResumeAsync(options, cancellation)
                    : _workshop.TrainAsync(recipe, options, cancellation);
            }).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            EvaluationReport report = await _workshop.EvaluateAsync(folder, progress: console,
                cancellation: cancellation).ConfigureAwait(false);
            results.Add(name, outcome, report);
            console.Say($"{name}: {report.Verdict}");
            Run.Delete(folder); // its result is stored; the recipe can reproduce it
        }
        console.Result(() => new JsonObject { ["page"] = Path.GetFullPath(page), ["cards"] = results.Read() });
        return 0;
    }
}
