using Atelier.Tensors.Ranks;

namespace Atelier.Tests.Training.Distributed;

/// <summary>Ranks that are threads of this process, with sums in the order of ranks.</summary>
internal sealed class ThreadRanks : ICommunicator
{
    private readonly Shared _shared;

    private ThreadRanks(int rank, Shared shared) => (Rank, _shared) = (rank, shared);

    public int Rank { get; }

    public int Size => _shared.Slots.Length;

    /// <summary>Runs a function on ranks side by side, and returns their results.</summary>
    public static T[] Run<T>(int size, Func<ICommunicator, T> work)
    {
        var shared = new Shared(size);
        var results = new T[size];
        var failures = new Exception?[size];
        Thread[] threads = [.. Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            try
            {
                results[rank] = work(new ThreadRanks(rank, shared));
            }
            catch (Exception e)
            {
                failures[rank] = e;
                shared.Meeting.RemoveParticipant(); // the others must not wait for it
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        if (failures.FirstOrDefault(failure => failure is not null) is { } failed)
            throw failed;
        return results;
    }

    public void Sum(Span<float> values) => Combine(values, (a, b) => a + b);

    public void Sum(Span<double> values) => Combine(values, (a, b) => a + b);

    public void Sum(Span<long> values) => Combine(values, (a, b) => a + b);

    public void Max(Span<long> values) => Combine(values, Math.Max);

    public void Broadcast(Span<byte> bytes, int root = 0) => Exchange(bytes.ToArray())[root].CopyTo(bytes);

    public byte[][] Gather(ReadOnlySpan<byte> bytes) => Exchange(bytes.ToArray());

    public void Barrier() => Exchange(Array.Empty<byte>());

    public void Abort(int code) => throw new InvalidOperationException($"aborted with {code}");

    private void Combine<T>(Span<T> values, Func<T, T, T> add)
    {
        T[][] all = Exchange(values.ToArray());
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = all[0][i];
            foreach (T[] other in all.AsSpan(1))
                values[i] = add(values[i], other[i]);
        }
    }

    private T[][] Exchange<T>(T[] own)
    {
        _shared.Slots[Rank] = own;
        _shared.Meeting.SignalAndWait();
        T[][] all = [.. _shared.Slots.Cast<T[]>()];
        _shared.Meeting.SignalAndWait();
        return all;
    }

    private sealed class Shared(int size)
    {
        public Array[] Slots { get; } = new Array[size];

        public Barrier Meeting { get; } = new(size);
    }
}
