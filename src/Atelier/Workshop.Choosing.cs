using Atelier.Choose;
using Atelier.Data;
using Atelier.Data.Tables;
using Atelier.Data.Text.Reading;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Tasks;
using Atelier.Tensors;
using Atelier.Training;

namespace Atelier;

public sealed partial class Workshop
{
    private const string RequestName = "request.json";

    /// <summary>
    /// Finds the model to train for data: looks at them, trains the families that can learn them a little, with several
    /// sizes and learning rates, and carries their learning curves on.
    /// </summary>
    /// <param name="options">The data and the options.</param>
    /// <param name="folder">The folder for the trials, the recommended recipe, choice.json and a plot. It must be new
    /// or empty, unless the choice in it is continued. Advice without trials writes nothing.</param>
    /// <param name="progress">Receives a message about each trial, and its progress.</param>
    /// <param name="cancellation">Ends the current trial; the report is then of those before it.</param>
    /// <exception cref="AtelierException">There are no such data, they are of two kinds or too few, an option is wrong,
    /// or the time is too short.</exception>
    /// <exception cref="OperationCanceledException">The choice was cancelled before the first trial ended.</exception>
    public async Task<ChoiceReport> ChooseAsync(ChoiceOptions options, string folder,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        progress ??= new Progress<TrainingProgress>();
        CheckSource(options.Source);
        ITask task = options.Kind is { } kind ? TaskNamed(kind) : OnlyTask(TasksFor(options.Source), options.Source);
        string purpose = options.Purpose ?? PurposesFor(task)[0];
        if (options.Minutes is <= 0 or double.NaN)
            throw new AtelierException("the time for trials must be above 0 minutes", Mention.Field("minutes"),
                "leave it out to take a tenth of the time of full trainings");
        if (!options.ExplainOnly)
            PrepareFolder(options, task, folder);
        (Candidate[] candidates, string amount, DataLook look) =
            await Task.Run(() => Candidates(options, task, purpose, progress, cancellation), cancellation)
                .ConfigureAwait(false);
        var report = new ChoiceReport
        {
            Source = options.Source,
            Task = task.Name,
            Purpose = purpose,
            Amount = amount,
            Data = look,
            IsAdviceOnly = options.ExplainOnly,
            Candidates = [.. candidates.Select(one => new ChoiceCandidate(one.Name, one.Family.Name,
                RecipeSummary.Of(one.Recipe, one.Family), null, false, null, one.FullSteps, 0, [], null, [], null))],
        };
        if (options.ExplainOnly)
            return report with { Reasons = ChoiceWords.Rules(candidates[0].Family, look) };
        if (candidates.Any(one => one.TakesSteps))
            await Task.Run(() => ComputeDevice.ResolveForTraining(candidates[0].Recipe.Training.Device, cancellation),
                cancellation).ConfigureAwait(false);
        bool isNew = !Directory.Exists(folder);
        AtomicFile.WriteText(Path.Combine(folder, RequestName), Request(options, task));
        var runner = new TrialRunner(folder, task, path => Open(path, cancellation: cancellation), _home, progress);
        var selection = new Selection(folder, candidates, runner, options, progress);
        try
        {
            report = await selection.RunAsync(report, cancellation).ConfigureAwait(false);
        }
        catch (Exception) when (isNew && !Directory.Exists(Path.Combine(folder, "trials")))
        {
            Directory.Delete(folder, recursive: true); // a mistake found before training leaves nothing behind
            throw;
        }
        return options.Verify && !report.IsInterrupted
            ? await selection.VerifyAsync(report, cancellation).ConfigureAwait(false) : report;
    }

    /// <summary>Returns the tasks that data can be for, the most likely first.</summary>
    /// <param name="source">The data: a file, a folder, the name of a data set of the catalogue, or a world.</param>
    /// <exception cref="AtelierException">The data are of two kinds, or damaged.</exception>
    public IReadOnlyList<ITask> TasksFor(string source)
    {
        CheckSource(source);
        if (SourceKind.In(source) is [var first, var second, ..])
            throw new AtelierException($"the folder holds data of two kinds, {SourceKind.NameOf(first)} and "
                + SourceKind.NameOf(second), source, $"move one away, or name the other with {Mention.Field("kind")}");
        Modality kind = SourceKind.Of(source);
        if (kind != Modality.Table || NamedSource.Find(source) is not null)
            return [TaskNamed(SourceKind.NameOf(kind))];
        TablePreview table = TablePreview.Of(new DataSection { Source = source });
        return table.Columns.All(column => column.Kind == "numbers") ? [TaskNamed("table"), TaskNamed("series")]
            : table.Columns.Any(column => column.Kind == "text") ? [TaskNamed("text"), TaskNamed("table")]
            : [TaskNamed("table")];
    }

    /// <summary>Returns what the models of a task can be for, "generate" first if it is among them.</summary>
    /// <param name="task">The task.</param>
    public IReadOnlyList<string> PurposesFor(ITask task) => [.. FamiliesFor(task)
        .Select(family => family.PurposeOf(task)).Distinct().OrderByDescending(purpose => purpose == "generate")];

    /// <summary>Throws if there is nothing under a name or path.</summary>
    private static void CheckSource(string source)
    {
        bool isNamed = WorldList.All.Any(world => world.Name == source)
            || Catalogue.OfThisMachine().Find(source.Split(':')[0]) is not null;
        if (!isNamed && !source.Split(',').All(Path.Exists)) // two files of pairs have a comma between them
            SourceFiles.Find(source, new ReadingReport(), progress: null, CancellationToken.None,
                WorldList.All.Select(world => world.Name));
    }

    private static ITask OnlyTask(IReadOnlyList<ITask> tasks, string source) => tasks is [var only] ? only
        : throw new AtelierException($"the data can be read as {string.Join(" or as ", tasks.Select(t => t.Name))}",
            source, $"name one with {Mention.Field("kind")}");

    private ITask TaskNamed(string name) => Tasks.FirstOrDefault(task => task.Name == name)
        ?? throw new AtelierException($"there is no kind of data '{name}'", Mention.Field("kind"),
            $"there are {string.Join(", ", Tasks.Select(task => task.Name))}");

    private static void PrepareFolder(ChoiceOptions options, ITask task, string folder)
    {
        string request = Path.Combine(folder, RequestName);
        bool holds = File.Exists(request);
        if (options.Resume && !holds)
            throw new AtelierException("there is no choice in this folder", folder,
                $"leave {Mention.Field("resume")} out to begin one");
        if (options.Resume && InputFile.ReadAllText(request) != Request(options, task))
            throw new AtelierException("the folder holds a choice for other data, families or settings", folder,
                "repeat the command with the same ones, or choose another folder with " + Mention.Field("out"));
        if (!options.Resume && Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new AtelierException(holds ? "the folder holds a choice already" : "the folder holds other files",
                folder, holds ? $"continue with {Mention.Field("resume")}, or choose another folder with "
                    + Mention.Field("out") : $"choose a new folder with {Mention.Field("out")}");
    }

    /// <summary>Returns what trials depend on, so that those of another request are not continued.</summary>
    private static string Request(ChoiceOptions options, ITask task) => System.Text.Json.JsonSerializer.Serialize(
        new { options.Source, Kind = task.Name, options.Purpose, options.Families, options.Overrides, options.Seed });

    private (Candidate[] Candidates, string Amount, DataLook Look) Candidates(ChoiceOptions options, ITask task,
        string purpose, IProgress<TrainingProgress> progress, CancellationToken cancellation)
    {
        IModelFamily[] able = [.. FamiliesFor(task).Where(family => family.PurposeOf(task) == purpose)];
        foreach (string name in options.Families)
        {
            if (able.All(family => family.Name != name))
                throw new AtelierException(Families.All(family => family.Name != name) ? $"there is no family '{name}'"
                    : $"the family {name} does not learn to {purpose} from data of the kind {task.Name}",
                    Mention.Field("families"), $"name {string.Join(", ", able.Select(f => f.Name))}");
        }
        IModelFamily[] families = [.. able.Where(family => options.Families.Count == 0
            || options.Families.Contains(family.Name))];
        if (families.Length == 0)
            throw new AtelierException($"no family learns to {purpose} from data of the kind {task.Name}",
                Mention.Field("purpose"), $"there are {string.Join(", ", PurposesFor(task))}");
        var candidates = new List<Candidate>();
        var ignored = new List<string>();
        string amount = "";
        foreach (IModelFamily family in families)
        {
            DataAdvice advice = task.Advise(options.Source, family, cancellation);
            amount = advice.Amount;
            string[] common =
                [.. advice.Overrides, .. task.Trials.Settings, FormattableString.Invariant($"seed={options.Seed}")];
            Recipe advised = Read([.. common, .. options.Overrides]);
            foreach (RecipeVariant variant in family.Variants(task, advised))
            {
                Recipe recipe = Read([.. common, .. variant.Overrides, .. options.Overrides]);
                if (candidates.All(one => RecipeWriter.Write(one.Recipe) != RecipeWriter.Write(recipe)))
                    candidates.Add(new($"{family.Name}-{candidates.Count(one => one.Family == family) + 1}", family,
                        variant.Name, recipe));
            }
        }
        string? unread = options.Overrides.Select(change => change.Split('=')[0].Trim())
            .FirstOrDefault(key => ignored.Count(one => one == key) >= candidates.Count);
        if (unread is not null)
            throw new AtelierException($"{unread} would be ignored: no candidate reads it", Mention.Field("overrides"),
                "leave it out");
        DataLook look = DataLooks.Of(candidates[0].Recipe, task, new Remarks(progress), cancellation);
        const int fewest = 20;
        if (look.Items < fewest && task.Name != "text") // a text may be one document
            throw new AtelierException($"the data hold {Quantity.Of(look.Items, "item")}, too few to hold some out "
                + "and to compare models", options.Source, $"give at least {fewest}, better {50 * fewest:#,0}");
        return ([.. candidates], amount, look);

        Recipe Read(IReadOnlyList<string> changes)
        {
            // a family that counts reads no training section: what it does not read is left out
            var unreadKeys = new List<string>();
            Recipe recipe = RecipeReader.Parse("", Mention.Field(task.Name), Families, changes, unreadKeys);
            ignored.AddRange(unreadKeys);
            return recipe;
        }
    }
}
