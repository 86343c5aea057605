namespace Atelier.Networks;

/// <summary>One token of a step.</summary>
/// <param name="Sequence">The sequence of the token.</param>
/// <param name="Token">The id of the token.</param>
/// <param name="Position">The position in the sequence.</param>
/// <param name="LogitRow">The row of the logits after the token; −1 if they are not requested.</param>
internal readonly record struct PassRow(DecoderSequence Sequence, int Token, int Position, int LogitRow);
