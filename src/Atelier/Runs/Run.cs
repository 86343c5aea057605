using System.Collections.Frozen;
using System.Text.Json;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Tensors.Profiling;
using Atelier.Tensors.Ranks;

namespace Atelier.Runs;

/// <summary>
/// One training, in a folder that a person can read. Only one process at a time can open a run; it locks the folder
/// until it disposes the run or ends.
/// </summary>
public sealed class Run : IDisposable
{
    private const string RecipeFile = "recipe.yaml";
    private const string ResultFile = "result.json";
    private const string LockFile = ".lock";
    private const int LongestName = 100; // characters of the folder of a new run
    private const string Samples = "samples", Plots = "plots", Metrics = "metrics.jsonl";

    /// <summary>The name of the file that holds the execution plan of the run on this machine.</summary>
    internal const string PlanFile = "execution.json";

    private static readonly FrozenSet<string> s_ownNames = FrozenSet.Create(
        RecipeFile, "data", "checkpoints", Samples, Plots, "profile", "tensorboard", Metrics, PlanFile);

    private readonly FileStream? _lock; // null on a rank that only trains
    private readonly string? _made; // the topmost folder that Create made for this run; null if the run was opened

    private Run(string folder, Recipe recipe, FileStream? held, string? made)
    {
        Folder = folder;
        Recipe = recipe;
        _lock = held;
        _made = made;
    }

    /// <summary>The folder of the run.</summary>
    public string Folder { get; }

    /// <summary>The resolved recipe, including all defaults.</summary>
    public Recipe Recipe { get; }

    /// <summary>The keys of the recipe file that nothing reads, and that were ignored on opening the run.</summary>
    public IReadOnlyList<string> UnreadKeys { get; private init; } = [];

    /// <summary>The folder of the prepared data.</summary>
    public string DataFolder => Path.Combine(Folder, "data");

    /// <summary>The folder of the checkpoints.</summary>
    public string CheckpointFolder => Path.Combine(Folder, "checkpoints");

    /// <summary>The folder of the samples drawn during training.</summary>
    public string SampleFolder => SamplesOf(Folder);

    /// <summary>The folder of the plots.</summary>
    public string PlotFolder => PlotsOf(Folder);

    /// <summary>The folder of a profile, if one was taken.</summary>
    public string ProfileFolder => Path.Combine(Folder, "profile");

    /// <summary>The profile to take of the steps of this session; null for none.</summary>
    public StepProfile? Profile { get; set; }

    /// <summary>The home folder, which stores measured execution plans.</summary>
    internal string Home { get; set; } = AtelierHome.Folder;

    /// <summary>The job that trains this run on several ranks; null for one process.</summary>
    internal RankJob? Job { get; set; }

    /// <summary>The ranks that train this run.</summary>
    internal ICommunicator Ranks => Job?.Communicator ?? SingleRank.Instance;

    /// <summary>The folder of the bundle, which holds the finished model.</summary>
    public string BundleFolder => Path.Combine(Folder, "bundle");

    /// <summary>The folder of the adapter, in PEFT's files, if training.lora is set.</summary>
    public string AdapterFolder => Path.Combine(Folder, "adapter");

    /// <summary>
    /// The metrics file, with one JSON object for each report: step, loss, learningRate, tokens per second,
    /// validationLoss …
    /// </summary>
    public string MetricsPath => MetricsOf(Folder);

    /// <summary>Whether training ended as planned.</summary>
    public bool IsFinished => HasResult(Folder);

    /// <summary>
    /// Whether this process created the run and training has not saved anything yet: no checkpoint, no bundle and no
    /// metrics.
    /// </summary>
    internal bool IsBarelyBegun => _made is not null && !HoldsLearning(Folder) && !File.Exists(MetricsPath);

    /// <summary>Returns whether a folder holds a run, finished or not.</summary>
    public static bool Exists(string folder) => File.Exists(RecipePath(folder));

    /// <summary>Returns the path of the resolved recipe in the folder of a run.</summary>
    public static string RecipePath(string folder) => Path.Combine(folder, RecipeFile);

    /// <summary>Returns whether the run in a folder ended as planned.</summary>
    public static bool HasResult(string folder) => File.Exists(Path.Combine(folder, ResultFile));

    /// <summary>
    /// Creates a run and writes its recipe. The folder is created, unless it is empty or holds a run that ended before
    /// anything was saved.
    /// </summary>
    /// <exception cref="AtelierException">The folder is not empty, is in use, or cannot be written.</exception>
    public static Run Create(string folder, Recipe recipe)
    {
        string full = Path.GetFullPath(folder);
        if (File.Exists(full))
            throw new AtelierException("this is a file, but a run needs a folder", folder,
                $"choose another folder with {Mention.Field("out")}");
        string made = Path.Combine(full, LockFile);
        for (string? parent = full; parent is not null && !Directory.Exists(parent);
            parent = Path.GetDirectoryName(parent))
            made = parent;
        Refuse(folder, full); // before a lock file is written into a folder that is not a run's
        FileStream held = Hold(folder, full);
        try
        {
            Refuse(folder, full); // again, because another process may have started a run meanwhile
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
    /// Returns whether a run can be created in a folder: it does not exist, is empty, or holds a run that ended before
    /// anything was saved.
    /// </summary>
    public static bool CanBegin(string folder) => !Directory.Exists(folder)
        || (!HasResult(folder) && !IsHeld(folder) && (IsEmpty(folder) || IsVacant(folder)));

    /// <summary>Returns the first of NAME, NAME-2, … in a folder in which a run can be created.</summary>
    /// <param name="parent">The folder of the runs.</param>
    /// <param name="name">The name; characters that not all file systems allow become "-".</param>
    /// <param name="isTaken">Returns whether a folder is to be used by a run that has not begun; null for none.</param>
    public static string NewFolder(string parent, string name, Func<string, bool>? isTaken = null)
    {
        string safe = string.Concat(name.Take(LongestName)
            .Select(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-')).Trim('.');
        string first = Path.Combine(parent, safe.Length == 0 ? "run" : safe), folder = first;
        for (int n = 2; isTaken?.Invoke(folder) == true || !CanBegin(folder); n++)
            folder = FormattableString.Invariant($"{first}-{n}");
        return folder;
    }

    /// <summary>Opens an existing run.</summary>
    /// <param name="folder">The folder of the run.</param>
    /// <param name="families">The families that its recipe may name.</param>
    /// <exception cref="AtelierException">There is no run, its recipe is damaged, or another process has opened
    /// it.</exception>
    public static Run Open(string folder, IReadOnlyList<IModelSection> families)
    {
        string full = Path.GetFullPath(folder);
        var unread = new List<string>();
        Recipe recipe = ReadRecipe(folder, families, unread, overrides: null);
        return new Run(full, recipe, Hold(folder, full), made: null) { UnreadKeys = unread };
    }

    /// <summary>
    /// Joins a run that rank 0 of the same job has created or opened. Only rank 0 locks the run and writes its files.
    /// </summary>
    /// <exception cref="AtelierException">This process does not see the run.</exception>
    internal static Run Join(string folder, IReadOnlyList<IModelSection> families)
    {
        if (!Exists(folder))
            throw new AtelierException("this rank does not see the run", folder,
                $"choose a folder on a file system that all machines share with {Mention.Field("out")}");
        return new Run(Path.GetFullPath(folder), ReadRecipe(folder, families), held: null, made: null);
    }

    /// <summary>Reads the recipe of a run without opening the run.</summary>
    /// <inheritdoc cref="Open" path="/param"/>
    /// <exception cref="AtelierException">There is no run, or its recipe is damaged.</exception>
    public static Recipe ReadRecipe(string folder, IReadOnlyList<IModelSection> families) =>
        ReadRecipe(folder, families, [], overrides: null);

    /// <summary>Reads the recipe of a run, with changes such as "training.steps=500".</summary>
    internal static Recipe ReadRecipe(string folder, IReadOnlyList<IModelSection> families,
        IReadOnlyList<string> overrides) => ReadRecipe(folder, families, [], overrides);

    private static Recipe ReadRecipe(string folder, IReadOnlyList<IModelSection> families, ICollection<string> unread,
        IReadOnlyList<string>? overrides)
    {
        if (!Exists(folder))
            throw new AtelierException("there is no run in this folder", folder,
                $"{Mention.Command("runs list")} shows all runs");
        return RecipeReader.Read(Path.Combine(folder, RecipeFile), families, overrides, unread);
    }

    /// <summary>Returns the folder of the samples of a run, whether it is open or not.</summary>
    public static string SamplesOf(string folder) => Path.Combine(folder, Samples);

    /// <summary>Returns the folder of the plots of a run, whether it is open or not.</summary>
    public static string PlotsOf(string folder) => Path.Combine(folder, Plots);

    /// <summary>Returns the path of the metrics of a run, whether it is open or not.</summary>
    public static string MetricsOf(string folder) => Path.Combine(folder, Metrics);

    /// <summary>Returns whether a process has opened the run in a folder.</summary>
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

    /// <summary>Deletes the folder of a run and everything in it.</summary>
    /// <exception cref="AtelierException">The folder does not hold a run, a process has opened it, or it cannot be
    /// deleted.</exception>
    public static void Delete(string folder)
    {
        if (!Exists(folder) && !HasResult(folder)) // a finished run stays one when its recipe is deleted
            throw new AtelierException("there is no run in this folder", folder, "only folders of runs can be deleted");
        try
        {
            using (Hold(folder, Path.GetFullPath(folder)))
            {
                // Checks that no other process has opened it.
            }
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FileFault.At(e, folder);
        }
    }

    /// <summary>Marks the run as finished, and stores its result.</summary>
    /// <param name="writeResult">Writes the result as one JSON object.</param>
    public void Finish(Action<Utf8JsonWriter> writeResult) =>
        AtomicFile.Write(Path.Combine(Folder, ResultFile), stream =>
        {
            using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            writeResult(json);
        });

    /// <summary>Removes a run that this process created, with all folders that were created for it.</summary>
    internal void Abandon()
    {
        Clear(Folder);
        _lock?.Dispose();
        File.Delete(Path.Combine(Folder, LockFile));
        for (string? at = Folder; at?.Length >= _made!.Length && IsEmpty(at); at = Path.GetDirectoryName(at))
            Directory.Delete(at);
    }

    /// <summary>Unlocks the folder.</summary>
    public void Dispose() => _lock?.Dispose();

    /// <summary>Returns whether a folder holds trained weights.</summary>
    private static bool HoldsLearning(string folder) =>
        Directory.Exists(Path.Combine(folder, "bundle"))
        || new CheckpointStore(Path.Combine(folder, "checkpoints")).Steps.Count > 0;

    /// <summary>
    /// Returns whether a folder holds a run without trained weights, and no other files: a user's own files must never
    /// be removed.
    /// </summary>
    private static bool IsVacant(string folder) =>
        Exists(folder) && File.Exists(Path.Combine(folder, LockFile)) && !HoldsLearning(folder)
        && Directory.EnumerateFileSystemEntries(folder).All(path => Path.GetFileName(path) == LockFile || IsOwn(path));

    private static bool IsEmpty(string folder) =>
        Directory.EnumerateFileSystemEntries(folder).All(e => Path.GetFileName(e) == LockFile);

    /// <summary>Returns whether a run may write a file or folder of this name before it has trained weights.</summary>
    private static bool IsOwn(string path) =>
        s_ownNames.Contains(Path.GetFileName(path)) || path.EndsWith(".partial", StringComparison.Ordinal);

    /// <summary>Deletes the files and folders that a run may write before it has trained weights.</summary>
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
            throw new AtelierException("the folder holds a finished run already", folder,
                $"choose another folder with {Mention.Field("out")}");
        if (Exists(full) && !IsVacant(full))
            throw new AtelierException("the folder holds an unfinished run already", folder,
                $"continue with {Mention.Field("resume")}, or choose another folder with {Mention.Field("out")}");
        if (Directory.Exists(full) && !Exists(full) && !IsEmpty(full))
            throw new AtelierException("the folder holds files that do not belong to a run", folder,
                $"choose an empty or new folder with {Mention.Field("out")}");
    }

    private static FileStream Hold(string folder, string full)
    {
        try
        {
            Directory.CreateDirectory(full);
            // The operating system releases the lock when the process ends, even if it is killed.
            return new FileStream(Path.Combine(full, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite,
                FileShare.None, 1);
        }
        catch (IOException e) when (File.Exists(Path.Combine(full, LockFile))
            && e is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new AtelierException("another process is using this run", folder,
                $"wait for it, stop it, or choose another folder with {Mention.Field("out")}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FileFault.At(e, folder);
        }
    }
}
