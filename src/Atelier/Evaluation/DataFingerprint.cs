using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Atelier.Evaluation;

/// <summary>
/// Computes a hash of the data that a model is evaluated on, independent of how the model encodes them.
/// </summary>
internal sealed class DataFingerprint : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Adds numbers or bytes to the hash.</summary>
    public DataFingerprint Add<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        _hash.AppendData(MemoryMarshal.AsBytes(values));
        return this;
    }

    /// <summary>Adds a text and an end mark, so that "ab", "c" differs from "a", "bc".</summary>
    public DataFingerprint Add(string text) => Add<byte>(Encoding.UTF8.GetBytes(text)).Add<byte>([0xFF]);

    /// <summary>Returns the hash as a number, and starts a new hash.</summary>
    public ulong Take() => MemoryMarshal.Read<ulong>(_hash.GetHashAndReset());

    /// <summary>Returns the hash as hexadecimal digits, and starts a new hash.</summary>
    public string TakeText() => Convert.ToHexStringLower(_hash.GetHashAndReset().AsSpan(0, 16));

    public void Dispose() => _hash.Dispose();
}
