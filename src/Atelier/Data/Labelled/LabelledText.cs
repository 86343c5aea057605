namespace Atelier.Data.Labelled;

/// <summary>A text and its label.</summary>
/// <param name="Text">The text.</param>
/// <param name="Label">The label.</param>
public sealed record LabelledText(string Text, string Label);
