using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>
/// Random numbers of one replica: what it draws depends on its seed alone, not on what other threads draw meanwhile
/// from the tensor library's one generator.
/// </summary>
internal sealed class RandomStream : IDisposable
{
    [ThreadStatic]
    private static RandomStream? s_current;
    private readonly Generator _generator = new(0, CPU);

    /// <summary>
    /// The generator in use on this thread, or null where there is none: then the tensor library's own serves.
    /// </summary>
    public static Generator? Current => s_current?._generator;

    /// <summary>Begins the stream anew.</summary>
    public void Seed(ulong seed) => _generator.manual_seed((long)(seed >> 1));

    /// <summary>Makes it this thread's until the answer is disposed.</summary>
    public IDisposable Use()
    {
        s_current = this;
        return new InUse();
    }

    /// <inheritdoc/>
    public void Dispose() => _generator.Dispose();

    private sealed class InUse : IDisposable
    {
        public void Dispose() => s_current = null;
    }
}
