using System.CommandLine;
using System.Globalization;
using Atelier.Recipes;
using Atelier.Tasks;

namespace Atelier.Cli.Commands;

/// <summary>Trains and evaluates a small model in a minute.</summary>
internal sealed class QuickstartCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private const string RecipeName = "quickstart";

    private readonly Option<string[]> _set = TrainCommand.SetOption();
    private readonly Option<string?> _out =
        new("--out") { HelpName = "FOLDER", Description = "The folder of the run. By default, runs/quickstart." };

    public QuickstartCommand(ToolConsole console, Workshop workshop)
        : base(console, RecipeName, "Trains, evaluates and samples from a small model in about a minute.",
        "atelier quickstart")
    {
        _workshop = workshop;
        Add(_set);
        Add(_out);
    }

    protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        List<string> overrides = [.. parse.GetRequiredValue(_set)];
        if (parse.GetValue<long?>(Tool.Seed) is { } seed)
            overrides.Add(string.Create(CultureInfo.InvariantCulture, $"seed={seed}"));
        Recipe recipe = _workshop.ReadRecipe(RecipeName, overrides);
        string folder = parse.GetValue(_out) ?? TrainCommand.NewFolder(RecipeName);
        string summary = RecipeSummary.Of(recipe, _workshop.FamilyOf(recipe));
        console.Remark($"training a model {recipe.Description}: {summary}");
        console.Remark($"run: {ShownPath.Of(folder)}");
        return await new TrainingRunner(console, _workshop).RunAsync(new TrainingOptions(folder),
            options => _workshop.TrainAsync(recipe, options, cancellation), cancellation).ConfigureAwait(false);
    }
}
