using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Atelier.Tensors.Ranks;

/// <summary>The world communicator of an MPI library (MPI Forum, MPI: A Message-Passing Interface Standard).</summary>
internal sealed unsafe class MpiCommunicator : ICommunicator, IDisposable
{
    private const int Serialized = 2; // MPI_THREAD_SERIALIZED: several threads, one at a time
    private const int MostBytes = 1 << 28; // in one call; its count is an int
    private const int LongestError = 1024;

    private readonly MpiHandles _handles;
    private readonly delegate* unmanaged<nint, void*, int, nint, nint, nint, int> _allReduce;
    private readonly delegate* unmanaged<void*, int, nint, int, nint, int> _broadcast;
    private readonly delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, nint, int> _allGather;
    private readonly delegate* unmanaged<nint, int> _barrier;
    private readonly delegate* unmanaged<nint, int, int> _abort;
    private readonly delegate* unmanaged<int, byte*, int*, int> _describe;
    private readonly delegate* unmanaged<int> _finalize;
    private bool _isFinal;
    private long _waitingSince; // a time stamp; 0 outside of exchanges

    /// <summary>Initialises MPI. A process can do so once.</summary>
    /// <param name="library">The library.</param>
    /// <param name="launch">What the launcher says, which the library must confirm.</param>
    /// <exception cref="AtelierException">The library does not belong to the launcher, or MPI fails.</exception>
    public MpiCommunicator(MpiLibrary library, RankLaunch launch)
    {
        nint Export(string name) => NativeLibrary.GetExport(library.Handle, name);
        _handles = MpiHandles.Of(library);
        _allReduce = (delegate* unmanaged<nint, void*, int, nint, nint, nint, int>)Export("MPI_Allreduce");
        _broadcast = (delegate* unmanaged<void*, int, nint, int, nint, int>)Export("MPI_Bcast");
        _allGather =
            (delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, nint, int>)Export("MPI_Allgatherv");
        _barrier = (delegate* unmanaged<nint, int>)Export("MPI_Barrier");
        _abort = (delegate* unmanaged<nint, int, int>)Export("MPI_Abort");
        _describe = (delegate* unmanaged<int, byte*, int*, int>)Export("MPI_Error_string");
        _finalize = (delegate* unmanaged<int>)Export("MPI_Finalize");
        var start = (delegate* unmanaged<void*, void*, int, int*, int>)Export("MPI_Init_thread");
        var rank = (delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_rank");
        var size = (delegate* unmanaged<nint, int*, int>)Export("MPI_Comm_size");
        var handleErrors = (delegate* unmanaged<nint, nint, int>)Export("MPI_Comm_set_errhandler");

        int level, own, all;
        Check(start(null, null, Serialized, &level));
        Check(handleErrors(_handles.World, _handles.ErrorsReturn));
        Check(rank(_handles.World, &own));
        Check(size(_handles.World, &all));
        (Rank, Size) = (own, all);
        // A library of another installation than the launcher's would train each rank alone, all into one folder.
        if (all != launch.Size)
        {
            throw new AtelierException($"mpirun started {launch.Size} processes, but {library.Version} "
                + $"({library.Path}) sees {all}", "mpirun",
                $"use the mpirun of this library, or name the library of mpirun in {MpiLibrary.Variable}");
        }
        if (level < Serialized)
            throw new AtelierException($"{library.Version} does not support threads", library.Path,
                "use a build of MPI with MPI_THREAD_SERIALIZED");
    }

    public int Rank { get; }

    public int Size { get; }

    /// <summary>The time since the present exchange began; zero if there is none. Safe on any thread.</summary>
    public TimeSpan Waiting => Volatile.Read(ref _waitingSince) is var since and not 0
        ? Stopwatch.GetElapsedTime(since) : TimeSpan.Zero;

    public void Sum(Span<float> values) => Reduce(values, _handles.Float, _handles.Sum);

    public void Sum(Span<double> values) => Reduce(values, _handles.Double, _handles.Sum);

    public void Sum(Span<long> values) => Reduce(values, _handles.Long, _handles.Sum);

    public void Max(Span<long> values) => Reduce(values, _handles.Long, _handles.Max);

    public void Broadcast(Span<byte> bytes, int root = 0)
    {
        BeginWait();
        for (; !bytes.IsEmpty; bytes = bytes[Math.Min(bytes.Length, MostBytes)..])
        {
            fixed (byte* start = bytes)
                Check(_broadcast(start, Math.Min(bytes.Length, MostBytes), _handles.Byte, root, _handles.World));
        }
    }

    public byte[][] Gather(ReadOnlySpan<byte> bytes)
    {
        var lengths = new long[Size];
        lengths[Rank] = bytes.Length;
        Sum(lengths);
        int[] counts = [.. lengths.Select(length => (int)length)], starts = new int[Size];
        for (int i = 1; i < Size; i++)
            starts[i] = checked(starts[i - 1] + counts[i - 1]);
        var all = new byte[checked(starts[^1] + counts[^1])];
        BeginWait();
        fixed (byte* from = bytes, to = all)
        fixed (int* count = counts, at = starts)
            Check(_allGather(from, bytes.Length, _handles.Byte, to, count, at, _handles.Byte, _handles.World));
        return [.. counts.Select((count, i) => all.AsSpan(starts[i], count).ToArray())];
    }

    public void Barrier()
    {
        BeginWait();
        Check(_barrier(_handles.World));
    }

    public void Abort(int code)
    {
        _ = _abort(_handles.World, code);
        Environment.Exit(code);
    }

    /// <summary>Leaves the job; waits for the other ranks to do so.</summary>
    public void Dispose()
    {
        if (!_isFinal)
            _ = _finalize();
        _isFinal = true;
    }

    private void Reduce<T>(Span<T> values, nint type, nint operation)
        where T : unmanaged
    {
        int most = MostBytes / Unsafe.SizeOf<T>();
        BeginWait();
        for (; !values.IsEmpty; values = values[Math.Min(values.Length, most)..])
        {
            fixed (T* start = values)
            {
                Check(_allReduce(_handles.InPlace, start, Math.Min(values.Length, most), type, operation,
                    _handles.World));
            }
        }
    }

    private void BeginWait() => Volatile.Write(ref _waitingSince, Stopwatch.GetTimestamp());

    /// <summary>Ends a wait, and throws if MPI failed.</summary>
    private void Check(int code)
    {
        Volatile.Write(ref _waitingSince, 0);
        if (code == 0)
            return;
        byte* text = stackalloc byte[LongestError];
        int length = 0;
        _ = _describe(code, text, &length);
        throw new AtelierException($"MPI: {Encoding.UTF8.GetString(text, length).Trim()}", $"rank {Rank}",
            "look at the network and the other ranks, then continue the run from its last checkpoint");
    }
}
