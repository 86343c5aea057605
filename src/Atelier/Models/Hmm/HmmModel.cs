using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;
using Atelier.Tensors.Ranks;

namespace Atelier.Models.Hmm;

/// <summary>
/// A hidden Markov model (Rabiner 1989): a Markov chain of hidden states, each of which emits observations.
/// </summary>
/// <param name="Chain">The start and transition probabilities.</param>
/// <param name="Emissions">The emission distributions of the states.</param>
internal sealed record HmmModel(HmmChain Chain, HmmEmissions Emissions)
{
    /// <summary>The number of hidden states.</summary>
    public int StateCount => Chain.StateCount;

    /// <summary>The number of free parameters, which BIC penalises.</summary>
    public long FreeParameters => Chain.FreeParameters + Emissions.FreeParameters;

    /// <summary>
    /// Performs one iteration of Baum-Welch (Baum et al. 1970): computes the expected counts of the sequences, and from
    /// those the maximum-likelihood model.
    /// </summary>
    /// <param name="sequences">The sequences.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <param name="ranks">The ranks that divide the sequences; null for one process. The result is the same.</param>
    /// <returns>The new model, and the log-likelihood of the sequences under this one, in nats.</returns>
    /// <exception cref="AtelierException">A sequence is impossible under the model.</exception>
    public (HmmModel Model, double LogLikelihood) Step(IReadOnlyList<HmmSequence> sequences, HmmConfig config,
        CancellationToken cancellation = default, ICommunicator? ranks = null)
    {
        HmmStatistics sums = ForwardBackward.Expect(this, sequences, cancellation, ranks);
        HmmChain chain = Chain.Maximise(sums.Starts, sums.Transitions, config.TransitionPrior);
        return (new HmmModel(chain, Emissions.Maximise(sums.Emissions, config)), sums.LogLikelihood);
    }

    /// <summary>The log-likelihood of each sequence, in nats; minus infinity where it is impossible.</summary>
    public double[] LogLikelihoods(IReadOnlyList<HmmSequence> sequences, CancellationToken cancellation = default)
    {
        double[] logs = new double[sequences.Count];
        InParallel.For(logs.Length, cancellation,
            i => logs[i] = new ForwardFilter(this).Run(sequences[i], 0, sequences[i].Length, cancellation));
        return logs;
    }

    /// <summary>[time, state]: the probability of each state at each time given the whole sequence.</summary>
    /// <exception cref="AtelierException">The sequence is impossible under the model.</exception>
    public double[] Posteriors(HmmSequence sequence)
    {
        double[] posteriors = new double[sequence.Length * StateCount];
        ForwardBackward.Expect(this, sequence, new HmmStatistics(this), posteriors);
        return posteriors;
    }

    /// <summary>Draws a sequence of states and their emissions.</summary>
    /// <param name="length">The number of time steps.</param>
    /// <param name="state">Receives the sequence of states; the first is drawn from the start distribution.</param>
    /// <param name="random">The random numbers.</param>
    /// <param name="emit">Draws the emission; called at each time step with the state.</param>
    public void Sample(int length, Span<int> state, ref SplitMix64 random, HmmSample emit)
    {
        ReadOnlySpan<double> row = Chain.Start;
        for (int t = 0; t < length; t++)
        {
            state[t] = Sample(row[..StateCount], ref random);
            emit(t, state[t], ref random);
            row = Chain.Transitions.AsSpan(state[t] * Chain.Width, Chain.Width);
        }
    }

    /// <summary>Draws an index with probability proportional to its weight; the weights need not sum to 1.</summary>
    public static int Sample(ReadOnlySpan<double> probabilities, ref SplitMix64 random)
    {
        double sum = 0;
        foreach (double probability in probabilities)
            sum += probability;
        double left = random.NextDouble() * sum;
        int last = 0;
        for (int i = 0; i < probabilities.Length; i++)
        {
            if (probabilities[i] <= 0)
                continue;
            last = i;
            if ((left -= probabilities[i]) < 0)
                break;
        }
        return last;
    }
}

/// <summary>Draws the emission of a state at a time step.</summary>
internal delegate void HmmSample(int time, int state, ref SplitMix64 random);
