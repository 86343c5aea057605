using Atelier.Abstractions;

namespace Atelier.Generation;

/// <summary>A sequence whose open positions are being filled in.</summary>
/// <param name="tokens">The tokens; open positions hold the mask token.</param>
/// <param name="open">The open positions, in ascending order.</param>
/// <param name="seed">The seed of the sequence's random numbers.</param>
internal sealed class MaskedDraft(int[] tokens, int[] open, ulong seed)
{
    private SplitMix64 _random = new(seed);

    /// <summary>The random numbers of the sequence.</summary>
    public ref SplitMix64 Random => ref _random;

    /// <summary>The tokens.</summary>
    public int[] Tokens { get; } = tokens;

    /// <summary>The open positions.</summary>
    public IReadOnlyList<int> Open { get; } = open;

    /// <summary>The tokens chosen last, by position.</summary>
    public Dictionary<int, MaskedChoice> Choices { get; } = [];

    /// <summary>Puts positions in random order (Fisher and Yates).</summary>
    public void Shuffle(int[] positions)
    {
        for (int last = positions.Length - 1; last > 0; last--)
        {
            int other = (int)_random.Next(last + 1);
            (positions[last], positions[other]) = (positions[other], positions[last]);
        }
    }
}

/// <summary>A token that was chosen for an open position.</summary>
/// <param name="Token">The token.</param>
/// <param name="Order">The number of the step, from 0.</param>
/// <param name="Alternatives">The most probable tokens at that time.</param>
internal readonly record struct MaskedChoice(TokenChoice Token, int Order, IReadOnlyList<TokenChoice> Alternatives);
