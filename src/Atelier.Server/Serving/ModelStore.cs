using System.Collections.Concurrent;
using Atelier.Runs;

namespace Atelier.Server.Serving;

/// <summary>
/// The models of a server by name: those that its options name, and the finished runs of its folder of runs. Safe for
/// concurrent use.
/// </summary>
internal sealed class ModelStore : IDisposable
{
    private static readonly TimeSpan TidyInterval = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<string, ServedModel> _models = new(StringComparer.Ordinal);
    private readonly Workshop _workshop;
    private readonly ServerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<ModelStore> _log;
    private readonly Lock _gate = new();
    private readonly ITimer _tidying;

    /// <summary>Creates a store; no model is loaded.</summary>
    /// <param name="workshop">Opens the models.</param>
    /// <param name="options">The models, their slots and their queues.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Receives what concerns no single request.</param>
    public ModelStore(Workshop workshop, ServerOptions options, TimeProvider time, ILogger<ModelStore> log)
    {
        (_workshop, _options, _time, _log) = (workshop, options, time, log);
        foreach ((string name, string path) in options.Models)
            _models[name] = Create(name, path);
        _tidying = time.CreateTimer(_ =>
        {
            foreach (ServedModel model in _models.Values)
                model.UnloadIfIdle(options.IdleTimeout);
        }, null, TidyInterval, TidyInterval);
    }

    /// <summary>All models.</summary>
    public IReadOnlyCollection<ServedModel> Models
    {
        get
        {
            LookForRuns();
            return [.. _models.Values];
        }
    }

    /// <summary>Returns a model by its name; null if there is none.</summary>
    public ServedModel? Find(string name)
    {
        // the usual case, without looking at all runs: a model that is known, and whose run is still there
        if (_models.TryGetValue(name, out ServedModel? known)
            && (_options.Models.ContainsKey(name) || Run.HasResult(known.Path)))
            return known;
        LookForRuns();
        return _models.GetValueOrDefault(name);
    }

    /// <summary>Returns the model that a request names, loaded.</summary>
    /// <param name="name">The name; null if the request has none.</param>
    /// <param name="cancellation">Cancels waiting for the model to be loaded.</param>
    /// <exception cref="ApiException">There is no such model, it cannot be loaded, or the request names
    /// none.</exception>
    public async ValueTask<ModelLease> RequireAsync(string? name, CancellationToken cancellation)
    {
        if (string.IsNullOrEmpty(name))
            throw ApiException.Invalid("model", "'model' is missing; GET /v1/models lists the models");
        ServedModel model = Find(name) ?? throw ApiException.NoModel(name);
        try
        {
            return await model.AcquireAsync(cancellation).ConfigureAwait(false);
        }
        catch (AtelierException e)
        {
            throw new ApiException(StatusCodes.Status500InternalServerError,
                $"the model '{name}' cannot be loaded: {e.Message}", "model", "model_unavailable");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tidying.Dispose();
        foreach (ServedModel model in _models.Values)
            model.Dispose();
    }

    /// <summary>Adds the runs that have been finished since, and drops those that have been deleted.</summary>
    private void LookForRuns()
    {
        if (_options.RunsFolder is not { } folder)
            return;
        lock (_gate)
        {
            string[] finished = Directory.Exists(folder)
                ? [.. Directory.EnumerateDirectories(folder).Where(Run.HasResult)] : [];
            foreach (string path in finished)
                _models.GetOrAdd(Path.GetFileName(path), name => Create(name, path));
            HashSet<string> names = [.. finished.Select(path => Path.GetFileName(path)!), .. _options.Models.Keys];
            foreach (string gone in _models.Keys.Where(name => !names.Contains(name)))
            {
                if (_models.TryRemove(gone, out ServedModel? model))
                    model.Dispose();
            }
        }
    }

    private ServedModel Create(string name, string path) => new(name, path,
        () => _workshop.Open(path, new OpenOptions { Device = _options.Device }),
        new RequestQueue(_options.Slots, _options.QueueLength), _time, OldKept);

    private void OldKept(ServedModel model, AtelierException why) =>
        _log.LogWarning("the new files of {Model} cannot be loaded, so the old model stays: {Why}", model.Name,
            why.ToLine());
}
