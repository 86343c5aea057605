using System.Text;
using Atelier.Server.Uploads;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Atelier.Server.Api;

/// <summary>Receives the files of a form, multipart/form-data, as a stream.</summary>
internal static class UploadForm
{
    private const int LongestBoundary = 200, LongestName = 200; // characters
    private const long MostOverhead = 64 << 20; // the parts' headers, of many small files

    /// <summary>Receives an upload.</summary>
    /// <param name="context">The request.</param>
    /// <param name="uploads">Keeps it.</param>
    /// <exception cref="ApiException">The form is not as it must be, too large, or cut short.</exception>
    public static async Task<Upload> ReceiveAsync(HttpContext context, UploadStore uploads)
    {
        long most = uploads.MostBytes + MostOverhead;
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out MediaTypeHeaderValue? type)
            || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            || HeaderUtilities.RemoveQuotes(type.Boundary).ToString() is not
                { Length: > 0 and <= LongestBoundary } boundary)
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType,
                "send the files as multipart/form-data, in parts named 'file'", code: "unsupported_media_type");
        if (context.Request.ContentLength > most)
            throw UploadWriter.TooLarge(uploads.MostBytes);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = most;
        using UploadWriter writer = uploads.Begin();
        string? name = null;
        var reader = new MultipartReader(boundary, context.Request.Body);
        while (await NextAsync(reader, context.RequestAborted).ConfigureAwait(false) is { } part)
        {
            ContentDispositionHeaderValue? about = part.GetContentDispositionHeader();
            string field = HeaderUtilities.RemoveQuotes(about?.Name ?? default).ToString();
            string file = about is null ? "" : FileName(about);
            if (field == "file" && file.Length > 0)
                await writer.AddAsync(file, new PartStream(part.Body), context.RequestAborted).ConfigureAwait(false);
            else if (field == "name" && file.Length == 0)
                name = await TextAsync(part, context.RequestAborted).ConfigureAwait(false);
            else
                throw ApiException.Invalid("file", $"the part '{field}' is not expected; send files in parts named "
                    + "'file' with a file name each, and optionally 'name'", "unsupported_field");
        }
        return uploads.Publish(writer, name);
    }

    private static async Task<MultipartSection?> NextAsync(MultipartReader reader, CancellationToken cancellation)
    {
        try
        {
            return await reader.ReadNextSectionAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw CutShort();
        }
    }

    private static ApiException CutShort() => new(StatusCodes.Status400BadRequest,
        "the form is cut short or damaged; send it again", "file", "invalid_form");

    private static string FileName(ContentDispositionHeaderValue about)
    {
        string name = HeaderUtilities.RemoveQuotes(
            about.FileNameStar.HasValue ? about.FileNameStar : about.FileName).ToString();
        // browsers write these three characters in this way
        return name.Replace("%22", "\"", StringComparison.Ordinal).Replace("%0D", "\r", StringComparison.Ordinal)
            .Replace("%0A", "\n", StringComparison.Ordinal);
    }

    private static async Task<string?> TextAsync(MultipartSection part, CancellationToken cancellation)
    {
        var block = new byte[(4 * LongestName) + 1];
        int length = await new PartStream(part.Body).ReadAtLeastAsync(block, block.Length, throwOnEndOfStream: false,
            cancellation).ConfigureAwait(false);
        string text = Encoding.UTF8.GetString(block, 0, length).Trim();
        return text.Length > LongestName || text.Any(char.IsControl)
            ? throw ApiException.Invalid("name", $"'name' is longer than {LongestName} characters, or has line ends")
            : text.Length == 0 ? null : text;
    }

    /// <summary>The content of a part, whose errors are those of the request and not of the disk.</summary>
    private sealed class PartStream(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer,
            CancellationToken cancellationToken = default)
        {
            try
            {
                return await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException)
            {
                throw CutShort();
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
