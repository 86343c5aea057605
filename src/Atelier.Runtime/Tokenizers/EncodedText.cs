namespace Atelier.Tokenizers;

/// <summary>A text, or a pair of texts, as the input of an encoder.</summary>
/// <param name="Ids">The token ids with the special tokens.</param>
/// <param name="TypeIds">For each token the segment that it belongs to: usually 0 for the first text and 1 for the
/// second.</param>
public sealed record EncodedText(IReadOnlyList<int> Ids, IReadOnlyList<int> TypeIds);
