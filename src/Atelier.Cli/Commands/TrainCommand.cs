using System.CommandLine;
using System.Globalization;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tensors.Profiling;
using Atelier.Tensors.Ranks;

namespace Atelier.Cli.Commands;

/// <summary>Trains a model from a recipe or on a user's own data.</summary>
internal sealed class TrainCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string?> _recipe = new("RECIPE")
    {
        Arity = ArgumentArity.ZeroOrOne,
            Description = "A YAML file, or the name of a built-in recipe (see atelier recipes list).",
    };

    private readonly (ITask Kind, Option<string?> Option)[] _data;

    private readonly Option<string?> _model =
        new("--model") { HelpName = "FAMILY", Description = "The model family." };
    private readonly Option<string?> _from = new("--from")
    {
        HelpName = "RUN",
        Description = "A run or a bundle whose weights training starts from, with its tokenizer and its shape: "
            + "atelier train --text notes.txt --from runs/names --set training.lora.rank=8",
    };
    private readonly Option<string[]> _set = SetOption();
    private readonly Option<string?> _out =
        new("--out") { HelpName = "FOLDER", Description = "The folder of the run. By default, runs/NAME." };
    private readonly Option<bool> _resume =
        new("--resume") { Description = "Resumes the unfinished run in --out, or the latest one." };
    private readonly Option<bool> _profile = new("--profile")
    {
        Description =
            "Profiles some steps, operation by operation: prints a table, and writes a trace for chrome://tracing or "
                + "ui.perfetto.dev to the folder profile/ of the run.",
    };

    private readonly Option<int> _profileFrom = new("--profile-from")
    {
        HelpName = "N", Description = "The first step to profile, counted in this session.",
            DefaultValueFactory = _ => 10,
    };

    private readonly Option<int> _profileSteps = new("--profile-steps")
    {
        HelpName = "N", Description = "The number of steps to profile.", DefaultValueFactory = _ => 20,
    };

    private readonly Option<bool> _profileOnly = new("--profile-only")
    {
        Description = "Stops after profiling, with a checkpoint saved; --resume continues the training.",
    };

    private readonly Option<int?> _ranks = new("--ranks")
    {
        HelpName = "N",
        Description = "Trains with N processes on this machine, which mpirun starts; on several machines, start "
            + "atelier train with mpirun or srun instead.",
    };

    public TrainCommand(ToolConsole console, Workshop workshop) : base(console, "train", "Trains a model.",
        "atelier train quickstart --set training.steps=200 --out runs/first")
    {
        _workshop = workshop;
        _data = [.. workshop.Tasks.Select(kind =>
            (kind, new Option<string?>($"--{kind.Name}") { HelpName = "F", Description = kind.Description }))];
        Add(_recipe);
        foreach ((_, Option<string?> option) in _data)
            Add(option);
        Add(_model);
        Add(_from);
        Add(_set);
        Add(_out);
        Add(_resume);
        Add(_profile);
        Add(_profileFrom);
        Add(_profileSteps);
        Add(_profileOnly);
        Add(_ranks);
    }

    /// <summary>Creates the option --set, which changes a key of the recipe.</summary>
    public static Option<string[]> SetOption() =>
        new("--set") { HelpName = "KEY=VALUE",
            Description = "Changes a setting of the recipe, for example training.steps=500. Can be repeated.",
            DefaultValueFactory = _ => [] };

    protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        int? wanted = parse.GetValue(_ranks);
        if (wanted < 1)
            throw new AtelierException($"{_ranks.Name} is {wanted}", "atelier train", "write a whole number such as 2");
        if (RankJob.IsLaunched)
        {
            return wanted is null ? RankRunner.RunAsync(console, (shown, job) => TrainAsync(shown, parse, job,
                    cancellation), cancellation)
                : throw new AtelierException("mpirun has set the number of ranks", _ranks.Name,
                    "leave it out, or start without mpirun");
        }
        return wanted > 1
            ? new RankLauncher(console).RunAsync(wanted.Value, RankLauncher.Without(_ranks.Name, parse), cancellation)
            : TrainAsync(console, parse, job: null, cancellation);
    }

    private async Task<int> TrainAsync(ToolConsole console, ParseResult parse, RankJob? job,
        CancellationToken cancellation)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        StepProfile? profile = job is { Rank: > 0 } ? null : Profile(parse, stop);
        var runner = new TrainingRunner(console, _workshop, job);
        if (parse.GetValue(_resume))
        {
            string unfinished = parse.GetValue(_out) ?? Shared(job, Unfinished);
            if (parse.GetValue(_recipe) is not null || _data.Any(d => parse.GetValue(d.Option) is not null)
                || parse.GetValue(_from) is not null || parse.GetRequiredValue(_set).Length > 0)
                throw new AtelierException("a resumed run keeps its recipe", "--resume",
                    "leave the recipe, --from and --set out, or start a new run with --out");
            if (Run.Exists(unfinished))
                console.Remark($"resuming {ShownPath.Of(unfinished)}");
            return await runner.RunAsync(new TrainingOptions(unfinished) { Profile = profile, Ranks = job },
                options => _workshop.ResumeAsync(options, stop.Token), cancellation).ConfigureAwait(false);
        }
        Recipe recipe = Read(console, parse, cancellation);
        string folder = parse.GetValue(_out) ?? Shared(job, () => NewFolder(recipe.Name));
        console.Remark($"run: {ShownPath.Of(folder)}");
        return await runner.RunAsync(new TrainingOptions(folder) { Profile = profile, Ranks = job },
            options => _workshop.TrainAsync(recipe, options, stop.Token), cancellation).ConfigureAwait(false);
    }

    /// <summary>Returns a choice of the first rank, for all ranks.</summary>
    private static string Shared(RankJob? job, Func<string> choose) =>
        job is null ? choose() : job.Broadcast(job.Rank == 0 ? choose() : "");

    /// <summary>Returns the first of runs/NAME, runs/NAME-2, … that is not in use.</summary>
    public static string NewFolder(string name) => Run.NewFolder("runs", name);

    /// <summary>Returns the profile of the options, or null.</summary>
    /// <param name="parse">The options.</param>
    /// <param name="stop">Ends the training after the profile, with --profile-only.</param>
    private StepProfile? Profile(ParseResult parse, CancellationTokenSource stop)
    {
        bool only = parse.GetValue(_profileOnly);
        return only || parse.GetValue(_profile)
            ? new StepProfile(parse.GetValue(_profileFrom), parse.GetValue(_profileSteps)) { Taken = only ? stop.Cancel
                : null }
            : null;
    }

    /// <summary>Reads the recipe of the options, with the seed as one of its changes.</summary>
    private Recipe Read(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string? name = parse.GetValue(_recipe), family = parse.GetValue(_model), from = parse.GetValue(_from);
        List<string> overrides = [.. parse.GetRequiredValue(_set)];
        if (parse.GetValue<long?>(Tool.Seed) is { } seed)
            overrides.Add(string.Create(CultureInfo.InvariantCulture, $"seed={seed}"));
        (ITask Kind, Option<string?> Option)[] given = [.. _data.Where(d => parse.GetValue(d.Option) is not null)];
        if (given.Length > 1)
            throw new AtelierException($"{given[0].Option.Name} and {given[1].Option.Name} cannot be combined",
                "atelier train", "use one of them");
        if (given is [(ITask kind, Option<string?> option)])
        {
            string path = parse.GetValue(option)!;
            if (name is not null)
                throw new AtelierException($"a recipe and {option.Name} cannot be combined", "atelier train",
                    $"write atelier train {name} --set data.source={path}");
            TrainingAdvice advice = _workshop.Advise(kind, path, family, from, overrides, cancellation);
            console.Remark($"for {advice.Amount}: {advice.Summary} (change any with --set)");
            return advice.Recipe;
        }
        if (name is null)
            throw new AtelierException("there is nothing to train on", "atelier train",
                $"name a recipe (see atelier recipes list) or give your own data with "
                    + $"{string.Join(" or ", _data.Select(d => d.Option.Name))}");
        if (family is not null)
            overrides.Insert(0, $"model.family={family}");
        Recipe named = _workshop.Resolve(_workshop.ReadRecipe(name, overrides), from);
        console.Remark($"{named.Name}: {RecipeSummary.Of(named, _workshop.FamilyOf(named))}");
        return named;
    }

    private string Unfinished() =>
        _workshop.History.List().FirstOrDefault(r => r.Status != "finished" && Run.Exists(r.Folder))?.Folder
        ?? throw new AtelierException("there is no unfinished run", "--resume", "name its folder with --out");
}
