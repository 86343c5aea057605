using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>
/// Bans tokens that would repeat an n-gram, and end tokens before the minimum length. If no other token is allowed, a
/// banned one is.
/// </summary>
internal sealed class TokenBans(DecodingOptions options, int vocabularySize)
{
    private readonly ulong[] _mask = new ulong[(vocabularySize + 63) / 64];

    /// <summary>Returns a bit for each allowed token that is not banned; overwritten by the next call.</summary>
    /// <param name="allowed">A bit for each token that the constraint allows; empty if all are allowed.</param>
    /// <param name="ids">All tokens so far.</param>
    /// <param name="generated">Number of tokens after the prompt.</param>
    /// <param name="endIds">The tokens that end a sample.</param>
    public ReadOnlySpan<ulong> Apply(ReadOnlySpan<ulong> allowed, ReadOnlySpan<int> ids, int generated,
        ReadOnlySpan<int> endIds)
    {
        if (allowed.IsEmpty)
        {
            Array.Fill(_mask, ulong.MaxValue);
            _mask[^1] >>= -vocabularySize & 63;
        }
        else
        {
            allowed.CopyTo(_mask);
        }
        if (generated < options.MinTokens)
        {
            foreach (int end in endIds)
                Ban(end);
        }
        int n = options.NoRepeatNgram;
        if (n > 0 && ids.Length >= n)
        {
            ReadOnlySpan<int> last = ids[(ids.Length - n + 1)..];
            for (int at = 0; at + n <= ids.Length; at++)
            {
                int next = ids[at + n - 1];
                if (ids.Slice(at, n - 1).SequenceEqual(last) && !endIds.Contains(next))
                    Ban(next);
            }
        }
        return _mask.AsSpan().IndexOfAnyExcept(0UL) >= 0 ? _mask : allowed;
    }

    private void Ban(int id) => _mask[id >> 6] &= ~(1UL << (id & 63));
}
