using Atelier.Abstractions;
using Atelier.Runs;

namespace Atelier.Server.Serving;

/// <summary>
/// A model by its name: it is loaded by the first request, leaves memory when it is not used, and is replaced when its
/// files change, while requests that began with the old files finish with them. Safe for concurrent use.
/// </summary>
internal sealed class ServedModel : IDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2); // how often files are looked at
    private readonly Func<ITrainedModel> _open;
    private readonly TimeProvider _time;
    private readonly Action<ServedModel, AtelierException> _onOldKept;
    private readonly SemaphoreSlim _loading = new(1, 1);
    private readonly Lock _gate = new();
    private Loaded? _current;
    private DateTimeOffset _looked;

    /// <summary>Creates a model that is not loaded.</summary>
    /// <param name="name">The name in requests.</param>
    /// <param name="path">The folder of a run or a bundle, or a file.</param>
    /// <param name="open">Loads the model.</param>
    /// <param name="queue">The queue of its requests.</param>
    /// <param name="time">The clock.</param>
    /// <param name="onOldKept">Receives the error of new files that cannot be loaded; the old model stays.</param>
    public ServedModel(string name, string path, Func<ITrainedModel> open, RequestQueue queue, TimeProvider time,
        Action<ServedModel, AtelierException> onOldKept)
    {
        (Name, Path, _open, Queue, _time, _onOldKept) = (name, path, open, queue, time, onOldKept);
        LastUsed = time.GetUtcNow();
    }

    /// <summary>The name in requests.</summary>
    public string Name { get; }

    /// <summary>The folder of a run or a bundle, or a file.</summary>
    public string Path { get; }

    /// <summary>The folder of the model's run; that of the model itself if it has none.</summary>
    public string RunFolder => RunFolderOf(Path);

    /// <summary>The queue of the model's requests.</summary>
    public RequestQueue Queue { get; }

    /// <summary>When the last request began or ended.</summary>
    public DateTimeOffset LastUsed { get; private set; }

    /// <summary>Whether the model is in memory.</summary>
    public bool IsLoaded
    {
        get
        {
            lock (_gate)
                return _current is not null;
        }
    }

    /// <summary>When the model's files were written.</summary>
    public DateTimeOffset Created => new(Stamp(), TimeSpan.Zero);

    /// <summary>The type of model that its files name; null for a single file, or where there are none.</summary>
    public string? ModelType => OpenBundle()?.ModelType;

    /// <summary>Returns the folder of the run that a folder is of, which may be its bundle; the folder itself if there
    /// is no run.</summary>
    public static string RunFolderOf(string path)
    {
        string full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        return System.IO.Path.GetDirectoryName(full) is { } parent && !Run.Exists(full) && Run.Exists(parent) ? parent
            : full;
    }

    /// <summary>Returns the model, loaded; it stays in memory until the lease is disposed.</summary>
    /// <param name="cancellation">Cancels waiting for the model to be loaded.</param>
    /// <exception cref="AtelierException">The model cannot be loaded.</exception>
    public async ValueTask<ModelLease> AcquireAsync(CancellationToken cancellation)
    {
        if (TryLease() is { } lease)
            return lease;
        await _loading.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (TryLease() is { } ready)
                return ready;
            DateTime stamp = Stamp();
            ITrainedModel model;
            try
            {
                model = await Task.Run(_open, cancellation).ConfigureAwait(false);
            }
            catch (AtelierException e) when (KeepOld(e) is { } old)
            {
                return old;
            }
            lock (_gate)
            {
                Loaded? before = _current;
                _current = new Loaded(model, stamp);
                ModelLease first = Lease(_current);
                before?.Retire();
                return first;
            }
        }
        finally
        {
            _loading.Release();
        }
    }

    /// <summary>Removes the model from memory if no request has used it for some time.</summary>
    /// <param name="idle">The time.</param>
    public void UnloadIfIdle(TimeSpan idle)
    {
        lock (_gate)
        {
            if (_current is not { Users: 0 } || _time.GetUtcNow() - LastUsed < idle)
                return;
            _current.Retire();
            _current = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _current?.Retire();
            _current = null;
        }
        _loading.Dispose();
    }

    /// <summary>A lease of the model if it is in memory and its files have not changed.</summary>
    private ModelLease? TryLease()
    {
        lock (_gate)
        {
            if (_current is null)
                return null;
            DateTimeOffset now = _time.GetUtcNow();
            if (now - _looked >= LookInterval)
            {
                _looked = now;
                _current.IsStale = Stamp() is var stamp && stamp != default && stamp != _current.Stamp;
            }
            return _current.IsStale ? null : Lease(_current);
        }
    }

    /// <summary>A lease of the model in memory, if there is one, after its new files could not be read.</summary>
    private ModelLease? KeepOld(AtelierException why)
    {
        lock (_gate)
        {
            if (_current is null)
                return null;
            _onOldKept(this, why);
            _current.IsStale = false; // until the files are looked at again
            return Lease(_current);
        }
    }

    private ModelLease Lease(Loaded loaded)
    {
        loaded.Users++;
        LastUsed = _time.GetUtcNow();
        return new ModelLease(this, loaded.Model, () => Return(loaded));
    }

    private void Return(Loaded loaded)
    {
        lock (_gate)
        {
            loaded.Users--;
            LastUsed = _time.GetUtcNow();
            loaded.DisposeIfUnused();
        }
    }

    /// <summary>When the files of the model were last written; the default if there are none, as while a bundle is
    /// replaced.</summary>
    private DateTime Stamp()
    {
        if (File.Exists(Path))
            return File.GetLastWriteTimeUtc(Path);
        string[] files = OpenBundle() is { } bundle
            ? [bundle.ConfigPath, bundle.WeightsPath, bundle.GgufPath, bundle.WeightsIndexPath] : [];
        return files.Where(File.Exists).Select(File.GetLastWriteTimeUtc).DefaultIfEmpty().Max();
    }

    private Bundle? OpenBundle()
    {
        try
        {
            return File.Exists(Path) ? null : Bundle.Open(Path);
        }
        catch (AtelierException)
        {
            return null;
        }
    }

    /// <summary>A model in memory.</summary>
    private sealed class Loaded(ITrainedModel model, DateTime stamp)
    {
        private bool _isRetired;

        public ITrainedModel Model => model;

        public DateTime Stamp => stamp;

        public int Users { get; set; }

        public bool IsStale { get; set; }

        /// <summary>Disposes the model as soon as no request uses it.</summary>
        public void Retire()
        {
            _isRetired = true;
            DisposeIfUnused();
        }

        public void DisposeIfUnused()
        {
            if (_isRetired && Users == 0)
                model.Dispose();
        }
    }
}

/// <summary>The use of a model by one request.</summary>
internal sealed class ModelLease(ServedModel served, ITrainedModel model, Action onReturn) : IDisposable
{
    private Action? _onReturn = onReturn;

    /// <summary>The model's name, path and queue.</summary>
    public ServedModel Served => served;

    /// <summary>The model.</summary>
    public ITrainedModel Model => model;

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _onReturn, null)?.Invoke();
}
