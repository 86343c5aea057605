using System.Text.Json;
using Atelier.Formats;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Training.Profiling;

namespace Atelier.Runs;

/// <summary>One training, in a folder that a person can read. Held by one process at a time; a process that dies lets go of it.</summary>
public sealed class Run : IDisposable
{
    private const string RecipeFile = "recipe.yaml";
    private const string ResultFile = "result.json";
    private const string LockFile = ".lock";

    private readonly FileStream _lock;

    private Run(string folder, Recipe recipe, FileStream held)
    {
        Folder = folder;
        Recipe = recipe;
        _lock = held;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The recipe with every default in it.</summary>
    public Recipe Recipe { get; }

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

    /// <summary>Whether a folder is a run's, finished or not.</summary>
    public static bool Exists(string folder) => File.Exists(RecipePath(folder));

    /// <summary>Where the resolved recipe of a run's folder lies.</summary>
    public static string RecipePath(string folder) => Path.Combine(folder, RecipeFile);

    /// <summary>Whether the run in a folder ended as its recipe says.</summary>
    public static bool HasResult(string folder) => File.Exists(Path.Combine(folder, ResultFile));

    /// <summary>Begins a run: makes the folder, or takes an empty one, and writes the recipe into it.</summary>
    /// <exception cref="AtelierException">The folder holds something already, is in use, or cannot be written.</exception>
    public static Run Create(string folder, Recipe recipe)
    {
        string full = Path.GetFullPath(folder);
        if (File.Exists(full))
            throw new AtelierException("this is a file, and a run needs a folder", folder, "choose another place with --out");
        Refuse(folder, full); // before the lock file is laid into a folder that is none of ours
        FileStream held = Hold(folder, full);
        try
        {
            Refuse(folder, full); // again: another process may have begun a run meanwhile
            AtomicFile.WriteText(Path.Combine(full, RecipeFile), RecipeWriter.Write(recipe));
            return new Run(full, recipe, held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Takes up a run that is there.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="families">The families its recipe may name.</param>
    /// <exception cref="AtelierException">There is no run, its recipe is damaged, or another process holds it.</exception>
    public static Run Open(string folder, IReadOnlyList<IModelFamily> families)
    {
        string full = Path.GetFullPath(folder);
        Recipe recipe = ReadRecipe(folder, families);
        return new Run(full, recipe, Hold(folder, full));
    }

    /// <summary>The recipe of a run, without taking it up.</summary>
    /// <inheritdoc cref="Open" path="/param"/>
    /// <exception cref="AtelierException">There is no run, or its recipe is damaged.</exception>
    public static Recipe ReadRecipe(string folder, IReadOnlyList<IModelFamily> families)
    {
        if (!Exists(folder))
            throw new AtelierException("there is no run here", folder, "atelier runs list shows the runs there are");
        return RecipeReader.Read(Path.Combine(folder, RecipeFile), families);
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
    /// <exception cref="AtelierException">It is no run's, a process is at work on it, or it cannot be deleted.</exception>
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
            throw new AtelierException($"cannot be deleted: {e.Message.TrimEnd('.')}", folder, "check its permissions", e);
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

    /// <summary>Lets go of the folder.</summary>
    public void Dispose() => _lock.Dispose();

    private static void Refuse(string folder, string full)
    {
        if (Exists(full))
        {
            throw HasResult(full)
                ? new AtelierException("a finished run is here already", folder, "choose another place with --out")
                : new AtelierException("an unfinished run is here already", folder, "go on with --resume, or choose another place with --out");
        }
        if (Directory.Exists(full) && Directory.EnumerateFileSystemEntries(full).Any(e => Path.GetFileName(e) != LockFile))
            throw new AtelierException("the folder holds files that are no run's", folder, "choose an empty or new folder with --out");
    }

    private static FileStream Hold(string folder, string full)
    {
        try
        {
            Directory.CreateDirectory(full);
            // The system drops the lock with the process, however it dies.
            return new FileStream(Path.Combine(full, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (IOException e) when (File.Exists(Path.Combine(full, LockFile)) && e is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new AtelierException("another process is at work on this run", folder, "wait for it, stop it, or choose another place with --out", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException($"cannot be written: {e.Message.TrimEnd('.')}", folder, "choose another place with --out", e);
        }
    }
}
