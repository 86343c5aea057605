namespace Atelier.Models.BayesianNetwork.Inference;

/// <summary>
/// The backward pass through the buckets, last eliminated first: each variable takes a state given the variables that
/// already have one. Rows sampled in this way follow the posterior exactly if no bucket was split; otherwise each row
/// has a weight (importance sampling with mini-buckets as the proposal: Gogate and Dechter 2011). Immutable, so that
/// threads may share it.
/// </summary>
internal sealed class BucketWalk
{
    private readonly Step[] _steps;

    /// <summary>Prepares the pass.</summary>
    public BucketWalk(DiscreteNetwork network, Buckets buckets) =>
        _steps = [.. buckets.All.Reverse().Select(b => Step.Of(b, network.StatesOf(b.Variable)))];

    /// <summary>Samples a state for each variable of the buckets.</summary>
    /// <param name="states">The states of all variables of the network; those of the buckets are written.</param>
    /// <param name="random">The random numbers.</param>
    /// <returns>
    /// The log-weight of the sample: the logarithm of the product of the network's factors divided by the probability
    /// of the sample; −∞ if the sample is impossible.
    /// </returns>
    public double Sample(Span<byte> states, ref SplitMix64 random)
    {
        Span<double> numbers = stackalloc double[Variable.MostStates];
        double logWeight = 0;
        foreach (Step step in _steps)
        {
            double own = 1;
            double sum = step.Products(states, numbers);
            if (!(sum > 0))
                return double.NegativeInfinity;
            double u = random.NextDouble() * sum;
            int state = 0, last = numbers[..step.States].LastIndexOfAnyExcept(0);
            while (state < last && (u -= numbers[state]) >= 0)
                state++;
            while (numbers[state] == 0)
                state--; // u fell exactly on an impossible state
            states[step.Variable] = (byte)state;
            foreach (Function function in step.Own)
                own *= function.At(states, state);
            logWeight += Math.Log(own) - Math.Log(numbers[state] / sum);
        }
        return logWeight;
    }

    /// <summary>
    /// Takes the best state of each variable. If the buckets were maximised exactly, this is the most probable
    /// assignment.
    /// </summary>
    public void TakeBest(Span<byte> states)
    {
        Span<double> numbers = stackalloc double[Variable.MostStates];
        foreach (Step step in _steps)
        {
            step.Products(states, numbers);
            int best = 0;
            for (int state = 1; state < step.States; state++)
                best = numbers[state] > numbers[best] ? state : best;
            states[step.Variable] = (byte)best;
        }
    }

    private sealed record Step(int Variable, int States, Function[] Functions, Function[] Own)
    {
        public static Step Of(Buckets.Bucket bucket, int states) => new(bucket.Variable, states,
            [.. bucket.Functions.Select(f => Function.Of(f, bucket.Variable))],
            [.. bucket.Own.Select(f => Function.Of(f, bucket.Variable))]);

        /// <summary>Computes the product of the factors in each state of the variable; returns their sum.</summary>
        public double Products(ReadOnlySpan<byte> states, Span<double> numbers)
        {
            numbers[..States].Fill(1);
            foreach (Function function in Functions)
            {
                int at = function.Start(states);
                for (int state = 0; state < States; state++)
                    numbers[state] *= function.Values[at + (state * function.OwnStride)];
            }
            double sum = 0;
            for (int state = 0; state < States; state++)
                sum += numbers[state];
            return sum;
        }
    }

    /// <summary>A factor as a function of one of its variables, given the states of the others.</summary>
    private sealed record Function(double[] Values, int[] Others, int[] Strides, int OwnStride)
    {
        public static Function Of(Factor factor, int variable)
        {
            var strides = new int[factor.Scope.Length];
            for (int d = strides.Length - 1, stride = 1; d >= 0; stride *= factor.Sizes[d--])
                strides[d] = stride;
            int own = Array.IndexOf(factor.Scope, variable);
            return new(factor.Values, [.. factor.Scope.Where(v => v != variable)],
                [.. strides.Where((_, d) => d != own)], strides[own]);
        }

        public int Start(ReadOnlySpan<byte> states)
        {
            int at = 0;
            for (int d = 0; d < Others.Length; d++)
                at += states[Others[d]] * Strides[d];
            return at;
        }

        public double At(ReadOnlySpan<byte> states, int state) => Values[Start(states) + (state * OwnStride)];
    }
}
