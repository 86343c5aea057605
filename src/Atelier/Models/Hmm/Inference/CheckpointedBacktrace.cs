namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// Best paths for any number of states. It stores the log-probabilities of the best paths, all of them or one vector
/// for each block, and recomputes the predecessors from them.
/// </summary>
internal sealed unsafe class CheckpointedBacktrace : Backtrace
{
    private readonly Trellis _values;
    private readonly double* _into; // [to, width]: the transitions into each state

    /// <summary>Computes the best paths through a half of a sequence.</summary>
    /// <param name="half">The half.</param>
    /// <param name="times">The number of its time steps.</param>
    /// <param name="into">[to, width]: logarithms of the transitions into each state, in the direction of the
    /// pass.</param>
    /// <param name="budget">The most bytes that all values may take; above it about √T of them are kept.</param>
    public CheckpointedBacktrace(ViterbiHalf half, int times, double* into, long budget) : base(times)
    {
        _into = into;
        int width = half.Width, step = half.Step, states = half.States;
        _values = new Trellis(times, width, budget, Fill);
        Logs = half.Logs;

        void Fill(int first, int count, nint before, nint to) =>
            half.ForBlocks(first, count, (int at, int some, double* b) =>
            {
                double* here = (double*)to + ((long)(at - first) * width);
                double* last = at == first ? (double*)before : here - width;
                int done = at == 0 ? 1 : 0;
                if (at == 0)
                    half.Begin(b, last = here);
                ViterbiSteps.Advance(last, half.Matrix, b + (done * step), step, here + (done * width), some - done,
                    states, width);
            });
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
