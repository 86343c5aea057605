namespace Atelier.Abstractions;

/// <summary>A file that a request brings: sentences to tag, or the beginning of a series.</summary>
/// <param name="Content">The bytes of the file.</param>
/// <param name="Name">What errors call it. The extension tells its format: "start.csv".</param>
public sealed record InputData(ReadOnlyMemory<byte> Content, string Name);
