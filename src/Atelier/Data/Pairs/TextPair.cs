namespace Atelier.Data.Pairs;

/// <summary>Two texts, of which a model reads the first and writes the second.</summary>
/// <param name="Source">The text to read.</param>
/// <param name="Target">The text to write.</param>
public sealed record TextPair(string Source, string Target);
