namespace Atelier.Abstractions;

/// <summary>What implementations of <see cref="IDecodingState"/> share.</summary>
public static class DecodingStates
{
    /// <summary>
    /// Checks the arguments of <see cref="IDecodingState.Append"/>, and returns the number of tokens for each sequence.
    /// </summary>
    /// <param name="state">The state.</param>
    /// <param name="tokens">The tokens to append, [sequences, n].</param>
    /// <param name="logits">The memory for the logits, [sequences, vocabulary].</param>
    /// <param name="contextLength">The largest number of tokens of a sequence.</param>
    /// <param name="vocabularySize">The number of token ids.</param>
    /// <exception cref="ArgumentException">The tokens do not make rows, are more than the context, or the memory does
    /// not have the size of the logits.</exception>
    public static int CheckAppend(this IDecodingState state, ReadOnlySpan<int> tokens, ReadOnlySpan<float> logits,
        int contextLength, int vocabularySize)
    {
        (int added, int rest) = Math.DivRem(tokens.Length, state.Sequences);
        if (added == 0 || rest != 0)
            throw new ArgumentException($"{tokens.Length} tokens do not make rows for {state.Sequences} sequences",
                nameof(tokens));
        if (added > contextLength - state.Length)
            throw new ArgumentException(
                $"{state.Length} + {added} tokens are more than the context of {contextLength}", nameof(tokens));
        if (logits.Length != (long)state.Sequences * vocabularySize)
            throw new ArgumentException(
                $"{logits.Length} places are not {state.Sequences} × {vocabularySize} logits", nameof(logits));
        return added;
    }
}
