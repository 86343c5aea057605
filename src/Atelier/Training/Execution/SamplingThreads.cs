using Atelier.Kernels;
using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Training.Execution;

/// <summary>
/// The threads among which <see cref="BatchRows"/> divides batches while images are sampled, and the weights in bf16
/// that they share. Both are kept between samplings, since creating them takes as long as a small network does.
/// </summary>
internal sealed class SamplingThreads : IDisposable
{
    private const int LeastRows = 8; // of a thread: with fewer, a thread is not worth its cost
    private readonly Lock _gate = new();
    private readonly RoundedWeights _weights = new();
    private WorkerTeam? _team;

    /// <summary>
    /// Begins a sampling: until the result is disposed, batches of this thread are divided among as many threads as
    /// the tensor library has here, while the library itself has one. One sampling runs at a time; a second one within
    /// it keeps its threads.
    /// </summary>
    /// <param name="device">The device of the batches; only those of a CPU are divided.</param>
    /// <param name="rows">The usual number of rows of a batch.</param>
    public IDisposable Begin(Device device, long rows)
    {
        _gate.Enter();
        int threads = get_num_threads(); // 1 within another sampling
        int members = device.type == TorchSharp.DeviceType.CPU ? (int)Math.Clamp(rows / LeastRows, 1, threads) : 1;
        if (members == 1)
            return new Restoration(_gate.Exit);
        if (_team?.Size != members)
        {
            _team?.Dispose();
            _team = new WorkerTeam(members, () => ComputeDevice.SetThreads(1));
        }
        ComputeDevice.SetThreads(1);
        _weights.Refresh(_team);
        IDisposable context = (StepContext.Current with { Team = _team, Weights = _weights }).Use();
        return new Restoration(() =>
        {
            context.Dispose();
            ComputeDevice.SetThreads(threads);
            _gate.Exit();
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _team?.Dispose();
        _weights.Dispose();
    }
}
