using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.GZip;

namespace Atelier.Data.Text.Reading;

/// <summary>Opens files, unpacking gzip by its first bytes, whatever the name says.</summary>
internal static class FileBytes
{
    /// <summary>The bytes of a file.</summary>
    /// <exception cref="AtelierException">The file is missing, empty, or may not be read.</exception>
    public static Stream Open(string path)
    {
        try
        {
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            Span<byte> magic = stackalloc byte[2];
            int count = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false);
            file.Position = 0;
            if (count == 0)
            {
                file.Dispose();
                throw new AtelierException("is empty", path, "bring a file with text, or take it out");
            }
            return count == 2 && magic[0] == 0x1F && magic[1] == 0x8B ? new Unpacked(file, path) : file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string hint = e is FileNotFoundException or DirectoryNotFoundException
                ? "check the name" : "check that it may be read";
            throw new AtelierException("cannot be read: " + e.Message.TrimEnd('.'), path, hint, e);
        }
    }

    /// <summary>A gzip file's content, telling of damage as the user's file's and not as a program's fault.</summary>
    private sealed class Unpacked(Stream file, string path) : Stream
    {
        // The framework's own stream takes a file that was cut short for one that ended.
        private readonly GZipInputStream _content = new(file);
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            try
            {
                int read = _content.Read(buffer, offset, count);
                _position += read;
                return read;
            }
            catch (Exception e) when (e is SharpZipBaseException or EndOfStreamException)
            {
                throw new AtelierException($"is damaged or cut short: its gzip data breaks off after {_position} unpacked bytes",
                    path, "fetch or pack the file again", e);
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
    }
}
