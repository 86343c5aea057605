namespace Atelier.Networks;

/// <summary>One token of a step.</summary>
/// <param name="Sequence">Whose.</param>
/// <param name="Token">Its id.</param>
/// <param name="Position">Its place in the sequence.</param>
/// <param name="LogitRow">The row of the logits after it, or −1 where they are not wanted.</param>
internal readonly record struct PassRow(DecoderSequence Sequence, int Token, int Position, int LogitRow);
