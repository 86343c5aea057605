using System.Globalization;
using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.GZip;

namespace Atelier.Data.Text.Reading;

/// <summary>Opens files, and decompresses gzip files, which it recognises by their first bytes.</summary>
internal static class FileBytes
{
    /// <summary>The bytes of a file.</summary>
    /// <param name="source">The file.</param>
    /// <param name="report">Receives the progress of decompression; can cancel it.</param>
    /// <exception cref="AtelierException">The file is missing, empty, no regular file, or may not be read.</exception>
    public static Stream Open(FileSource source, ReadingReport? report = null)
    {
        try
        {
            Stream file = source.Open();
            Span<byte> magic = stackalloc byte[2];
            int count = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false);
            file.Position = 0;
            if (count == 0)
            {
                file.Dispose();
                throw new AtelierException("is empty", source.Name, "provide a file with data, or remove it");
            }
            return count == 2 && magic[0] == 0x1F && magic[1] == 0x8B ? new GzipContent(file, source.Name, report)
                : file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string hint = e is FileNotFoundException or DirectoryNotFoundException
                ? "check the name" : "check its permissions";
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), source.Name, hint, e);
        }
    }

    /// <summary>A gzip file's content, telling of damage as the user's file's and not as a program's fault.</summary>
    private sealed class GzipContent(Stream file, string path, ReadingReport? report) : Stream
    {
        private const long BytesPerReport = 256 << 20;

        // Unlike GZipStream of .NET, this stream detects a truncated file.
        private readonly GZipInputStream _content = new(file);
        private readonly PackingLimit _limit = new(path, file.Length);
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            report?.Cancellation.ThrowIfCancellationRequested();
            try
            {
                int read = _content.Read(buffer, offset, count);
                if (_position / BytesPerReport < (_position + read) / BytesPerReport)
                    report?.Progress?.Report(Progress(_position + read));
                _limit.Add(read);
                _position += read;
                return read;
            }
            catch (Exception e) when (e is SharpZipBaseException or EndOfStreamException)
            {
                throw new AtelierException(
                    $"is damaged or truncated: its gzip data ends after {_position} unpacked bytes",
                    path, "download or pack the file again", e);
            }
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _content.Dispose();
            base.Dispose(disposing);
        }

        private string Progress(long unpacked) => string.Create(CultureInfo.InvariantCulture,
            $"unpacking {Path.GetFileName(path)}: {unpacked >> 20:N0} MiB, {100.0 * file.Position / file.Length:0} "
                + $"% of the file");
    }
}
