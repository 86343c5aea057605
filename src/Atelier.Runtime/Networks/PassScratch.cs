using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// The input vectors of products: in single precision and, for blocked weights, also quantised to 8 bits.
/// </summary>
internal readonly unsafe struct Operand(float* floats, ByteVectors bytes)
{
    public readonly float* Floats = floats;
    public readonly ByteVectors Bytes = bytes;
}

/// <summary>Native memory for the vectors of a step, allocated once.</summary>
internal sealed unsafe class PassScratch : IDisposable
{
    private readonly List<WeightMemory> _memory = [];

    public float* Floats(long count) => (float*)Bytes(count * sizeof(float));

    /// <summary>Allocates vectors in single precision and 8 bits.</summary>
    public Operand Operand(long vectors, int columns) => new(Floats(vectors * columns), ByteVectors(vectors, columns));

    /// <summary>Allocates vectors in 8 bits.</summary>
    public ByteVectors ByteVectors(long vectors, int columns)
    {
        int padded = (columns + WeightTypes.BlockSize - 1) / WeightTypes.BlockSize * WeightTypes.BlockSize;
        return new((sbyte*)Bytes(vectors * padded), Floats(vectors * padded / WeightTypes.BlockSize),
            (int*)Floats(vectors * padded / WeightTypes.BlockSize),
            (int*)Floats(2 * vectors * padded / WeightTypes.BlockSize));
    }

    /// <summary>Copies an array to native memory; null gives null.</summary>
    public float* Copy(float[]? values)
    {
        if (values is null)
            return null;
        float* copy = Floats(values.Length);
        values.CopyTo(new Span<float>(copy, values.Length));
        return copy;
    }

    public void Dispose()
    {
        foreach (WeightMemory memory in _memory)
            memory.Dispose();
    }

    private byte* Bytes(long count)
    {
        var memory = new WeightMemory((nuint)count);
        _memory.Add(memory);
        return memory.Data;
    }
}
