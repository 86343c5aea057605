namespace Atelier.Formats;

/// <summary>
/// Turns the operating system's error for a file or a stream into a mistake that the user can fix: a full disk is no
/// fault of the program.
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

    /// <summary>Whether a stream was written whose reader has gone, as in <c>atelier … | head -1</c>.</summary>
    public static bool IsClosedPipe(Exception fault) => KindOf(fault) == Kind.ClosedPipe;

    /// <summary>The mistake that a fault of a file is.</summary>
    /// <param name="fault">An <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</param>
    /// <param name="where">The file, folder or stream; null where the fault's own words name it, or nothing
    /// does.</param>
    /// <returns>What is wrong, where, and what to do; null for any other exception, such as a missing
    /// assembly.</returns>
    public static AtelierException? Explain(Exception fault, string? where = null)
    {
        if ((fault is not (IOException or UnauthorizedAccessException)) || fault is FileLoadException
            or FileNotFoundException or EndOfStreamException)
            return null; // of these, files of the program's own are missing or cut short
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

    /// <summary>The mistake that a fault of a file is, whatever the fault.</summary>
    /// <param name="fault">What was thrown.</param>
    /// <param name="where">The file, folder or stream.</param>
    public static AtelierException At(Exception fault, string? where) =>
        Explain(fault, where)
            ?? new AtelierException(fault.Message.TrimEnd('.'), where, "check the path, or choose another", fault);

    /// <summary>
    /// By the system's own number, which .NET keeps: errno on Unix, the low half of an HRESULT on Windows.
    /// </summary>
    private static Kind KindOf(Exception fault)
    {
        if (fault is UnauthorizedAccessException)
            // EBADF
            return fault.InnerException?.HResult == 9 && !OperatingSystem.IsWindows() ? Kind.Closed : Kind.Denied;
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
