namespace Atelier.Generation.Speculative;

/// <summary>
/// Chooses the number of tokens to propose for a sample by the acceptance rate of earlier proposals. If each proposal
/// is accepted with probability α, a step of the model that reads k of them generates (1 − α^(k+1)) / (1 − α) tokens on
/// average (Leviathan et al. 2023, eq. 1), in the time of 1 + k · cost steps; k is chosen to maximise the number of
/// tokens per unit of time. Costs are not measured, so that a seed gives the same text on every machine.
/// </summary>
/// <param name="most">The largest number of tokens to propose at a time; at least 1.</param>
/// <param name="cost">The cost that one proposal adds to a step, for drawing and reading it, as a fraction of a step
/// with one token.</param>
internal sealed class ProposalLength(int most, double cost)
{
    private const double Memory = 0.95; // the decay of a proposal's weight with each later proposal
    private const int Pause = 16; // steps without proposals until the acceptance rate is tried again

    // The prior: as if seven of ten proposals had been accepted.
    private double _accepted = 7, _rejected = 3;
    private int _paused;

    /// <summary>Returns the number of tokens to propose now; 0 if decoding without proposals is faster.</summary>
    public int Next()
    {
        double rate = _accepted / (_accepted + _rejected), best = 1, power = rate, written = 1;
        int length = 0;
        for (int k = 1; k <= most; k++, power *= rate)
        {
            written += power;
            double gain = written / (1 + k * cost);
            if (gain > best)
                (best, length) = (gain, k);
        }
        if (length > 0 || ++_paused < Pause)
            return length;
        _paused = 0;
        return 1;
    }

    /// <summary>
    /// Updates the acceptance rate after a step. Proposals after the first rejected one are not counted.
    /// </summary>
    public void Learn(int proposed, int accepted)
    {
        for (int i = 0; i < Math.Min(accepted + 1, proposed); i++)
        {
            bool isAccepted = i < accepted;
            _accepted = _accepted * Memory + (isAccepted ? 1 : 0);
            _rejected = _rejected * Memory + (isAccepted ? 0 : 1);
        }
    }
}
