
namespace Atelier.Server.Serving;

/// <summary>The models of a server by name. Safe for concurrent use.</summary>
internal sealed class ModelStore : IDisposable
{
    private static readonly TimeSpan TidyInterval = TimeSpan.FromSeconds(10);
    private readonly Dictionary<string, ServedModel> _models = new(StringComparer.Ordinal);
    private readonly ITimer _tidying;

    /// <summary>Creates a store; no model is loaded.</summary>
    /// <param name="workshop">Opens the models.</param>
    /// <param name="options">The models, their slots and their queues.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Receives what concerns no single request.</param>
    public ModelStore(Workshop workshop, ServerOptions options, TimeProvider time, ILogger<ModelStore> log)
    {
        foreach ((string name, string path) in options.Models)
        {
            _models.Add(name, new ServedModel(name, path,
                () => workshop.Open(path, new OpenOptions { Device = options.Device }),
                new RequestQueue(options.Slots, options.QueueLength), time, OldKept));
        }
        _tidying = time.CreateTimer(_ =>
        {
            foreach (ServedModel model in _models.Values)
                model.UnloadIfIdle(options.IdleTimeout);
        }, null, TidyInterval, TidyInterval);

        void OldKept(ServedModel model, AtelierException why) =>
            log.LogWarning("the new files of {Model} cannot be loaded, so the old model stays: {Why}", model.Name,
                why.ToLine());
    }

    /// <summary>All models.</summary>
    public IReadOnlyCollection<ServedModel> Models => _models.Values;

    /// <summary>Returns a model by its name; null if there is none.</summary>
    public ServedModel? Find(string name) => _models.GetValueOrDefault(name);

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
}
