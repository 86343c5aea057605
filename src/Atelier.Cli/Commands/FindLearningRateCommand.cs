using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Recipes;
using Atelier.Training;

namespace Atelier.Cli.Commands;

/// <summary>Finds the learning rate at which the loss falls the fastest.</summary>
internal sealed class FindLearningRateCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string> _recipe =
        new("RECIPE") { Description = "A YAML file, or the name of a built-in recipe." };
    private readonly Option<string[]> _set = TrainCommand.SetOption();
    private readonly Option<string> _out = new("--out")
    {
        HelpName = "FILE", Description = "The PNG file to write the plot to.",
            DefaultValueFactory = _ => "learning-rate.png",
    };

    public FindLearningRateCommand(ToolConsole console, Workshop workshop) : base(console, "find-learning-rate",
        "Suggests a learning rate for a recipe by a range test (Smith 2017).",
            "atelier find-learning-rate quickstart --out learning-rate.png")
    {
        _workshop = workshop;
        Add(_recipe);
        Add(_set);
        Add(_out);
    }

    protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        Recipe recipe = _workshop.ReadRecipe(parse.GetRequiredValue(_recipe), parse.GetRequiredValue(_set));
        string picture = parse.GetRequiredValue(_out);
        LearningRateSweep sweep = await TrainingView.ShowAsync(console,
            progress => _workshop.FindLearningRateAsync(recipe, progress, cancellation)).ConfigureAwait(false);
        sweep.SavePlot(picture);
        string suggestion = sweep.Suggestion.ToString("0.##e+0", CultureInfo.InvariantCulture);
        console.Say($"suggested: --set training.optimizer.learningRate={suggestion}\nplot:      {picture}");
        console.Result(() => new JsonObject
        {
            ["recipe"] = recipe.Name,
            ["suggestion"] = sweep.Suggestion,
            ["plot"] = Path.GetFullPath(picture),
            ["points"] = new JsonArray([.. sweep.Points.Select(p => new JsonObject { ["learningRate"] = p.Rate,
                ["loss"] = p.Loss })]),
        });
        return cancellation.IsCancellationRequested ? Interruption.ExitCode : 0; // the result so far is shown
    }
}
