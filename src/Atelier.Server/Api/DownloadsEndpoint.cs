using System.IO.Compression;
using Atelier.Formats;
using Atelier.Runs;
using Atelier.Server.Serving;
using Microsoft.Net.Http.Headers;

namespace Atelier.Server.Api;

/// <summary>
/// GET /v1/atelier/models/NAME/bundle and /gguf: a model as a file. Bundles are streamed; a GGUF file is written to a
/// temporary folder first, for one request at a time.
/// </summary>
internal sealed class DownloadsEndpoint(ModelStore models, Workshop workshop)
{
    private const string Gguf = "gguf";
    private const int MostWaiting = 4; // for an export
    private const int BufferBytes = 1 << 16;
    private const long MostExportBytes = 16L << 30;

    private readonly RequestQueue _exports = new(slots: 1, MostWaiting);

    public async Task BundleAsync(HttpContext context)
    {
        ServedModel model = Find(context);
        if (File.Exists(model.Path))
            throw ApiException.Invalid("model", $"the model '{model.Name}' is a single file, not a bundle",
                "not_a_bundle");
        string name = FileNameOf(model.Name);
        // all are open before the answer begins: what cannot be read is an error, and all are of the same model
        FileStream[] files = Open(Bundle.Open(model.Path).Files);
        try
        {
            SetHeaders(context, "application/zip", name + ".zip");
            await WriteZipAsync(context, name, files).ConfigureAwait(false);
        }
        finally
        {
            foreach (FileStream file in files)
                await file.DisposeAsync().ConfigureAwait(false);
        }
    }

    public async Task GgufAsync(HttpContext context)
    {
        ServedModel model = Find(context);
        string name = FileNameOf(model.Name) + "." + Gguf;
        if (File.Exists(model.Path))
        {
            if (!GgufFile.IsGguf(model.Path))
                throw NoGguf(model);
            await SendAsync(context, model.Path, name).ConfigureAwait(false);
            return;
        }
        if (!workshop.ExportFormats(model.Path).Contains(Gguf))
            throw NoGguf(model);
        if (Bundle.Open(model.Path).Files.Sum(file => new FileInfo(file).Length) > MostExportBytes)
            throw ApiException.Invalid("model", $"the model '{model.Name}' has more than {MostExportBytes >> 30} GB; "
                + "export it on its own machine", "too_large");
        string? type = context.Request.Query["type"];
        using IDisposable held = await _exports.EnterAsync(1, context.RequestAborted).ConfigureAwait(false);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("atelier-"); // only this user can read it
        try
        {
            string path = Path.Combine(folder.FullName, name);
            await Task.Run(() => workshop.Export(model.Path, Gguf, path, string.IsNullOrEmpty(type) ? null : type,
                cancellation: context.RequestAborted), context.RequestAborted).ConfigureAwait(false);
            await SendAsync(context, path, name).ConfigureAwait(false);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Returns the name of a model as that of a file, on any system.</summary>
    internal static string FileNameOf(string model)
    {
        string name = string.Concat(model.Select(character =>
            char.IsLetterOrDigit(character) || character is '.' or '-' or '_' ? character : '_')).Trim('.');
        return name.Length > 0 ? name : "model";
    }

    private ServedModel Find(HttpContext context)
    {
        string name = (string)context.Request.RouteValues["name"]!;
        return models.Find(name) ?? throw ApiException.NoModel(name);
    }

    private static FileStream[] Open(IReadOnlyList<string> paths)
    {
        var files = new List<FileStream>();
        try
        {
            foreach (string path in paths)
                files.Add(InputFile.Open(path));
            return [.. files];
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>Writes files as they are, in one folder: weights hardly become smaller by compression.</summary>
    private static async Task WriteZipAsync(HttpContext context, string folder, FileStream[] files)
    {
        CancellationToken aborted = context.RequestAborted;
        // an archive writes the few bytes after each entry synchronously, which the connection refuses: the buffer,
        // empty by then, takes them
        var to = new BufferedStream(context.Response.Body, BufferBytes);
        ZipArchive zip = await ZipArchive.CreateAsync(to, ZipArchiveMode.Create, leaveOpen: true,
            entryNameEncoding: null, aborted).ConfigureAwait(false);
        await using (zip.ConfigureAwait(false))
        {
            try
            {
                foreach (FileStream file in files)
                {
                    ZipArchiveEntry entry = zip.CreateEntry($"{folder}/{Path.GetFileName(file.Name)}",
                        CompressionLevel.NoCompression);
                    Stream content = await entry.OpenAsync(aborted).ConfigureAwait(false);
                    await using (content.ConfigureAwait(false))
                    {
                        await file.CopyToAsync(content, aborted).ConfigureAwait(false);
                        await to.FlushAsync(aborted).ConfigureAwait(false);
                    }
                }
            }
            catch
            {
                context.Abort(); // or the client would take the part for the whole
                throw;
            }
        }
        await to.FlushAsync(aborted).ConfigureAwait(false);
    }

    private static Task SendAsync(HttpContext context, string path, string name)
    {
        SetHeaders(context, "application/octet-stream", name);
        context.Response.ContentLength = new FileInfo(path).Length;
        return context.Response.SendFileAsync(path, context.RequestAborted);
    }

    /// <summary>Sets the headers of an answer that is a file to save.</summary>
    internal static void SetHeaders(HttpContext context, string mediaType, string name)
    {
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName(name);
        context.Response.ContentType = mediaType;
        context.Response.Headers.ContentDisposition = disposition.ToString();
    }

    private static ApiException NoGguf(ServedModel model) => ApiException.Invalid("model",
        $"the model '{model.Name}' cannot be written as GGUF, which holds models of text like GPT-2's and Llama's",
        "no_gguf");
}
