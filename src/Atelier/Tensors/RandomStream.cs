using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>
/// The random numbers of one replica. They depend only on its seed, not on what other threads draw from the tensor
/// library's global generator.
/// </summary>
internal sealed class RandomStream : IDisposable
{
    /// <summary>The generator.</summary>
    public Generator Generator { get; } = new(0, CPU);

    /// <summary>Restarts the stream from a seed.</summary>
    public void Seed(ulong seed) => Generator.manual_seed((long)(seed >> 1));

    /// <inheritdoc/>
    public void Dispose() => Generator.Dispose();
}
