using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// Vectors as products take them: in single precision, and in 8 bits where blocked weights ask for it.
/// </summary>
internal readonly unsafe struct Operand(float* floats, ByteVectors bytes)
{
    public readonly float* Floats = floats;
    public readonly ByteVectors Bytes = bytes;
}

/// <summary>Memory for the vectors of one step, outside the managed heap, taken once.</summary>
internal sealed unsafe class PassScratch : IDisposable
{
    private readonly List<WeightMemory> _memory = [];

    public float* Floats(long count) => (float*)Bytes(count * sizeof(float));

    /// <summary>Room for vectors with their form in 8 bits.</summary>
    public Operand Operand(long vectors, int columns) => new(Floats(vectors * columns), ByteVectors(vectors, columns));

    /// <summary>Room for vectors in 8 bits.</summary>
    public ByteVectors ByteVectors(long vectors, int columns)
    {
        int padded = (columns + WeightTypes.BlockSize - 1) / WeightTypes.BlockSize * WeightTypes.BlockSize;
        return new((sbyte*)Bytes(vectors * padded), Floats(vectors * padded / WeightTypes.BlockSize),
            (int*)Floats(vectors * padded / WeightTypes.BlockSize));
    }

    /// <summary>A copy of numbers, or null of null.</summary>
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
