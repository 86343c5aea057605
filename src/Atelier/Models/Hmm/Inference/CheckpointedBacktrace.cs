namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// The best paths for any number of states. Some or all of the best values are stored, and predecessors are recomputed
/// from them.
/// </summary>
internal sealed unsafe class CheckpointedBacktrace : Backtrace
{
    private readonly Trellis _values;
    private readonly double* _into; // [to, width]: the transitions into each state

    /// <summary>Computes the best paths of a half.</summary>
    /// <param name="half">The half.</param>
    /// <param name="times">Its times.</param>
    /// <param name="into">[to, width]: logarithms of the transitions into each state, in the order of the work.</param>
    /// <param name="budget">Bytes that all values may take; above it about √T of them are kept.</param>
    public CheckpointedBacktrace(ViterbiHalf half, int times, double* into, long budget) : base(times)
    {
        _into = into;
        int width = half.Width, step = half.Step, states = half.States;
        _values = new Trellis(times, width, budget,
            (first, count, before, to) => half.ForBlocks(first, count, (int at, int some, double* b) =>
        {
            double* here = (double*)to + ((long)(at - first) * width);
            double* last = at == first ? (double*)before : here - width;
            int done = at == 0 ? 1 : 0;
            if (at == 0)
                half.Begin(b, last = here);
            ViterbiSteps.Advance(last, half.Matrix, b + (done * step), step, here + (done * width), some - done, states,
                width);
        }));
        Logs = half.Logs;
    }

    /// <inheritdoc/>
    public override double* Last => _values.Last;

    /// <inheritdoc/>
    public override void Trace(int state, Span<int> path, bool turned)
    {
        int at = turned ? 0 : Times - 1, step = turned ? 1 : -1, width = _values.Width;
        path[at] = state;
        for (int index = Times - 2; index >= 0; index--)
        {
            state = ViterbiSteps.Best(_values[index], _into + ((long)state * width), width);
            path[at += step] = state;
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _values.Dispose();
}
