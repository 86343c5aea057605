namespace Atelier.Models.Hmm.Inference;

/// <summary>
/// The forward algorithm as a filter: after each observation it holds the distribution over states given all
/// observations so far. Not thread-safe.
/// </summary>
/// <param name="model">The model.</param>
internal sealed unsafe class ForwardFilter(HmmModel model)
{
    private const int Block = 256;

    private readonly double[] _likelihoods = new double[Block * model.Chain.Width];

    /// <summary>
    /// [width]: the distribution of the current state given the observations so far; before any observation, the
    /// distribution of the first state.
    /// </summary>
    public double[] State { get; private set; } = (double[])model.Chain.Start.Clone();

    /// <summary>Whether <see cref="State"/> is that of an observation, rather than of the next one.</summary>
    public bool Begun { get; private set; }

    /// <summary>Computes the distribution of the next state, [width].</summary>
    public double[] Next()
    {
        if (!Begun)
            return (double[])State.Clone();
        double[] next = new double[model.Chain.Width];
        fixed (double* from = State, matrix = model.Chain.Transitions, to = next)
            HmmKernels.Multiply(from, matrix, to, model.StateCount, model.Chain.Width);
        return next;
    }

    /// <summary>Fixes the next state, before its emission is observed.</summary>
    /// <exception cref="AtelierException">The state has probability zero.</exception>
    public void Know(int state)
    {
        if (Next()[state] <= 0)
            throw new AtelierException($"state {state} cannot occur here", Mention.Field("states"), "use other states");
        State = new double[model.Chain.Width];
        State[state] = 1;
        Begun = false; // the distribution is that of the next state
    }

    /// <summary>
    /// Processes observations of a sequence. Returns their log-likelihood given all earlier observations, in nats;
    /// minus infinity if they are impossible.
    /// </summary>
    public double Run(HmmSequence sequence, int from, int count, CancellationToken cancellation = default)
    {
        int width = model.Chain.Width;
        double logs = 0;
        double[] next = new double[width], state = State;
        fixed (double* likelihoods = _likelihoods, matrix = model.Chain.Transitions)
        {
            for (int at = 0; at < count; at += Block)
            {
                cancellation.ThrowIfCancellationRequested();
                int some = Math.Min(Block, count - at);
                logs += model.Emissions.Likelihoods(sequence, from + at, some, likelihoods);
                for (int t = 0; t < some; t++)
                {
                    fixed (double* a = state, b = next)
                    {
                        if (Begun)
                            HmmKernels.Multiply(a, matrix, b, model.StateCount, width);
                        else
                            HmmKernels.Scale(a, 1, b, width);
                        HmmKernels.Scale(b, likelihoods + (t * width), 1, b, width);
                        double sum = HmmKernels.Sum(b, width);
                        if (!(sum > 0))
                            return double.NegativeInfinity;
                        logs += Math.Log(sum);
                        HmmKernels.Scale(b, 1 / sum, b, width);
                    }
                    (state, next) = (next, state);
                    Begun = true;
                }
            }
        }
        State = state;
        return logs;
    }

    /// <summary>An independent copy of the filter.</summary>
    public ForwardFilter Clone() => new(model) { State = (double[])State.Clone(), Begun = Begun };
}
