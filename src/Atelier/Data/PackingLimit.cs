using System.Globalization;

namespace Atelier.Data;

/// <summary>
/// Stops unpacking what was packed to fill a disk or a memory: more than <see cref="FreeBytes"/> that are more than
/// <see cref="MostTimes"/> times the packed bytes. Text and numbers pack to a tenth or a thirtieth; gzip's limit, which
/// such files reach, is a thousandth.
/// </summary>
/// <param name="path">The packed file.</param>
/// <param name="packedBytes">Its length.</param>
internal sealed class PackingLimit(string path, long packedBytes)
{
    /// <summary>Unpacked bytes that are never refused.</summary>
    public const long FreeBytes = 256 << 20;

    /// <summary>Times its packed length that a file may unpack to.</summary>
    public const int MostTimes = 200;

    private long _unpacked;

    /// <summary>Counts bytes that were unpacked.</summary>
    /// <exception cref="AtelierException">There are too many of them.</exception>
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
