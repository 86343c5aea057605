using Atelier.Data;

namespace Atelier.Server.Uploads;

/// <summary>Data that recipes of requests may name.</summary>
/// <param name="Id">The id of an upload, or the name of a world or a data set.</param>
/// <param name="Name">The name for people.</param>
/// <param name="Kind">The kind of data.</param>
/// <param name="Origin">"upload", "world" or "dataset".</param>
/// <param name="Source">The source as recipes of this machine name it: a path, or the id.</param>
internal sealed record KnownData(string Id, string Name, string Kind, string Origin, string Source)
{
    /// <summary>The upload; null for other data.</summary>
    public Upload? Upload { get; init; }

    /// <summary>A description in one line; null for uploads.</summary>
    public string? Description { get; init; }

    /// <summary>The data set of the catalogue; null for other data.</summary>
    public CatalogueEntry? Entry { get; init; }
}

/// <summary>The uploads, worlds and data sets that recipes of requests may name.</summary>
/// <param name="uploads">The uploads.</param>
internal sealed class DataList(UploadStore uploads)
{
    // weights and networks of the catalogue, which no model is trained on
    private static readonly string[] NoData = [".pth", ".bif.gz"];

    /// <summary>The uploads.</summary>
    public UploadStore Uploads => uploads;

    /// <summary>Returns all data: uploads, newest first, worlds, and data sets.</summary>
    public IEnumerable<KnownData> All() => uploads.List().Select(Of).Concat(BuiltIn());

    /// <summary>Returns data by their id.</summary>
    /// <param name="id">The id of an upload, or the name of a world or a data set.</param>
    public KnownData? Find(string id) => UploadStore.IsId(id)
        ? uploads.Find(id) is { } upload ? Of(upload) : null
        : BuiltIn().FirstOrDefault(data => data.Id == id);

    /// <summary>Returns data by their id.</summary>
    /// <param name="id">The id.</param>
    /// <param name="field">The field of the request that has it.</param>
    /// <exception cref="ApiException">There are no such data.</exception>
    public KnownData Require(string? id, string field) => string.IsNullOrEmpty(id)
        ? throw ApiException.Invalid(field, $"'{field}' is missing; GET /v1/atelier/data lists the data")
        : Find(id) ?? throw new ApiException(StatusCodes.Status404NotFound,
            $"there are no data '{id}'; GET /v1/atelier/data lists those that there are", field, "data_not_found");

    private KnownData Of(Upload upload) =>
        new(upload.Id, upload.Name, upload.Kind, "upload", uploads.PathOf(upload)) { Upload = upload };

    private static IEnumerable<KnownData> BuiltIn() => WorldList.All
        .Select(world => new KnownData(world.Name, world.Name, SourceKind.NameOf(world.Kind), "world", world.Name)
        {
            Description = world.Description,
        })
        .Concat(Catalogue.OfThisMachine().Entries
            .Where(entry => !entry.Files.All(file =>
                NoData.Any(end => file.Name.EndsWith(end, StringComparison.Ordinal))))
            .Select(entry => new KnownData(entry.Name, entry.Name, SourceKind.NameOf(SourceKind.Of(entry.Name)),
                "dataset", entry.Name)
            {
                Description = entry.Description, Entry = entry,
            }));
}
