using System.Net;
using System.Net.Http.Headers;

namespace Atelier.Data;

/// <summary>Fetches a file, going on from where an earlier attempt broke off.</summary>
internal static class Download
{
    private const int Attempts = 4;

    /// <summary>
    /// Fetches <paramref name="file"/> to <paramref name="target"/>; until it is whole and checked it is called
    /// .partial.
    /// </summary>
    /// <exception cref="AtelierException">It cannot be had, or what comes is not it.</exception>
    public static void Fetch(CatalogueFile file, string target, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        string partial = target + ".partial";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(100) };
            client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("atelier", null));
            for (int attempt =
                1; !TryGoOn(client, file, partial, progress, attempt == Attempts, cancellation); attempt++)
                progress?.Report($"{file.Name}: the connection broke, resuming");
            if (!Catalogue.IsMeant(partial, file))
            {
                File.Delete(partial);
                throw new AtelierException("the downloaded file differs from the catalogue: its SHA-256 is different",
                    file.Url,
                    "try again later; if the problem persists, the file has changed at its source");
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
    /// Fetches what is missing; false where the connection broke off and it is worth another attempt.
    /// </summary>
    private static bool TryGoOn(
        HttpClient client, CatalogueFile file, string partial, IProgress<string>? progress, bool last,
            CancellationToken cancellation)
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
            bool goesOn = response.StatusCode == HttpStatusCode.PartialContent
                && response.Content.Headers.ContentRange?.From == output.Length;
            if (!goesOn && response.StatusCode != HttpStatusCode.OK)
                throw new AtelierException($"the server answered {(int)response.StatusCode} {response.ReasonPhrase}",
                    file.Url,
                    Elsewhere(file));
            // A server that cannot begin in the middle sends everything again.
            if (!goesOn)
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
                file.Url,
                "run the command again to resume the download");
        return false;
    }

    /// <summary>True where all came; false where the connection broke off before.</summary>
    private static bool Copy(
        HttpResponseMessage response, FileStream output, CatalogueFile file, IProgress<string>? progress,
            CancellationToken cancellation)
    {
        using Stream input = response.Content.ReadAsStream(cancellation);
        var buffer = new byte[1 << 16];
        long told = -1;
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
                // The other end went away; what came before is kept, and the caller tries again or says so.
                return false;
            }
            if (read == 0 || output.Length + read > file.Bytes)
            {
                // More than there should be is not the file; the checksum says so.
                output.Write(buffer, 0, read);
                break;
            }
            output.Write(buffer, 0, read);
            long percent = 100 * output.Length / file.Bytes;
            if (percent / 10 > told)
                progress?.Report(FormattableString.Invariant($"{file.Name}: {percent} % of {file.Bytes:N0} bytes"));
            told = percent / 10;
        }
        return output.Length >= file.Bytes;
    }

    private static string Elsewhere(CatalogueFile file) =>
        $"try again when the network is available, or copy {file.Name} to the data set's folder in the folder named "
            + $"by ATELIER_DATA";
}
