using System.Globalization;

namespace Atelier.Data;

/// <summary>
/// Stops the decompression of a file that was made to fill a disk or memory (a "zip bomb"): one that yields more than
/// <see cref="FreeBytes"/> bytes and more than <see cref="MostTimes"/> times its compressed length. Text and numbers
/// compress to a tenth or a thirtieth; such files reach gzip's limit, which is about a thousandth.
/// </summary>
/// <param name="path">The path of the compressed file.</param>
/// <param name="packedBytes">Its length in bytes.</param>
internal sealed class PackingLimit(string path, long packedBytes)
{
    /// <summary>The number of decompressed bytes that is always allowed.</summary>
    public const long FreeBytes = 256 << 20;

    /// <summary>The largest allowed ratio of decompressed to compressed length.</summary>
    public const int MostTimes = 200;

    private long _unpacked;

    /// <summary>Adds a number of decompressed bytes to the count.</summary>
    /// <exception cref="AtelierException">The count exceeds the limit.</exception>
    public void Add(long bytes)
    {
        _unpacked += bytes;
        if (_unpacked > FreeBytes && _unpacked / MostTimes > packedBytes)
        {
            throw new AtelierException(string.Create(CultureInfo.InvariantCulture,
                    $"unpacks to more than {MostTimes} times its {packedBytes:N0} bytes, like a file made "
                        + $"to fill a disk"),
                path, "if this is intended, unpack it and use the unpacked file");
        }
    }
}
