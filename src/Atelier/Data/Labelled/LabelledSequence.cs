namespace Atelier.Data.Labelled;

/// <summary>The tokens of a text or of a part of a sentence, and the classes to predict.</summary>
/// <param name="Tokens">The tokens, including special tokens.</param>
/// <param name="Targets">The class of each token, or <see cref="Text.TextBatch.NotCounted"/>; or a single class, that
/// of the whole text.</param>
internal sealed record LabelledSequence(int[] Tokens, long[] Targets);
