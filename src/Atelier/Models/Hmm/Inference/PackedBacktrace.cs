using System.Runtime.InteropServices;

namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// The best paths for up to eight states: for each time the best predecessor of each state, three bits a state and four
/// bytes a time.
/// </summary>
internal sealed unsafe class PackedBacktrace : Backtrace
{
    private readonly uint* _ways; // [times]; that of index 0 is not used
    private readonly AlignedBuffer _last = new(HmmKernels.Lanes);

    /// <summary>Computes the best paths of a half.</summary>
    public PackedBacktrace(ViterbiHalf half, int times) : base(times)
    {
        _ways = (uint*)NativeMemory.Alloc((nuint)Math.Max(1, times), sizeof(uint));
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
                ViterbiSteps.AdvanceEight(_last.Pointer, half.Matrix, b + (done * step), step, _ways + first + done,
                    count - done, states);
            });
        }
        catch
        {
            Dispose(); // nobody else can
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
            uint bits = (_ways[index] >> state) & 0x010101;
            state = (int)((bits | (bits >> 7) | (bits >> 14)) & 7);
            path[at += step] = state;
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        NativeMemory.Free(_ways);
        _last.Dispose();
    }
}
