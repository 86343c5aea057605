using System.CommandLine;
using System.Globalization;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Cli.Commands;

/// <summary>Teaches a model by a recipe, or on a person's own text.</summary>
internal sealed class TrainCommand : ToolCommand
{
    private readonly Argument<string?> _recipe = new("RECIPE")
    {
        Arity = ArgumentArity.ZeroOrOne, Description = "A YAML file, or a built-in recipe's name (atelier recipes list).",
    };

    private readonly Option<string?> _text = new("--text") { HelpName = "F|D", Description = "A file or folder of text to learn from; settings are chosen by its size." };
    private readonly Option<string?> _model = new("--model") { HelpName = "FAMILY", Description = "The family of model." };
    private readonly Option<string[]> _set = SetOption();
    private readonly Option<string?> _out = new("--out") { HelpName = "FOLDER", Description = "The run's folder; runs/NAME where it is left out." };
    private readonly Option<bool> _resume = new("--resume") { Description = "Goes on with the unfinished run in --out, or with the latest one." };

    public TrainCommand(ToolConsole console) : base(console, "train", "Teaches a model.",
        "atelier train quickstart --set training.steps=200 --out runs/first")
    {
        Add(_recipe);
        Add(_text);
        Add(_model);
        Add(_set);
        Add(_out);
        Add(_resume);
    }

    /// <summary>Changes to a recipe, one key a use.</summary>
    public static Option<string[]> SetOption() =>
        new("--set") { HelpName = "KEY=VALUE", Description = "Changes the recipe, for example training.steps=500; may stand several times.", DefaultValueFactory = _ => [] };

    protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        if (parse.GetValue(_resume))
        {
            string unfinished = parse.GetValue(_out) ?? Unfinished();
            if (parse.GetValue(_recipe) is not null || parse.GetValue(_text) is not null || parse.GetRequiredValue(_set).Length > 0)
                throw new AtelierException("a run goes on as it was begun", "--resume", "leave the recipe and --set out, or begin a new run with --out");
            if (Run.Exists(unfinished))
                console.Remark($"going on with {unfinished}");
            return await Training.RunAsync(console, Shown(unfinished),
                progress => Workshop.ResumeAsync(unfinished, progress, cancellation), cancellation).ConfigureAwait(false);
        }
        Recipe recipe = Read(console, parse);
        string folder = parse.GetValue(_out) ?? NewFolder(recipe.Name);
        console.Remark($"run: {folder}");
        return await Training.RunAsync(console, folder,
            progress => Workshop.TrainAsync(recipe, folder, progress, cancellation), cancellation).ConfigureAwait(false);
    }

    /// <summary>The first of runs/NAME, runs/NAME-2, … that is free.</summary>
    public static string NewFolder(string name)
    {
        string safe = string.Concat(name.Select(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-')).Trim('.');
        string folder = Path.Combine("runs", safe.Length == 0 ? "run" : safe);
        for (int n = 2; Directory.Exists(folder); n++)
            folder = Path.Combine("runs", string.Create(CultureInfo.InvariantCulture, $"{safe}-{n}"));
        return folder;
    }

    /// <summary>The recipe that the options ask for, with the seed among its changes.</summary>
    private Recipe Read(ToolConsole console, ParseResult parse)
    {
        string? name = parse.GetValue(_recipe), text = parse.GetValue(_text), family = parse.GetValue(_model);
        List<string> overrides = [.. parse.GetRequiredValue(_set)];
        if (parse.GetValue<long?>(Tool.Seed) is { } seed)
            overrides.Add(string.Create(CultureInfo.InvariantCulture, $"seed={seed}"));
        if (text is not null)
        {
            if (name is not null)
                throw new AtelierException("a recipe and --text do not go together", "atelier train", $"write atelier train {name} --set data.source={text}");
            TextAdvice advice = TextAdvice.For(text, family ?? new Recipe().Model.Family);
            Recipe chosen = RecipeReader.Parse("", "--text", ModelFamilies.All, [.. advice.Overrides, .. overrides]);
            console.Remark(advice.Reason);
            return chosen;
        }
        if (name is null)
            throw new AtelierException("nothing to learn from", "atelier train", "name a recipe (atelier recipes list) or give --text FILE");
        if (family is not null)
            overrides.Insert(0, $"model.family={family}");
        return RecipeReader.Read(name, ModelFamilies.All, overrides);
    }

    private static string Unfinished() =>
        RunHistory.Default.List().FirstOrDefault(r => r.Status != "finished" && Run.Exists(r.Folder))?.Folder
        ?? throw new AtelierException("there is no unfinished run", "--resume", "name its folder with --out");

    private static string Shown(string folder)
    {
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, folder);
        return relative.StartsWith("..", StringComparison.Ordinal) ? folder : relative;
    }
}
