namespace Atelier.Generation.Speculative;

/// <summary>
/// Chooses how many tokens to propose for a sample, by the acceptance of earlier proposals. If each proposal is
/// accepted with probability α, a step of the model that reads k of them generates (1 − α^(k+1)) / (1 − α) tokens on
/// average (Leviathan et al. 2023, eq. 1), in the time of 1 + k · cost steps; k maximises the tokens for each unit of
/// time. Costs are not measured, so that a seed gives the same text on every machine.
/// </summary>
/// <param name="most">The most tokens at a time, from 1.</param>
/// <param name="cost">What one proposal adds to a step, in steps of one token: drawing it and reading it.</param>
internal sealed class ProposalLength(int most, double cost)
{
    private const double Memory = 0.95; // of a proposal with each one after it
    private const int Pause = 16; // tokens between two looks at whether a text has become easier

    // As if seven of ten had been taken.
    private double _taken = 7, _refused = 3;
    private int _paused;

    /// <summary>The tokens to propose now; 0 where writing without is faster.</summary>
    public int Next()
    {
        double rate = _taken / (_taken + _refused), best = 1, power = rate, written = 1;
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

    /// <summary>Updates the estimate from a step. Proposals after the first refused one are not counted.</summary>
    public void Learn(int proposed, int accepted)
    {
        for (int i = 0; i < Math.Min(accepted + 1, proposed); i++)
        {
            bool taken = i < accepted;
            _taken = _taken * Memory + (taken ? 1 : 0);
            _refused = _refused * Memory + (taken ? 0 : 1);
        }
    }
}
