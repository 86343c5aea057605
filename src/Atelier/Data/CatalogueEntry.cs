using Atelier.Data.Text.Reading;

namespace Atelier.Data;

/// <summary>A public data set: what it is, where it comes from, and how it is read.</summary>
public sealed record CatalogueEntry
{
    /// <summary>The name in recipes.</summary>
    public required string Name { get; init; }

    /// <summary>The name of its folder; several data sets may share one.</summary>
    public string Folder { get => field ?? Name; init; }

    /// <summary>What it holds, one line.</summary>
    public required string Description { get; init; }

    /// <summary>Whose it is, and of which state.</summary>
    public required string Source { get; init; }

    /// <summary>Its licence.</summary>
    public required string Licence { get; init; }

    /// <summary>Its files.</summary>
    public required IReadOnlyList<CatalogueFile> Files { get; init; }

    /// <summary>How it is read by default.</summary>
    public required ReadingOptions Reading { get; init; }

    /// <summary>Figures that others have published for it, one sentence each.</summary>
    public IReadOnlyList<string> Published { get; init; } = [];
}

/// <summary>A file of a data set.</summary>
/// <param name="Name">The file's name in the data set's folder.</param>
/// <param name="Url">Where it is fetched from; null where nobody offers it in this form, and the user brings
/// it.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Its SHA-256, in lower-case hexadecimal digits.</param>
/// <param name="Content">Of a gzip file, what it holds, so that the same content packed otherwise is taken too; null
/// for none.</param>
public sealed record CatalogueFile(string Name, string? Url, long Bytes, string Sha256, FileContent? Content = null);

/// <summary>What a packed file holds.</summary>
/// <param name="Bytes">Its unpacked length.</param>
/// <param name="Sha256">The SHA-256 of the unpacked bytes, in lower-case hexadecimal digits.</param>
public sealed record FileContent(long Bytes, string Sha256);
