using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Atelier.Evaluation;

/// <summary>
/// A hash of the data that a model is evaluated on, independent of the form in which the model takes it.
/// </summary>
internal sealed class DataFingerprint : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Adds numbers or bytes.</summary>
    public DataFingerprint Add<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        _hash.AppendData(MemoryMarshal.AsBytes(values));
        return this;
    }

    /// <summary>Adds text with an end mark, so that "ab", "c" differs from "a", "bc".</summary>
    public DataFingerprint Add(string text) => Add<byte>(Encoding.UTF8.GetBytes(text)).Add<byte>([0xFF]);

    /// <summary>The hash of what was added since the last hash, as a number.</summary>
    public ulong Take() => MemoryMarshal.Read<ulong>(_hash.GetHashAndReset());

    /// <summary>The hash of what was added since the last hash, as text.</summary>
    public string TakeText() => Convert.ToHexStringLower(_hash.GetHashAndReset().AsSpan(0, 16));

    public void Dispose() => _hash.Dispose();
}
