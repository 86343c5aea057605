using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Data;
using Atelier.Formats;
using Atelier.Server.Trainings;
using Atelier.Server.Uploads;

namespace Atelier.Server.Api;

/// <summary>/v1/atelier/data: uploads, worlds and data sets, and what is in them.</summary>
internal sealed class DataEndpoint(DataList data, TrainingStore trainings, PathRedaction paths)
{
    private const int MostShown = 20;
    private static readonly SemaphoreSlim Reading = new(1, 1); // reading takes the processors and much memory

    public Task ListAsync(HttpContext context)
    {
        var catalogue = Catalogue.OfThisMachine();
        return JsonAnswer.WriteAsync(context, new JsonObject
        {
            ["data"] = new JsonArray([.. data.All().Select(known => (JsonNode)new JsonObject
            {
                ["id"] = known.Id, ["name"] = known.Name, ["kind"] = known.Kind,
                ["description"] = known.Description, ["origin"] = known.Origin,
                ["bytes"] = known.Upload?.Bytes ?? known.Entry?.Files.Sum(file => file.Bytes),
                ["files"] = known.Upload?.Files ?? known.Entry?.Files.Count,
                ["created"] = known.Upload?.Created,
                ["available"] = known.Entry is not { } entry || catalogue.Folder(entry) is not null
                    || entry.Files.All(file => file.Url is not null),
            })]),
        });
    }

    public async Task AddAsync(HttpContext context)
    {
        Upload upload;
        try
        {
            upload = await UploadForm.ReceiveAsync(context, data.Uploads).ConfigureAwait(false);
        }
        catch (AtelierException e) when (!FileFault.IsFull(e)) // an archive that cannot be read
        {
            throw Explain(e, "file");
        }
        context.Response.StatusCode = StatusCodes.Status201Created;
        await JsonAnswer.WriteAsync(context, new JsonObject
        {
            ["id"] = upload.Id, ["name"] = upload.Name, ["kind"] = upload.Kind, ["bytes"] = upload.Bytes,
            ["files"] = upload.Files,
        }).ConfigureAwait(false);
    }

    public async Task ShowAsync(HttpContext context)
    {
        IQueryCollection query = context.Request.Query;
        KnownData known = data.Require((string)context.Request.RouteValues["id"]!, "id");
        string kind = query["kind"] is [{ Length: > 0 } asked] ? asked : known.Kind;
        if (!SourceKind.Named.TryGetValue(kind, out Modality modality))
            throw ApiException.Invalid("kind",
                $"there is no kind of data '{kind}'; there are {string.Join(", ", SourceKind.Named.Keys)}");
        string? column = query["column"] is [{ Length: > 0 } named] ? named : null;
        int count = 3;
        if (query["count"] is [{ } number] && (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture,
            out count) || count is < 1 or > MostShown))
            throw ApiException.Invalid("count", $"'count' is a whole number from 1 to {MostShown}");
        await Reading.WaitAsync(context.RequestAborted).ConfigureAwait(false);
        try
        {
            JsonObject json = await Task.Run(() => DataPreview.Of(known, modality, column, count,
                context.RequestAborted), context.RequestAborted).ConfigureAwait(false);
            await JsonAnswer.WriteAsync(context, (JsonObject)paths.Redact(json)!).ConfigureAwait(false);
        }
        catch (AtelierException e)
        {
            throw Explain(e, "id");
        }
        finally
        {
            Reading.Release();
        }
    }

    public Task DeleteAsync(HttpContext context)
    {
        KnownData known = data.Require((string)context.Request.RouteValues["id"]!, "id");
        if (known.Upload is not { } upload)
            throw ApiException.Invalid("id", $"'{known.Id}' is no upload, and cannot be deleted");
        if (trainings.Uses(known.Id))
            throw new ApiException(StatusCodes.Status409Conflict, "a training uses these data; stop it first", "id",
                "data_in_use");
        data.Uploads.Delete(upload);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    /// <summary>The error of data that cannot be read, without the folders of this machine.</summary>
    private ApiException Explain(AtelierException e, string param)
    {
        AtelierException said = e.InWords(name => $"'{RequestBody.Field(name)}'", name => $"'{name}'");
        string place = said.Where is null ? "" : Path.GetFileName(said.Where) + ": ";
        return ApiException.Invalid(param, paths.Redact(
            $"{place}{said.Message}{(said.Hint is null ? "" : $"; {said.Hint}")}"), "unreadable_data");
    }
}
