using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>
/// The keys and values of the target tokens of one model, in all layers: [layer, key or value, attention size] for each
/// token. Tokens have numbers. Sequences that begin alike share tokens, and tokens of no sequence are recycled.
/// </summary>
/// <param name="layers">Number of layers of the decoder.</param>
/// <param name="size">The width of the keys of all heads.</param>
internal sealed unsafe class TokenCache(int layers, int size) : IDisposable
{
    private const int ChunkTokens = 64;

    // A distance between tokens that is no power of two, so that equal parts of tokens differ in their cache sets.
    private const int Padding = 16;

    private readonly List<WeightMemory> _chunks = [];
    private readonly Stack<int> _free = new();
    private int[] _holders = []; // number of sequences that contain each token

    /// <summary>Number of tokens in use.</summary>
    public int HeldCount { get; private set; }

    /// <summary>Returns the offset in a token of a layer's keys, which its values follow.</summary>
    public long Offset(int layer) => 2L * layer * size;

    /// <summary>Returns the keys and values of a token.</summary>
    public float* Data(int token) =>
        (float*)_chunks[token / ChunkTokens].Data + token % ChunkTokens * (Offset(layers) + Padding);

    /// <summary>Takes an unused token for one sequence.</summary>
    public int Take()
    {
        if (_free.Count == 0)
        {
            int first = _chunks.Count * ChunkTokens;
            _chunks.Add(new WeightMemory(
                checked((nuint)((Offset(layers) + Padding) * ChunkTokens * sizeof(float)))));
            Array.Resize(ref _holders, first + ChunkTokens);
            for (int i = ChunkTokens - 1; i >= 0; i--)
                _free.Push(first + i);
        }
        int token = _free.Pop();
        _holders[token] = 1;
        HeldCount++;
        return token;
    }

    /// <summary>Begins the use of tokens by another sequence.</summary>
    public void Hold(ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
            _holders[token]++;
    }

    /// <summary>Ends the use of tokens by a sequence.</summary>
    public void LetGo(ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
        {
            if (--_holders[token] > 0)
                continue;
            HeldCount--;
            _free.Push(token);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (WeightMemory chunk in _chunks)
            chunk.Dispose();
    }
}
