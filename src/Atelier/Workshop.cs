using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Compress;
using Atelier.Data;
using Atelier.Evaluation;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using Atelier.Training;

namespace Atelier;

/// <summary>What came of a training.</summary>
/// <param name="Folder">The run's folder.</param>
/// <param name="Family">The family of its model.</param>
/// <param name="Report">How training ended.</param>
public sealed record TrainingOutcome(string Folder, string Family, TrainingReport Report)
{
    /// <summary>The finished model's folder; there only when training was not interrupted.</summary>
    public string BundleFolder => Path.Combine(Folder, "bundle");

    /// <summary>Whether training was ended from outside, and can be taken up again.</summary>
    public bool IsInterrupted => Report.StopReason == "interrupted";
}

/// <summary>The whole path in a few calls: recipe → data → model → run → generator.</summary>
public static class Workshop
{
    /// <summary>Reads a recipe, a file's or a built-in one's, that may name any family.</summary>
    /// <inheritdoc cref="RecipeReader.Read"/>
    public static Recipe ReadRecipe(string pathOrName, params IReadOnlyList<string> overrides) =>
        RecipeReader.Read(pathOrName, ModelFamilies.All, overrides);

    /// <summary>Prepares the data and teaches a model as the recipe says.</summary>
    /// <param name="recipe">What to make.</param>
    /// <param name="folder">A new or empty folder for the run, or that of one that ended before its first
    /// checkpoint.</param>
    /// <param name="progress">Told of remarks (step 0) and of each report.</param>
    /// <param name="cancellation">Ends learning after the step under way; a checkpoint is saved, and
    /// <see cref="ResumeAsync(string, IProgress{TrainingProgress}?, CancellationToken)"/> goes on.</param>
    /// <exception cref="AtelierException">The recipe, the data or the folder is at fault.</exception>
    public static Task<TrainingOutcome> TrainAsync(
        Recipe recipe, string folder, IProgress<TrainingProgress>? progress = null,
            CancellationToken cancellation = default) =>
        TrainAsync(recipe, folder, null, progress, cancellation);

    /// <summary>
    /// Prepares the data and teaches a model as the recipe says, and tells where the time of some steps goes.
    /// </summary>
    /// <param name="profile">Which steps; the report is in it afterwards, and in the run's folder profile/.</param>
    /// <inheritdoc cref="TrainAsync(Recipe, string, IProgress{TrainingProgress}?, CancellationToken)" path="/param|/exception"/>
#pragma warning disable CS1573 // the other parameters are the other method's
    public static async Task<TrainingOutcome> TrainAsync(Recipe recipe, string folder, StepProfile? profile,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
#pragma warning restore CS1573
    {
        // A mistake is told before a folder is made.
        IModelFamily family = FamilyOf(recipe);
        TaskList.Of(recipe, family);
        if (family.TakesSteps)
        {
            await Task.Run(() => ComputeDevice.ResolveForTraining(recipe.Training.Device, cancellation), cancellation)
                .ConfigureAwait(false);
        }
        IProgress<TrainingProgress> told = progress ?? new Progress<TrainingProgress>();
        bool replaced = Run.Exists(folder);
        using Run run = Run.Create(folder, recipe);
        if (replaced)
            told.Report(new TrainingProgress { Step = 0,
                Message = "the run that was here had learned nothing that was kept; it is begun anew" });
        run.Profile = profile;
        return await LearnAsync(run, told, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Goes on with a run that was interrupted, from its last checkpoint, as its own recipe says. Keys that change
    /// neither the data nor what a checkpoint holds, such as training.steps, may have been edited in the recipe
    /// meanwhile.
    /// </summary>
    /// <param name="folder">The run's folder.</param>
    /// <inheritdoc cref="TrainAsync(Recipe, string, IProgress{TrainingProgress}?, CancellationToken)" path="/param[@name='progress' or @name='cancellation']"/>
    /// <exception cref="AtelierException">There is no run, it is finished or in use, its files are damaged, or its
    /// recipe was edited so that it no longer fits.</exception>
#pragma warning disable CS1573 // the other parameters are TrainAsync's
    public static Task<TrainingOutcome> ResumeAsync(
        string folder, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) =>
        ResumeAsync(folder, null, progress, cancellation);

    /// <summary>Goes on with a run that was interrupted, and tells where the time of some steps goes.</summary>
    /// <inheritdoc cref="ResumeAsync(string, IProgress{TrainingProgress}?, CancellationToken)" path="/param|/exception"/>
    /// <inheritdoc cref="TrainAsync(Recipe, string, StepProfile?, IProgress{TrainingProgress}?, CancellationToken)" path="/param[@name='profile']"/>
    public static async Task<TrainingOutcome> ResumeAsync(string folder, StepProfile? profile,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
#pragma warning restore CS1573
    {
        using Run run = Run.Open(folder, ModelFamilies.All);
        if (run.IsFinished)
            throw new AtelierException("this run is finished", folder,
                $"train a new one with another {Mention.Field("out")}");
        RecipeChanges.Check(run, ModelFamilies.All);
        run.Profile = profile;
        progress ??= new Progress<TrainingProgress>();
        foreach (string key in run.UnreadKeys)
            progress.Report(new() { Step = 0, Message = $"{key} in recipe.yaml is left out, since nothing reads it" });
        return await LearnAsync(run, progress, cancellation).ConfigureAwait(false);
    }

    /// <summary>Tries growing learning rates on a recipe; nothing is kept but the answer.</summary>
    /// <param name="recipe">What would be made.</param>
    /// <param name="progress">Told of each rate and its loss.</param>
    /// <param name="cancellation">Ends the sweep early; what was found so far is answered.</param>
    /// <exception cref="AtelierException">The recipe or the data is at fault, or the family does not learn by gradient
    /// descent.</exception>
    public static async Task<LearningRateSweep> FindLearningRateAsync(
        Recipe recipe, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        IProgress<TrainingProgress> told = progress ?? new Progress<TrainingProgress>();
        IModelFamily family = FamilyOf(recipe);
        using var folder = new WorkFolder();
        using IDataSource data = Prepare(recipe, folder.Path, told, cancellation);
        if (await Task.Run(() => family.CreateLearner(recipe, data), cancellation).ConfigureAwait(false)
            is not ILearningRateFinder finder)
            throw new AtelierException($"the family {family.Name} has no learning rate", "model.family",
                "it learns by counting");
        return await Task.Run(() => finder.FindLearningRate(told, cancellation), CancellationToken.None)
            .ConfigureAwait(false);
    }

    /// <summary>What a model has learned; null where its kind has nothing to explain.</summary>
    /// <param name="generator">The model.</param>
    /// <param name="cancellation">Stops.</param>
    public static Explanation? Explain(IGenerator generator, CancellationToken cancellation = default) =>
        generator switch
    {
        IExplainable explained => explained.Explain(cancellation),
        TextGenerator { Model: IExplainableTokens tokens } text => tokens.Explain(text.Tokenizer, cancellation),
        _ => null,
    };

    /// <summary>Loads a finished model.</summary>
    /// <param name="folder">A run's folder or a bundle's.</param>
    /// <param name="device">"auto", "cpu" or "cuda".</param>
    /// <param name="cancellation">Stops between tensors.</param>
    /// <exception cref="AtelierException">There is no model, it is damaged, or of no known kind.</exception>
    public static IGenerator Open(string folder, string device = "auto", CancellationToken cancellation = default)
    {
        Bundle bundle = Bundle.Open(folder);
        IModelFamily family = ModelFamilies.All.FirstOrDefault(f => f.ModelTypes.Contains(bundle.ModelType))
            ?? throw new AtelierException($"models of type '{bundle.ModelType}' are not known", bundle.ConfigPath,
                $"known are {string.Join(", ", ModelFamilies.All.SelectMany(f => f.ModelTypes))}");
        return family.Load(bundle,
            device == "auto" ? ComputeDevice.Resolve(device).type.ToString().ToLowerInvariant() : device, cancellation);
    }

    /// <summary>
    /// Loads a finished model for use alone: as <see cref="Open"/>, but text of the shapes that the managed runtime
    /// knows runs
    /// there on a CPU, weights mapped from their file; files of other systems open too.
    /// </summary>
    /// <param name="path">A run's folder or a bundle's, a GGUF file, or one of llama2.c's with its tokenizer beside
    /// it.</param>
    /// <param name="device">"auto", "cpu" or "cuda".</param>
    /// <param name="cancellation">Stops between tensors.</param>
    /// <exception cref="AtelierException">There is no model, it is damaged, or of no known kind.</exception>
    public static IGenerator OpenForUse(string path, string device = "auto", CancellationToken cancellation = default)
    {
        bool onCpu = ComputeDevice.Resolve(device).type == TorchSharp.DeviceType.CPU;
        if (File.Exists(path))
        {
            return onCpu
                ? TextModelFile.Open(path)
                : throw new AtelierException("a single file runs on the CPU", path,
                    $"take {Mention.Field("device")} cpu, or import it first: {Mention.Command("import")}");
        }
        Bundle bundle = Bundle.Open(path);
        return onCpu && TextModelFile.ModelTypes.Contains(bundle.ModelType) ? TextModelFile.Open(bundle.Folder)
            : Open(path, device, cancellation);
    }

    /// <summary>The data that a run learned from.</summary>
    /// <exception cref="AtelierException">There is no run, or its data is not there.</exception>
    public static IDataSource OpenData(string runFolder) => TaskOf(runFolder).Open(Path.Combine(runFolder, "data"));

    /// <summary>The task whose data a run learns from.</summary>
    /// <exception cref="AtelierException">There is no run, or its recipe is damaged.</exception>
    public static ITask TaskOf(string runFolder)
    {
        Recipe recipe = Run.ReadRecipe(runFolder, ModelFamilies.All);
        return TaskList.Of(recipe, FamilyOf(recipe));
    }

    /// <summary>
    /// Judges a run's model on the data that was held out from it, or any model on all of other data, and leaves
    /// report.md, report.json, scores.json and a picture in a run's folder where the data is its own. The model runs as
    /// <see cref="OpenForUse"/> opens it.
    /// </summary>
    /// <param name="folder">A run's folder; with <paramref name="against"/> a bundle's too.</param>
    /// <param name="against">Other data: a file, a folder, a catalogue name or a world.</param>
    /// <param name="seed">Of samples and resampling; null takes the run's.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="AtelierException">There is no model or no held-out data.</exception>
    public static async Task<EvaluationReport> EvaluateAsync(string folder, string? against = null, long? seed = null,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        using IGenerator generator = OpenForUse(folder, cancellation: cancellation);
        return await RunEvaluation.EvaluateAsync(generator, folder, against, seed, progress, cancellation)
            .ConfigureAwait(false);
    }

    /// <summary>Makes a bundle of another system's model, checking that it loads.</summary>
    /// <param name="source">A Hugging Face folder, a GGUF file, a llama2.c .bin, or a family's own file, such as a
    /// network's .bif.</param>
    /// <param name="tokenizer">A tokenizer.json or a llama2.c tokenizer; null takes the source's own.</param>
    /// <param name="folder">The bundle's folder, new or a bundle's.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellation">Stops; nothing is left behind.</param>
    /// <returns>The bundle's full path.</returns>
    /// <exception cref="AtelierException">The model is damaged, of no known kind, or does not go with the
    /// tokenizer.</exception>
    public static string Import(string source, string? tokenizer, string folder, IProgress<string>? progress = null,
        CancellationToken cancellation = default)
    {
        if (Directory.Exists(source) || OwnFormats.FirstOrDefault(f => f.Reads(source)) is not { } own)
            return BundleExchange.Import(source, tokenizer, folder, made => Open(made, "cpu", cancellation), progress,
                cancellation);
        if (tokenizer is not null)
            throw new AtelierException($"a {own.Format} file needs no tokenizer", Mention.Field("tokenizer"),
                "leave it out");
        own.Import(source, folder);
        return Path.GetFullPath(folder);
    }

    /// <summary>Writes a model for other systems.</summary>
    /// <param name="source">A run's folder or a bundle's.</param>
    /// <param name="format">"huggingface", a folder, "gguf", a file, or a family's own, such as "bif".</param>
    /// <param name="path">The folder to write, new or a bundle's, or the file.</param>
    /// <param name="type">"f32", "f16", "bf16", and of GGUF "q8" and "q4"; null keeps the weights as they are.</param>
    /// <param name="cancellation">Stops; nothing is left behind.</param>
    /// <returns>The full path.</returns>
    /// <exception cref="AtelierException">There is no model, the format cannot say it, or the place cannot be
    /// written.</exception>
    public static string Export(string source, string format, string path, string? type = null,
        CancellationToken cancellation = default)
    {
        Bundle bundle = Bundle.Open(source);
        WeightType? weights = type is null ? null : WeightNames.Parse(type);
        return format switch
        {
            "huggingface" => BundleExchange.ToHuggingFace(bundle, path, weights, cancellation),
            "gguf" => BundleExchange.ToGguf(bundle, path, weights, cancellation),
            _ => ToOwnFormat(bundle, format, path, type),
        };
    }

    private static IEnumerable<IFileExchange> OwnFormats => ModelFamilies.All.OfType<IFileExchange>();

    private static string ToOwnFormat(Bundle bundle, string format, string path, string? type)
    {
        IFileExchange own = OwnFormats.FirstOrDefault(f => f.Format == format)
            ?? throw new AtelierException($"there is no format '{format}'", Mention.Field("format"),
                $"allowed are {string.Join(", ", OwnFormats.Select(f => f.Format).Prepend("gguf").Prepend("huggingface"))}");
        if (type is not null)
            throw new AtelierException($"{format} keeps its numbers as they are", Mention.Field("type"),
                "leave it out");
        own.Export(bundle, path);
        return Path.GetFullPath(path);
    }

    /// <summary>
    /// Writes a text model anew with weights in blocks of 8 or 4 bits, and judges both on the text it was held from.
    /// </summary>
    /// <param name="source">A run's folder or a bundle's.</param>
    /// <param name="type">"q8" or "q4".</param>
    /// <param name="folder">The compressed bundle's folder, new or a bundle's.</param>
    /// <param name="against">Other data to judge by: a file, a folder, a catalogue name or a world; null takes the
    /// run's, where there is one.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellation">Stops; nothing is left behind.</param>
    /// <exception cref="AtelierException">There is no text model, or the place cannot be written.</exception>
    public static async Task<CompressionReport> CompressAsync(string source, string type, string folder,
        string? against = null,
        IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        WeightType weights = WeightNames.Parse(type);
        if (!weights.IsBlocked())
            throw new AtelierException($"'{type}' is no compression", Mention.Field("format"), "allowed are q8 and q4");
        Bundle bundle = Bundle.Open(source);
        bool ofRun = Run.Exists(source);
        Recipe recipe = ofRun ? Run.ReadRecipe(source, ModelFamilies.All) : new Recipe();
        using var prepared = new WorkFolder();
        using IDataSource? data = against is not null
            ? new TextTask().PrepareOther(new OtherData(against, recipe, bundle, null, prepared.Path, recipe.Seed),
                progress, cancellation)
            : ofRun && Directory.Exists(Path.Combine(source, "data")) ? OpenData(source)
            : null;
        return await Task.Run(() => BundleCompression.Run(
            bundle, folder, weights, type, data, recipe, made => OpenForUse(made, "cpu", cancellation), progress,
                cancellation), cancellation).ConfigureAwait(false);
    }

    /// <summary>The family that a recipe names.</summary>
    /// <exception cref="AtelierException">There is none of that name.</exception>
    public static IModelFamily FamilyOf(Recipe recipe)
    {
        string name = recipe.Model.Family;
        return ModelFamilies.All.FirstOrDefault(f => f.Name == name)
            ?? throw new AtelierException($"there is no family '{name}'", "model.family",
                $"there are {string.Join(", ", ModelFamilies.All.Select(f => f.Name))}");
    }

    private static async Task<TrainingOutcome> LearnAsync(Run run, IProgress<TrainingProgress> progress,
        CancellationToken cancellation)
    {
        IModelFamily family = FamilyOf(run.Recipe);
        var record = new RunRecord
        {
            Id = Guid.NewGuid().ToString("N")[..8], Folder = run.Folder, Family = family.Name, Recipe = run.Recipe.Name,
            Started = DateTimeOffset.UtcNow, Status = "running",
        };
        record = Remember(record, progress);
        try
        {
            using IDataSource data = Prepare(run.Recipe, run.DataFolder, progress, cancellation);
            ILearner learner = await Task.Run(() => family.CreateLearner(run.Recipe, data), cancellation)
                .ConfigureAwait(false);
            if (run.Profile is not null && learner is not ILearningRateFinder)
                throw new AtelierException($"the family {family.Name} takes no steps whose time could be told",
                    "model.family", "it learns by counting");
            TrainingReport report = await learner.LearnAsync(run, progress, cancellation).ConfigureAwait(false);
            var outcome = new TrainingOutcome(run.Folder, family.Name, report);
            if (!outcome.IsInterrupted)
                run.Finish(json => Write(json, outcome));
            Remember(record with
            {
                Status = outcome.IsInterrupted ? "interrupted" : "finished", Finished = DateTimeOffset.UtcNow,
                Steps = report.Steps, Seconds = report.Seconds, Metrics = report.Metrics,
            }, progress);
            return outcome;
        }
        catch (Exception e)
        {
            // What was found before learning began leaves nothing behind, but prepared data that is whole where no
            // mistake was made.
            bool isInterrupted = e is OperationCanceledException;
            if (run.IsBarelyBegun
                && !(isInterrupted && File.Exists(Path.Combine(run.DataFolder, PreparedFacts.FileName))))
                Abandon(run, record, progress);
            else
                Remember(record with { Status = isInterrupted ? "interrupted"
                    : "failed", Finished = DateTimeOffset.UtcNow }, progress);
            if (FileFault.Explain(e, run.Folder) is { } mistake)
                throw mistake;
            throw;
        }
    }

    private static IDataSource Prepare(Recipe recipe, string folder, IProgress<TrainingProgress> progress,
        CancellationToken cancellation)
    {
        ITask task = TaskList.Of(recipe, FamilyOf(recipe));
        // facts.json is written last: where it is, the data is whole.
        if (File.Exists(Path.Combine(folder, PreparedFacts.FileName)))
            return task.Open(folder);
        var remarks = new Remarks(progress);
        IDataSource data = task.Prepare(recipe, folder, remarks, cancellation);
        RecipeChanges.Keep(recipe, folder);
        foreach (string note in data.Notes)
            remarks.Report(note);
        return data;
    }

    // The history is a convenience: where it fails, the training goes on, and the user is told.
    private static RunRecord Remember(RunRecord record, IProgress<TrainingProgress> progress)
    {
        try
        {
            RunRecord known = RunHistory.Default.Find(record.Folder) is { } before ? record with { Id = before.Id }
                : record;
            RunHistory.Default.Save(known);
            return known;
        }
        catch (AtelierException e)
        {
            progress.Report(new TrainingProgress { Step = 0, Message = e.ToLine() });
            return record;
        }
    }

    private static void Abandon(Run run, RunRecord record, IProgress<TrainingProgress> progress)
    {
        try
        {
            run.Abandon();
            RunHistory.Default.Delete(record.Id);
        }
        catch (Exception e) when (e is AtelierException or IOException or UnauthorizedAccessException)
        {
            progress.Report(new TrainingProgress { Step = 0, Message =
                $"what was begun could not be taken away: {e.Message}" });
        }
    }

    private static void Write(Utf8JsonWriter json, TrainingOutcome outcome)
    {
        json.WriteStartObject();
        json.WriteString("family", outcome.Family);
        json.WriteString("stopReason", outcome.Report.StopReason);
        json.WriteNumber("steps", outcome.Report.Steps);
        json.WriteNumber("seconds", outcome.Report.Seconds);
        json.WriteStartObject("metrics");
        foreach ((string name, double value) in outcome.Report.Metrics)
            json.WriteNumber(name, value);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private sealed class Remarks(IProgress<TrainingProgress> progress) : IProgress<string>
    {
        public void Report(string value) => progress.Report(new TrainingProgress { Step = 0, Message = value });
    }
}
