using System.ComponentModel;
using System.Text.Json;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Server.Trainings;

/// <summary>
/// The trainings that requests have started. Each is a process of its own, with its recipe and its log in a hidden
/// folder of the folder of runs, so that it goes on when the server ends, and the next server finds it. One server
/// of a folder starts trainings. Safe for concurrent use.
/// </summary>
internal sealed class TrainingStore : IDisposable
{
    private const string Hidden = ".trainings", LockFile = ".lock", FactsFile = "training.json", LogFile = "log.txt",
        RecipeFile = "recipe.yaml";

    private const int MostKept = 500;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ServerOptions _options;
    private readonly string? _runs;
    private readonly TimeProvider _time;
    private readonly ILogger<TrainingStore> _log;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TrainingJob> _trainings = new(StringComparer.Ordinal);
    private readonly HashSet<ProcessMark> _asked = []; // to end: asked twice, they would end without a checkpoint
    private readonly ITimer? _pumping;
    private FileStream? _lock;

    /// <summary>Finds the trainings of earlier servers, and starts those that wait.</summary>
    public TrainingStore(ServerOptions options, TimeProvider time, ILogger<TrainingStore> log)
    {
        (_options, _time, _log) = (options, time, log);
        _runs = options.RunsFolder is null ? null : Path.GetFullPath(options.RunsFolder);
        if (_runs is null)
            return;
        string folder = Path.Combine(_runs, Hidden);
        Starts = options.Trainer is not null;
        // otherwise the first training makes the folder
        if (Starts && Directory.Exists(folder) && !(Starts = TryHold()))
            log.LogWarning("another server starts the trainings of {Folder}; this one starts none", _runs);
        if (Starts)
            _pumping = time.CreateTimer(_ => PumpAlone(), null, Interval, Interval);
    }

    /// <summary>Whether this server starts trainings.</summary>
    public bool Starts { get; }

    /// <summary>Returns all trainings whose runs have not been deleted.</summary>
    public IReadOnlyList<(TrainingJob Training, string Status)> List()
    {
        lock (_gate)
        {
            if (_lock is null && _runs is not null)
                ReadAll(); // another server may have changed them
            return [.. _trainings.Values.ToArray().Select(one => (one, StatusOf(one))).Where(one =>
                one.Item2 != RunRecord.Gone)];
        }
    }

    /// <summary>Returns a training with its status by its id; null if there is none.</summary>
    public (TrainingJob Training, string Status)? Find(string id) =>
        List().Where(one => one.Training.Id == id).Select(one => ((TrainingJob, string)?)one).FirstOrDefault();

    /// <summary>The folder of a training's run.</summary>
    public string FolderOf(TrainingJob training) => Path.Combine(_runs!, training.Name);

    /// <summary>What the trainer has written.</summary>
    public TrainingLog LogOf(TrainingJob training) => training.Failure is { } failure ? new([], failure)
        : TrainingLog.Read(Path.Combine(PlaceOf(training.Id), LogFile));

    /// <summary>The recipe of a training that may not have begun yet, with the paths of this machine.</summary>
    public string? RecipeOf(TrainingJob training) =>
        Path.Combine(PlaceOf(training.Id), RecipeFile) is var path && File.Exists(path)
            ? InputFile.ReadAllText(path) : null;

    /// <summary>Returns whether a training that runs or waits uses data.</summary>
    public bool Uses(string data) =>
        List().Any(one => one.Training.Data == data && one.Status is "running" or "queued");

    /// <summary>Starts a training, or lets it wait.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="yaml">Its text, with the paths of this machine.</param>
    /// <param name="name">The name of the run; null takes that of the recipe.</param>
    /// <param name="data">The id of its data; null if they have none.</param>
    /// <exception cref="ApiException">The queue is full, or this server starts no trainings.</exception>
    public TrainingJob Start(Recipe recipe, string yaml, string? name, string? data)
    {
        lock (_gate)
        {
            RequireRoom();
            string id;
            do
                id = Guid.NewGuid().ToString("N")[..8];
            while (_trainings.ContainsKey(id));
            string folder = Run.NewFolder(_runs!, name ?? recipe.Name,
                path => _trainings.Values.Any(one => FolderOf(one) == path && StatusOf(one) != RunRecord.Gone));
            var training = new TrainingJob(id, Path.GetFileName(folder), recipe.Name, recipe.Model.Family, data,
                _time.GetUtcNow()) { Waiting = _time.GetUtcNow() };
            AtomicFile.WriteText(Path.Combine(PlaceOf(id), RecipeFile), yaml);
            Keep(training);
            Pump();
            return _trainings[id];
        }
    }

    /// <summary>Interrupts a training, which saves a checkpoint, or takes it out of the queue.</summary>
    /// <param name="training">The training.</param>
    /// <exception cref="ApiException">It neither runs nor waits, or another program runs it.</exception>
    public void Stop(TrainingJob training)
    {
        lock (_gate)
        {
            RequireStarts();
            TrainingJob now = _trainings[training.Id];
            if (now.IsWaiting)
                Keep(now with { Waiting = null });
            else if (now.Process is { IsAlive: true } process)
            {
                if (_asked.Add(process))
                    process.Interrupt();
            }
            else
                throw Conflict(StatusOf(now) == "running" ? "another program runs this training; stop it there"
                    : "this training does not run");
        }
    }

    /// <summary>Continues a training, or lets it wait.</summary>
    /// <param name="training">The training.</param>
    /// <exception cref="ApiException">It runs, waits or is finished, or the queue is full.</exception>
    public void Resume(TrainingJob training)
    {
        lock (_gate)
        {
            RequireStarts();
            string status = StatusOf(training);
            if (status is "running" or "queued" or "finished")
                throw Conflict(status == "finished" ? "this training is finished"
                    : $"this training is {status} already");
            RequireRoom();
            Keep(training with { Waiting = _time.GetUtcNow(), Failure = null, Ended = null });
            Pump();
        }
    }

    /// <summary>Returns whether a run is in the folder of runs, so that it can be resumed here.</summary>
    public bool Holds(RunRecord run) => _runs is not null && Path.GetDirectoryName(run.Folder) == _runs;

    /// <inheritdoc/>
    public void Dispose()
    {
        _pumping?.Dispose();
        _lock?.Dispose(); // trainings go on
    }

    private static ApiException Conflict(string message) =>
        new(StatusCodes.Status409Conflict, message, "id", "wrong_status");

    /// <summary>Returns whether this is the one server that starts the trainings of its folder.</summary>
    private bool TryHold()
    {
        if (_lock is not null)
            return true;
        string folder = Path.Combine(_runs!, Hidden);
        try
        {
            Directory.CreateDirectory(folder);
            _lock = new FileStream(Path.Combine(folder, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite,
                FileShare.None, 1);
            ReadAll(); // an earlier server may have changed them
            return true;
        }
        catch (IOException) when (Run.IsHeld(folder))
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FileFault.At(e, folder);
        }
    }

    private static TrainingJob? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<TrainingJob>(InputFile.ReadAllText(path)) : null;
        }
        catch (JsonException)
        {
            return null; // somebody has changed it
        }
    }

    private string PlaceOf(string id) => Path.Combine(_runs!, Hidden, id);

    private void RequireStarts()
    {
        if (!Starts || !TryHold())
            throw new ApiException(StatusCodes.Status403Forbidden, "this server starts no trainings",
                code: "no_trainings");
    }

    private void RequireRoom()
    {
        RequireStarts();
        string[] statuses = [.. _trainings.Values.ToArray().Select(StatusOf)];
        if (statuses.Count(status => status == "queued") >= _options.TrainingQueueLength
            && statuses.Count(status => status == "running") >= _options.Trainings)
            throw new ApiException(StatusCodes.Status409Conflict,
                $"{_options.TrainingQueueLength} trainings wait already; try again when one has ended",
                code: "queue_full");
    }

    private string StatusOf(TrainingJob training)
    {
        string folder = FolderOf(training);
        if (training.IsWaiting)
            return "queued";
        if (training.Process is { IsAlive: true } || Run.IsHeld(folder))
            return "running";
        if (Run.HasResult(folder))
        {
            if (!training.IsFinished)
                Keep(training with { IsFinished = true });
            return "finished";
        }
        if (training.IsFinished)
            return RunRecord.Gone;
        if (training.Ended is null)
            Keep(training = training with { Ended = LogOf(training).Failure is null ? "interrupted" : "failed" });
        return training.Ended!;
    }

    private void ReadAll()
    {
        string folder = Path.Combine(_runs!, Hidden);
        _trainings.Clear();
        foreach (string path in Directory.Exists(folder) ? Directory.EnumerateDirectories(folder) : [])
        {
            if (Read(Path.Combine(path, FactsFile)) is { } known)
                _trainings[known.Id] = known;
        }
    }

    private void Keep(TrainingJob training)
    {
        _trainings[training.Id] = training;
        if (_lock is null)
            return; // it is another server's
        AtomicFile.WriteText(Path.Combine(PlaceOf(training.Id), FactsFile), JsonSerializer.Serialize(training));
    }

    /// <summary>Starts trainings that wait, as many as may run, and forgets those of long ago.</summary>
    private void Pump()
    {
        lock (_gate)
        {
            if (!_trainings.Values.Any(one => one.IsWaiting))
                return;
            (TrainingJob Training, string Status)[] all =
                [.. _trainings.Values.ToArray().Select(one => (one, StatusOf(one)))];
            foreach ((TrainingJob next, _) in all.Where(one => one.Status == "queued")
                .OrderBy(one => one.Training.Waiting)
                .Take(_options.Trainings - all.Count(one => one.Status == "running")))
                Begin(next);
            foreach ((TrainingJob old, _) in all.Where(one => one.Status is RunRecord.Gone or "finished" or "failed")
                .OrderBy(one => one.Status != RunRecord.Gone).ThenBy(one => one.Training.Created)
                .Take(Math.Max(0, all.Length - MostKept)))
            {
                _trainings.Remove(old.Id);
                Directory.Delete(PlaceOf(old.Id), recursive: true);
            }
        }
    }

    /// <summary>Does so outside of a request: an error, such as a full disk, is logged, and must not end the
    /// server.</summary>
    private void PumpAlone()
    {
        try
        {
            Pump();
        }
        catch (Exception e) when (e is AtelierException or IOException or UnauthorizedAccessException)
        {
            _log.LogError(e, "the trainings of {Folder} cannot be looked after", _runs);
        }
    }

    private void Begin(TrainingJob training)
    {
        string folder = FolderOf(training), place = PlaceOf(training.Id);
        string[] arguments = Run.Exists(folder) ? ["train", "--resume", "--out", folder]
            : ["train", Path.Combine(place, RecipeFile), "--out", folder];
        try
        {
            ProcessMark? process = Trainer.Start(_options.Trainer!, [.. arguments, "--json"],
                Path.Combine(place, LogFile), PumpAlone);
            Keep(training with { Waiting = null, Process = process });
            _log.LogInformation("training {Id} has begun: {Name}", training.Id, training.Name);
        }
        catch (Exception e) when (e is Win32Exception or IOException or UnauthorizedAccessException)
        {
            Keep(training with { Waiting = null, Failure = "the trainer cannot be started" });
            _log.LogError(e, "training {Id} cannot be started", training.Id);
        }
    }
}
