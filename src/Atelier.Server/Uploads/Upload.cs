namespace Atelier.Server.Uploads;

/// <summary>Data that a request has uploaded.</summary>
/// <param name="Id">The id, which cannot be guessed.</param>
/// <param name="Name">The name for people.</param>
/// <param name="Kind">The kind of data, such as "images".</param>
/// <param name="Bytes">The size of all files.</param>
/// <param name="Files">The number of files.</param>
/// <param name="Created">When the upload ended.</param>
/// <param name="File">The name of the only file; null if the data are a folder.</param>
internal sealed record Upload(string Id, string Name, string Kind, long Bytes, int Files, DateTimeOffset Created,
    string? File);
