namespace Atelier.Formats;

/// <summary>
/// Translates the operating system's errors for files and streams into errors that the user can correct, such as a full
/// disk.
/// </summary>
public static class FileFault
{
    private enum Kind
    {
        Other,
        Full,
        OverQuota,
        ReadOnly,
        Denied,
        ClosedPipe,
        Closed,
        TooManyOpen,
    }

    /// <summary>
    /// Returns whether a stream was written after its reader had closed it, as in <c>atelier … | head -1</c>.
    /// </summary>
    public static bool IsClosedPipe(Exception fault) => KindOf(fault) == Kind.ClosedPipe;

    /// <summary>Returns whether there is no more room for a file: the disk is full, or a quota is used up.</summary>
    /// <param name="fault">The error of the file, or one that was translated from it.</param>
    public static bool IsFull(Exception fault) => KindOf(fault) is Kind.Full or Kind.OverQuota
        || (fault is AtelierException { InnerException: { } inner } && IsFull(inner));

    /// <summary>Translates an error of a file.</summary>
    /// <param name="fault">An <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</param>
    /// <param name="where">The file, folder or stream; null if it is unknown or the message names it.</param>
    /// <returns>The translated error; null for any other exception, such as a missing assembly.</returns>
    public static AtelierException? Explain(Exception fault, string? where = null)
    {
        if (fault is (not (IOException or UnauthorizedAccessException))
            or FileLoadException or FileNotFoundException or EndOfStreamException)
            return null; // these mean that a file of the program itself is missing or truncated
        string said = fault.Message.TrimEnd('.');
        return KindOf(fault) switch
        {
            Kind.Full => new("the disk is full", where, "free some space or choose another place", fault),
            Kind.OverQuota =>
                new("the quota of disk space is used up", where, "free some space or choose another place", fault),
            Kind.ReadOnly => new($"the place is read-only: {said}", where, "choose another place", fault),
            Kind.Denied =>
                new($"access is denied: {said}", where, "check its permissions or choose another place", fault),
            Kind.ClosedPipe => new("what reads the output has ended", where, inner: fault),
            Kind.Closed => new("is closed and cannot be written to", where ?? "standard output", inner: fault),
            Kind.TooManyOpen => new("too many files are open", where, "raise the limit (ulimit -n)", fault),
            _ => new(said, where, "check the path, or choose another", fault),
        };
    }

    /// <summary>Translates any error of a file. If its kind is unknown, its own message is kept.</summary>
    /// <param name="fault">The exception.</param>
    /// <param name="where">The file, folder or stream.</param>
    public static AtelierException At(Exception fault, string? where) =>
        Explain(fault, where)
            ?? new AtelierException(fault.Message.TrimEnd('.'), where, "check the path, or choose another", fault);

    /// <summary>
    /// Returns the kind of an error by its system error number, which .NET keeps in HResult: errno on Unix, the low 16
    /// bits on Windows.
    /// </summary>
    private static Kind KindOf(Exception fault)
    {
        if (fault is UnauthorizedAccessException)
        {
            bool isBadDescriptor = fault.InnerException?.HResult == 9 && !OperatingSystem.IsWindows(); // EBADF
            return isBadDescriptor ? Kind.Closed : Kind.Denied;
        }
        if (fault is not IOException)
            return Kind.Other;
        if (OperatingSystem.IsWindows())
        {
            return (fault.HResult & 0xFFFF) switch
            {
                112 or 39 => Kind.Full, // ERROR_DISK_FULL, ERROR_HANDLE_DISK_FULL
                1295 => Kind.OverQuota, // ERROR_DISK_QUOTA_EXCEEDED
                19 => Kind.ReadOnly, // ERROR_WRITE_PROTECT
                5 => Kind.Denied, // ERROR_ACCESS_DENIED
                109 or 232 => Kind.ClosedPipe, // ERROR_BROKEN_PIPE, ERROR_NO_DATA
                4 => Kind.TooManyOpen, // ERROR_TOO_MANY_OPEN_FILES
                _ => Kind.Other,
            };
        }
        return fault.HResult switch
        {
            28 => Kind.Full, // ENOSPC
            122 or 69 => Kind.OverQuota, // EDQUOT on Linux, on macOS
            30 => Kind.ReadOnly, // EROFS
            1 or 13 => Kind.Denied, // EPERM, EACCES
            32 => Kind.ClosedPipe, // EPIPE
            23 or 24 => Kind.TooManyOpen, // ENFILE, EMFILE
            _ => Kind.Other,
        };
    }
}
