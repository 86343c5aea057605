using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>
/// Random numbers of one replica: they depend on its seed alone, not on what other threads draw meanwhile from the
/// tensor library's one generator.
/// </summary>
internal sealed class RandomStream : IDisposable
{
    /// <summary>The generator that draws them.</summary>
    public Generator Generator { get; } = new(0, CPU);

    /// <summary>Starts the stream again from a seed.</summary>
    public void Seed(ulong seed) => Generator.manual_seed((long)(seed >> 1));

    /// <inheritdoc/>
    public void Dispose() => Generator.Dispose();
}
