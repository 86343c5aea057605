namespace Atelier.Tensors.Ranks;

/// <summary>A process that trains alone: every exchange leaves its values as they are.</summary>
internal sealed class SingleRank : ICommunicator
{
    /// <summary>The only instance.</summary>
    public static SingleRank Instance { get; } = new();

    public int Rank => 0;

    public int Size => 1;

    public void Sum(Span<float> values)
    {
    }

    public void Sum(Span<double> values)
    {
    }

    public void Sum(Span<long> values)
    {
    }

    public void Max(Span<long> values)
    {
    }

    public void Broadcast(Span<byte> bytes, int root = 0)
    {
    }

    public byte[][] Gather(ReadOnlySpan<byte> bytes) => [bytes.ToArray()];

    public void Barrier()
    {
    }

    public void Abort(int code) => Environment.Exit(code);
}
