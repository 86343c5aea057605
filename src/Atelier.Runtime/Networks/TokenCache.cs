using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>The keys and values of one target token in all layers, which sequences that begin alike share.</summary>
internal sealed unsafe class CachedToken(float* data)
{
    /// <summary>The data, [layer, key or value, attention size].</summary>
    public float* Data { get; } = data;

    /// <summary>Number of sequences that contain the token.</summary>
    public int Holders { get; set; }
}

/// <summary>
/// The cached tokens of one model. Beams are copied by sharing their tokens, and tokens of no sequence are recycled.
/// </summary>
/// <param name="layers">Number of layers of the decoder.</param>
/// <param name="size">The width of the keys of all heads.</param>
internal sealed unsafe class TokenCache(int layers, int size) : IDisposable
{
    private const int ChunkTokens = 64;

    // A distance between tokens that is no power of two, so that equal parts of tokens differ in their cache sets.
    private const int Padding = 16;

    private readonly List<WeightMemory> _chunks = [];
    private readonly Stack<CachedToken> _free = new();

    /// <summary>Number of tokens in use.</summary>
    public int HeldCount { get; private set; }

    /// <summary>Returns the offset in a token of a layer's keys, which its values follow.</summary>
    public long Offset(int layer) => 2L * layer * size;

    /// <summary>Takes an unused token for one sequence.</summary>
    public CachedToken Take()
    {
        if (_free.Count == 0)
        {
            long floats = Offset(layers) + Padding;
            var chunk = new WeightMemory(checked((nuint)(floats * ChunkTokens * sizeof(float))));
            _chunks.Add(chunk);
            for (int i = ChunkTokens - 1; i >= 0; i--)
                _free.Push(new CachedToken((float*)chunk.Data + i * floats));
        }
        CachedToken token = _free.Pop();
        token.Holders = 1;
        HeldCount++;
        return token;
    }

    /// <summary>Ends the use of a token by one sequence.</summary>
    public void LetGo(CachedToken token)
    {
        if (--token.Holders > 0)
            return;
        HeldCount--;
        _free.Push(token);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (WeightMemory chunk in _chunks)
            chunk.Dispose();
    }
}
