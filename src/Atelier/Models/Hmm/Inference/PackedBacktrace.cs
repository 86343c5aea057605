using System.Runtime.InteropServices;

namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// Best paths for up to eight states. It stores the best predecessor of each state at each time step, in three bits for
/// each state and four bytes for each time step.
/// </summary>
internal sealed unsafe class PackedBacktrace : Backtrace
{
    private readonly uint* _predecessors; // [times]; index 0 is not used
    private readonly AlignedBuffer _last = new(HmmKernels.Lanes);

    /// <summary>Computes the best paths through a half of a sequence.</summary>
    /// <param name="half">The half.</param>
    /// <param name="times">The number of its time steps.</param>
    public PackedBacktrace(ViterbiHalf half, int times) : base(times)
    {
        _predecessors = (uint*)NativeMemory.Alloc((nuint)Math.Max(1, times), sizeof(uint));
        if (times == 0)
            return;
        int step = half.Step, states = half.States;
        try
        {
            half.ForBlocks(0, times, (int first, int count, double* b) =>
            {
                int done = first == 0 ? 1 : 0;
                if (first == 0)
                    half.Begin(b, _last.Pointer);
                ViterbiSteps.AdvanceEight(_last.Pointer, half.Matrix, b + (done * step), step,
                    _predecessors + first + done, count - done, states);
            });
        }
        catch
        {
            Dispose(); // callers get no object that they could dispose
            throw;
        }
        Logs = half.Logs;
    }

    /// <inheritdoc/>
    public override double* Last => _last.Pointer;

    /// <inheritdoc/>
    public override void Trace(int state, Span<int> path, bool turned)
    {
        int at = turned ? 0 : Times - 1, step = turned ? 1 : -1;
        path[at] = state;
        for (int index = Times - 1; index > 0; index--)
        {
            uint bits = (_predecessors[index] >> state) & 0x010101;
            state = (int)((bits | (bits >> 7) | (bits >> 14)) & 7);
            path[at += step] = state;
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        NativeMemory.Free(_predecessors);
        _last.Dispose();
    }
}
