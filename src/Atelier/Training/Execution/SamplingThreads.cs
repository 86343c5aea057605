using Atelier.Kernels;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Training.Execution;

/// <summary>
/// Threads that wait from one drawing to the next, and the weights in bf16 that they share: making either anew costs as
/// much as a small network does. One drawing at a time; a drawing may begin another within itself.
/// </summary>
internal sealed class SamplingThreads : IDisposable
{
    private const int LeastRows = 8; // of a thread: below, it is not worth the while
    private readonly Lock _gate = new();
    private readonly RoundedWeights _weights = new();
    private WorkerTeam? _team;
    private int _depth, _threads;
    private bool _areRounded; // within this drawing, in which weights stay as they are

    /// <summary>
    /// Begins work on rows that threads share out, as many as the tensor library has on this one. Until the answer is
    /// disposed the tensor library has a single thread here, since others would take the team's cores.
    /// </summary>
    /// <param name="device">Where the rows lie; only a CPU's are shared out.</param>
    /// <param name="rows">About how many there will be.</param>
    public RowTeam Begin(Device device, long rows)
    {
        _gate.Enter();
        if (_depth++ == 0)
            (_threads, _areRounded) = (get_num_threads(), false);
        int members = device.type == TorchSharp.DeviceType.CPU ? (int)Math.Clamp(rows / LeastRows, 1, _threads) : 1;
        if (members == 1)
            return new RowTeam(null, _weights, End);
        if (_depth == 1 && _team?.Size != members)
        {
            _team?.Dispose();
            _team = null;
        }
        _team ??= new WorkerTeam(members, () => ComputeDevice.SetThreads(1));
        ComputeDevice.SetThreads(1);
        if (!_areRounded)
            _weights.Refresh(_team);
        _areRounded = true;
        return new RowTeam(_team, _weights, End);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _team?.Dispose();
        _weights.Dispose();
    }

    private void End()
    {
        if (--_depth == 0)
            ComputeDevice.SetThreads(_threads);
        _gate.Exit();
    }
}
