namespace Atelier.Choose;

/// <summary>A property of data, such as their number of documents.</summary>
/// <param name="Name">The name of the property.</param>
/// <param name="Value">The value, as text for people.</param>
public sealed record DataFact(string Name, string Value);

/// <summary>What a look at data found, before any training.</summary>
/// <param name="Facts">The properties of the data: amount, lengths, vocabulary, classes, missing values, duplicates,
/// language.</param>
/// <param name="Warnings">What makes the data hard to learn from, one sentence each.</param>
/// <param name="Items">The number of documents, pairs, rows, sentences, images, sounds or videos.</param>
public sealed record DataLook(IReadOnlyList<DataFact> Facts, IReadOnlyList<string> Warnings, long Items);
