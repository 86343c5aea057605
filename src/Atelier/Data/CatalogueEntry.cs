using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data;

/// <summary>A public data set of the catalogue: what it is, where it comes from, and how to read it.</summary>
public sealed record CatalogueEntry
{
    /// <summary>The name that recipes use.</summary>
    public required string Name { get; init; }

    /// <summary>The name of the folder that holds its files; several data sets may share one.</summary>
    public string Folder { get => field ?? Name; init; }

    /// <summary>A description in one line.</summary>
    public required string Description { get; init; }

    /// <summary>Who published the data set, and which version it is.</summary>
    public required string Source { get; init; }

    /// <summary>The licence of the data.</summary>
    public required string Licence { get; init; }

    /// <summary>The files of the data set.</summary>
    public required IReadOnlyList<CatalogueFile> Files { get; init; }

    /// <summary>The default reading options.</summary>
    public required ReadingOptions Reading { get; init; }

    /// <summary>
    /// For sounds: the pattern of their names and their published test part, which a recipe may override. Null for other
    /// data.
    /// </summary>
    public AudioSection? Audio { get; init; }

    /// <summary>Results that others have published for the data set, one sentence each.</summary>
    public IReadOnlyList<string> Published { get; init; } = [];
}

/// <summary>A file of a data set.</summary>
/// <param name="Name">The file's name in the data set's folder.</param>
/// <param name="Url">The address to download from; null if the file is not available online in this form and the user
/// must supply it.</param>
/// <param name="Bytes">Its length in bytes.</param>
/// <param name="Sha256">Its SHA-256, in lower-case hexadecimal digits.</param>
/// <param name="Content">For a gzip file, the length and hash of its content, so that the same content compressed
/// differently is accepted too; otherwise null.</param>
public sealed record CatalogueFile(string Name, string? Url, long Bytes, string Sha256, FileContent? Content = null);

/// <summary>The contents of a compressed file.</summary>
/// <param name="Bytes">The length of the decompressed content in bytes.</param>
/// <param name="Sha256">The SHA-256 of the decompressed content, in lower-case hexadecimal digits.</param>
public sealed record FileContent(long Bytes, string Sha256);
