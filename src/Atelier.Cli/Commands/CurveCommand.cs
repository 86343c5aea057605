using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Evaluation;
using Atelier.Recipes;

namespace Atelier.Cli.Commands;

/// <summary>Trains by one recipe on more and more examples, and plots how well each model does.</summary>
internal sealed class CurveCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string> _recipe =
        new("RECIPE") { Description = "A YAML file, or the name of a built-in recipe." };
    private readonly Option<string> _examples = new("--examples")
    {
        HelpName = "N,N,…", Description = "The numbers of training examples.",
            DefaultValueFactory = _ => "10,100,1000",
    };
    private readonly Option<string?> _from = new("--from")
    {
        HelpName = "RUN", Description = "A run or a bundle whose weights each training starts from.",
    };
    private readonly Option<string[]> _set = TrainCommand.SetOption();
    private readonly Option<string?> _out =
        new("--out") { HelpName = "FOLDER", Description = "The folder of the curve. By default, runs/NAME." };
    private readonly Option<string[]> _with = new("--with")
    {
        HelpName = "FOLDER", Description = "Another curve to draw in the same plot. Can be repeated.",
            DefaultValueFactory = _ => [],
    };

    public CurveCommand(ToolConsole console, Workshop workshop)
        : base(console, "curve",
            "Trains on more and more examples by one recipe, and plots the models' metrics on held-out data.",
            "atelier curve ewt-tagger --examples 10,100,1000 --out runs/curve")
    {
        _workshop = workshop;
        Add(_recipe);
        Add(_examples);
        Add(_from);
        Add(_set);
        Add(_out);
        Add(_with);
    }

    protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        Recipe recipe = _workshop.ReadRecipe(parse.GetRequiredValue(_recipe), parse.GetRequiredValue(_set));
        if (parse.GetValue(_from) is { } from)
            recipe = recipe with { Training = recipe.Training with { From = from } };
        if (parse.GetValue<long?>(Tool.Seed) is { } seed)
            recipe = recipe with { Seed = seed };
        LearningCurve[] others = [.. parse.GetRequiredValue(_with).Select(LearningCurve.Read)];
        string folder = parse.GetValue(_out) ?? TrainCommand.NewFolder(recipe.Name);
        int[] counts = [.. parse.GetRequiredValue(_examples).Split(',').Select(Count)];
        LearningCurve curve = await TrainingView.ShowAsync(console, progress =>
            _workshop.TrainCurveAsync(recipe, counts, folder, progress, cancellation)).ConfigureAwait(false);
        string plot = Path.Combine(folder, LearningCurve.PlotName);
        if (others.Length > 0)
            LearningCurve.SavePlot(plot, [curve, .. others]);
        console.Table(["examples", curve.Headline.Metric, "seconds"], curve.Points.Select(point => (string[])
            [
                point.Examples.ToString(CultureInfo.InvariantCulture), point.Metric.ToText(),
                point.Seconds.ToString("0.0", CultureInfo.InvariantCulture),
            ]));
        console.Say($"plot: {ShownPath.Of(plot)}");
        console.Result(() => new JsonObject
        {
            ["recipe"] = curve.Name,
            ["metric"] = curve.Headline.Metric,
            ["plot"] = Path.GetFullPath(plot),
            ["points"] = new JsonArray([.. curve.Points.Select(point => new JsonObject
            {
                ["examples"] = point.Examples,
                ["run"] = point.Run,
                ["seconds"] = point.Seconds,
                [curve.Headline.Metric] = EvaluateCommand.Json(point.Metric),
            })]),
        });
        return 0;
    }

    private static int Count(string text) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count
            : throw new AtelierException($"'{text.Trim()}' is not a number of examples", "--examples",
                "write whole numbers with commas between them: 10,100,1000");
}
