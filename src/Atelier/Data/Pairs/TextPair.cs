namespace Atelier.Data.Pairs;

/// <summary>A source text and its target text.</summary>
public sealed record TextPair(string Source, string Target);
