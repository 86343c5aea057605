using System.Net;
using System.Net.Http.Headers;

namespace Atelier.Data;

/// <summary>Downloads a file, resuming where an earlier attempt was interrupted.</summary>
internal static class Download
{
    private const int Attempts = 4;

    /// <summary>
    /// Downloads <paramref name="file"/> to <paramref name="target"/>. Until the download is complete and verified, the
    /// file has the extension .partial.
    /// </summary>
    /// <exception cref="AtelierException">The file cannot be downloaded, or its SHA-256 is wrong.</exception>
    public static void Fetch(CatalogueFile file, string target, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        string partial = target + ".partial";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(100) };
            client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("atelier", null));
            int attempt = 1;
            while (!TryResume(client, file, partial, progress, attempt == Attempts, cancellation))
            {
                attempt++;
                progress?.Report($"{file.Name}: the connection broke, resuming");
            }
            if (!Catalogue.IsMeant(partial, file))
            {
                File.Delete(partial);
                throw new AtelierException("the downloaded file differs from the catalogue: its SHA-256 is different",
                    file.Url, "try again later; if the problem persists, the file has changed at its source");
            }
            File.Move(partial, target, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AtelierException("cannot be written: " + e.Message.TrimEnd('.'), partial,
                "free some space, or name another folder in ATELIER_HOME", e);
        }
    }

    /// <summary>
    /// Downloads the bytes that are still missing. Returns false if the connection was lost and another attempt makes
    /// sense.
    /// </summary>
    private static bool TryResume(HttpClient client, CatalogueFile file, string partial, IProgress<string>? progress,
        bool last, CancellationToken cancellation)
    {
        using var output = new FileStream(partial, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        if (output.Length > file.Bytes)
            output.SetLength(0);
        if (output.Length == file.Bytes)
            return true;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, file.Url);
            if (output.Length > 0)
                request.Headers.Range = new RangeHeaderValue(output.Length, null);
            using HttpResponseMessage response =
                client.Send(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            bool isResumed = response.StatusCode == HttpStatusCode.PartialContent
                && response.Content.Headers.ContentRange?.From == output.Length;
            if (!isResumed && response.StatusCode != HttpStatusCode.OK)
                throw new AtelierException($"the server answered {(int)response.StatusCode} {response.ReasonPhrase}",
                    file.Url, Elsewhere(file));
            // A server that does not support ranges sends the whole file again.
            if (!isResumed)
                output.SetLength(0);
            output.Seek(0, SeekOrigin.End);
            if (Copy(response, output, file, progress, cancellation))
                return true;
        }
        catch (Exception e)
            when (e is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            if (last || output.Length == 0)
                throw new AtelierException("cannot be downloaded: " + e.Message.TrimEnd('.'), file.Url, Elsewhere(file),
                    e);
        }
        if (last)
            throw new AtelierException(
                $"the connection broke {Attempts} times, the last time after {output.Length} of {file.Bytes} bytes",
                file.Url, "run the command again to resume the download");
        return false;
    }

    /// <summary>Copies the response to the file. Returns false if the connection was lost before the end.</summary>
    private static bool Copy(HttpResponseMessage response, FileStream output, CatalogueFile file,
        IProgress<string>? progress, CancellationToken cancellation)
    {
        using Stream input = response.Content.ReadAsStream(cancellation);
        var buffer = new byte[1 << 16];
        long reportedTenths = -1;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            int read;
            try
            {
                read = input.Read(buffer);
            }
            catch (IOException)
            {
                // The connection was lost. The bytes received so far are kept, and the caller retries or reports it.
                return false;
            }
            if (read == 0 || output.Length + read > file.Bytes)
            {
                // Either the end, or more bytes than the file has: then the checksum will differ.
                output.Write(buffer, 0, read);
                break;
            }
            output.Write(buffer, 0, read);
            long percent = 100 * output.Length / file.Bytes;
            if (percent / 10 > reportedTenths)
                progress?.Report(FormattableString.Invariant($"{file.Name}: {percent} % of {file.Bytes:N0} bytes"));
            reportedTenths = percent / 10;
        }
        return output.Length >= file.Bytes;
    }

    private static string Elsewhere(CatalogueFile file) =>
        $"try again when the network is available, or copy {file.Name} to the data set's folder in the folder named "
            + $"by ATELIER_DATA";
}
