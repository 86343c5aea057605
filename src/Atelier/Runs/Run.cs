using System.Collections.Frozen;
using System.Text.Json;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Tensors.Profiling;

namespace Atelier.Runs;

/// <summary>
/// One training, in a folder that a person can read. Held by one process at a time; a process that dies lets go of it.
/// </summary>
public sealed class Run : IDisposable
{
    private const string RecipeFile = "recipe.yaml";
    private const string ResultFile = "result.json";
    private const string LockFile = ".lock";

    /// <summary>The file that says how this machine carries out the run's steps.</summary>
    internal const string PlanFile = "execution.json";

    private static readonly FrozenSet<string> s_ownNames = FrozenSet.Create(
        RecipeFile, "data", "checkpoints", "samples", "plots", "profile", "tensorboard", "metrics.jsonl", PlanFile);

    private readonly FileStream _lock;
    private readonly string? _made; // the topmost folder that was made for a run that was begun here

    private Run(string folder, Recipe recipe, FileStream held, string? made)
    {
        Folder = folder;
        Recipe = recipe;
        _lock = held;
        _made = made;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The recipe with every default in it.</summary>
    public Recipe Recipe { get; }

    /// <summary>The keys of the run's file that nothing reads and that its recipe was opened without.</summary>
    public IReadOnlyList<string> UnreadKeys { get; private init; } = [];

    /// <summary>The prepared data.</summary>
    public string DataFolder => Path.Combine(Folder, "data");

    /// <summary>The checkpoints.</summary>
    public string CheckpointFolder => Path.Combine(Folder, "checkpoints");

    /// <summary>The samples made while training.</summary>
    public string SampleFolder => Path.Combine(Folder, "samples");

    /// <summary>The pictures of the training.</summary>
    public string PlotFolder => Path.Combine(Folder, "plots");

    /// <summary>Where a step's time went, once that was asked for.</summary>
    public string ProfileFolder => Path.Combine(Folder, "profile");

    /// <summary>The profile to be taken of this session's steps, or null.</summary>
    public StepProfile? Profile { get; set; }

    /// <summary>The finished model.</summary>
    public string BundleFolder => Path.Combine(Folder, "bundle");

    /// <summary>One JSON object a report: step, loss, learningRate, tokens per second, validationLoss …</summary>
    public string MetricsPath => Path.Combine(Folder, "metrics.jsonl");

    /// <summary>Whether training ended as the recipe says.</summary>
    public bool IsFinished => HasResult(Folder);

    /// <summary>
    /// Whether this process began the run and nothing was learned yet: no checkpoint, no bundle, no figures.
    /// </summary>
    internal bool IsBarelyBegun => _made is not null && !HoldsLearning(Folder) && !File.Exists(MetricsPath);

    /// <summary>Whether a folder is a run's, finished or not.</summary>
    public static bool Exists(string folder) => File.Exists(RecipePath(folder));

    /// <summary>Where the resolved recipe of a run's folder lies.</summary>
    public static string RecipePath(string folder) => Path.Combine(folder, RecipeFile);

    /// <summary>Whether the run in a folder ended as its recipe says.</summary>
    public static bool HasResult(string folder) => File.Exists(Path.Combine(folder, ResultFile));

    /// <summary>
    /// Begins a run: makes the folder, or takes an empty one, or that of a run that ended before anything was kept, and
    /// writes
    /// the recipe into it.
    /// </summary>
    /// <exception cref="AtelierException">The folder holds something already, is in use, or cannot be
    /// written.</exception>
    public static Run Create(string folder, Recipe recipe)
    {
        string full = Path.GetFullPath(folder);
        if (File.Exists(full))
            throw new AtelierException("this is a file, and a run needs a folder", folder,
                $"choose another place with {Mention.Field("out")}");
        string made = Path.Combine(full, LockFile);
        for (string? above = full; above is not null && !Directory.Exists(above); above = Path.GetDirectoryName(above))
            made = above;
        Refuse(folder, full); // before the lock file is laid into a folder that is none of ours
        FileStream held = Hold(folder, full);
        try
        {
            Refuse(folder, full); // again: another process may have begun a run meanwhile
            Clear(full);
            AtomicFile.WriteText(Path.Combine(full, RecipeFile), RecipeWriter.Write(recipe));
            return new Run(full, recipe, held, made);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            held.Dispose();
            throw FileFault.At(e, folder);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether a run can begin in a folder: it is not there, or empty, or a run ended there before anything was kept.
    /// </summary>
    public static bool CanBegin(string folder) => !Directory.Exists(folder)
        || (!HasResult(folder) && !IsHeld(folder) && (IsEmpty(folder) || IsVacant(folder)));

    /// <summary>Takes up a run that is there.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="families">The families its recipe may name.</param>
    /// <exception cref="AtelierException">There is no run, its recipe is damaged, or another process holds
    /// it.</exception>
    public static Run Open(string folder, IReadOnlyList<IModelSection> families)
    {
        string full = Path.GetFullPath(folder);
        var unread = new List<string>();
        Recipe recipe = ReadRecipe(folder, families, unread);
        return new Run(full, recipe, Hold(folder, full), made: null) { UnreadKeys = unread };
    }

    /// <summary>The recipe of a run, without taking it up.</summary>
    /// <inheritdoc cref="Open" path="/param"/>
    /// <exception cref="AtelierException">There is no run, or its recipe is damaged.</exception>
    public static Recipe ReadRecipe(string folder, IReadOnlyList<IModelSection> families) =>
        ReadRecipe(folder, families, []);

    private static Recipe ReadRecipe(string folder, IReadOnlyList<IModelSection> families, ICollection<string> unread)
    {
        if (!Exists(folder))
            throw new AtelierException("there is no run here", folder,
                $"{Mention.Command("runs list")} shows the runs there are");
        return RecipeReader.Read(Path.Combine(folder, RecipeFile), families, overrides: null, unread);
    }

    /// <summary>Whether a process is at work on a run.</summary>
    public static bool IsHeld(string folder)
    {
        string file = Path.Combine(folder, LockFile);
        try
        {
            if (File.Exists(file))
                new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1).Dispose();
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Deletes a run's folder and all in it.</summary>
    /// <exception cref="AtelierException">It is no run's, a process is at work on it, or it cannot be
    /// deleted.</exception>
    public static void Delete(string folder)
    {
        if (!Exists(folder) && !HasResult(folder)) // a finished run stays one when its recipe is deleted
            throw new AtelierException("there is no run here", folder, "only runs' folders are deleted");
        try
        {
            using (Hold(folder, Path.GetFullPath(folder)))
            {
                // Only to see that no other process holds it.
            }
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FileFault.At(e, folder);
        }
    }

    /// <summary>Marks the run as ended, with what came of it.</summary>
    /// <param name="writeResult">Writes one JSON object.</param>
    public void Finish(Action<Utf8JsonWriter> writeResult) =>
        AtomicFile.Write(Path.Combine(Folder, ResultFile), stream =>
        {
            using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            writeResult(json);
        });

    /// <summary>
    /// Lets go of a run that was begun here, and takes everything of it away, the folders that were made for it too.
    /// </summary>
    internal void Abandon()
    {
        Clear(Folder);
        _lock.Dispose();
        File.Delete(Path.Combine(Folder, LockFile));
        for (string? at = Folder; at?.Length >= _made!.Length && IsEmpty(at); at = Path.GetDirectoryName(at))
            Directory.Delete(at);
    }

    /// <summary>Lets go of the folder.</summary>
    public void Dispose() => _lock.Dispose();

    /// <summary>Whether a folder holds what was learned.</summary>
    private static bool HoldsLearning(string folder) =>
        Directory.Exists(Path.Combine(folder, "bundle"))
            || new CheckpointStore(Path.Combine(folder, "checkpoints")).Steps.Count > 0;

    /// <summary>
    /// Whether a folder holds a run that learned nothing that was kept, and nothing besides: a person's own files are
    /// never taken for one.
    /// </summary>
    private static bool IsVacant(string folder) =>
        Exists(folder) && File.Exists(Path.Combine(folder, LockFile)) && !HoldsLearning(folder)
        && Directory.EnumerateFileSystemEntries(folder).All(path => Path.GetFileName(path) == LockFile || IsOwn(path));

    private static bool IsEmpty(string folder) =>
        Directory.EnumerateFileSystemEntries(folder).All(e => Path.GetFileName(e) == LockFile);

    /// <summary>Whether a file or folder is one that a run writes before it has learned.</summary>
    private static bool IsOwn(string path) =>
        s_ownNames.Contains(Path.GetFileName(path)) || path.EndsWith(".partial", StringComparison.Ordinal);

    /// <summary>Deletes those, and nothing else.</summary>
    private static void Clear(string folder)
    {
        foreach (string path in Directory.EnumerateFileSystemEntries(folder).Where(IsOwn).ToArray())
        {
            if (Directory.Exists(path))
                Directory.Delete(path, recursive: true);
            else
                File.Delete(path);
        }
    }

    private static void Refuse(string folder, string full)
    {
        if (HasResult(full))
            throw new AtelierException("a finished run is here already", folder,
                $"choose another place with {Mention.Field("out")}");
        if (Exists(full) && !IsVacant(full))
            throw new AtelierException("an unfinished run is here already", folder,
                $"go on with {Mention.Field("resume")}, or choose another place with {Mention.Field("out")}");
        if (Directory.Exists(full) && !Exists(full) && !IsEmpty(full))
            throw new AtelierException("the folder holds files that are no run's", folder,
                $"choose an empty or new folder with {Mention.Field("out")}");
    }

    private static FileStream Hold(string folder, string full)
    {
        try
        {
            Directory.CreateDirectory(full);
            // The system drops the lock with the process, however it dies.
            return new FileStream(Path.Combine(full, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite,
                FileShare.None, 1);
        }
        catch (IOException e)
            when (File.Exists(Path.Combine(full, LockFile)) && e
            is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new AtelierException("another process is at work on this run", folder,
                $"wait for it, stop it, or choose another place with {Mention.Field("out")}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FileFault.At(e, folder);
        }
    }
}
