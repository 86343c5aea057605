using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training.Execution;

/// <summary>
/// Threads that each take some rows of a batch through a network, without gradients: on a CPU this beats every operation on
/// all threads, which wait for one another at its end. What is computed does not depend on how many there are.
/// </summary>
internal sealed class RowTeam : IDisposable
{
    private const int LeastRows = 8; // of a thread: below, it is not worth the while
    private readonly WorkerTeam? _team;
    private readonly int _threads;

    /// <summary>Starts as many threads as the tensor library has on this one.</summary>
    /// <param name="device">Where the rows lie; only a CPU's are shared out.</param>
    /// <param name="rows">About how many there will be.</param>
    public RowTeam(Device device, long rows)
    {
        _threads = get_num_threads();
        int members = device.type == DeviceType.CPU ? (int)Math.Min(_threads, rows / LeastRows) : 1;
        if (members > 1)
            _team = new WorkerTeam(members, () => ComputeDevice.SetThreads(1));
    }

    /// <summary>What a function makes of all rows.</summary>
    /// <param name="rows">How many there are.</param>
    /// <param name="compute">What it makes of some: given the first one and how many.</param>
    /// <returns>One result under another along the first dimension, in the caller's dispose scope.</returns>
    public Tensor Map(long rows, Func<long, long, Tensor> compute)
    {
        if (_team is null || rows < _team.Size)
        {
            using var scope = NewDisposeScope(); // what lies between is gone, here as on the threads
            return compute(0, rows).MoveToOuterDisposeScope();
        }
        var parts = new Tensor[_team.Size];
        ComputeDevice.SetThreads(1);
        _team.Run(member =>
        {
            using var scope = NewDisposeScope();
            using var gradients = no_grad(); // a thread's own setting
            long from = rows * member / parts.Length;
            parts[member] = compute(from, (rows * (member + 1) / parts.Length) - from).DetachFromDisposeScope();
        });
        ComputeDevice.SetThreads(_threads);
        Tensor whole = cat(parts, 0);
        foreach (Tensor part in parts)
            part.Dispose();
        return whole;
    }

    /// <inheritdoc/>
    public void Dispose() => _team?.Dispose();
}
