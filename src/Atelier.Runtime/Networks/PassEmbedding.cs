using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>The embeddings and positions of the tokens that a stack of an encoder-decoder reads.</summary>
internal sealed unsafe class PassEmbedding(EncoderDecoderConfig config, WeightMatrix tokens, StackWeights weights,
    KernelPath path) : IDisposable
{
    private readonly float _scale = config.ScaleEmbedding ? MathF.Sqrt(config.HiddenSize) : 1;
    private readonly PassScratch _memory = new(); // also keeps the smaller tables, which a pass may be reading
    private volatile float* _sinusoids; // [length, hidden]
    private int _length;

    /// <summary>Prepares the positions of sequences of a length. Passes may run meanwhile.</summary>
    public void MakeRoom(int length)
    {
        if (config.Positions != PositionName.Sinusoidal)
            return;
        lock (_memory)
        {
            if (length <= _length)
                return;
            _length = Math.Max(length, Math.Min(2 * _length, config.ContextLength));
            float* table = _memory.Floats((long)_length * config.HiddenSize);
            for (int position = 0; position < _length; position++)
                SinusoidalEncoding.Fill(position, new Span<float>(table + Offset(position), config.HiddenSize));
            _sinusoids = table;
        }
    }

    /// <summary>Reads a token at a position.</summary>
    /// <param name="token">The token.</param>
    /// <param name="position">The position.</param>
    /// <param name="x">Filled with the vector, [hidden].</param>
    /// <param name="scratch">Memory of the same size.</param>
    public void Read(int token, int position, float* x, float* scratch)
    {
        int hidden = config.HiddenSize;
        tokens.ReadRow(token, new Span<float>(x, hidden));
        for (int i = 0; i < hidden && _scale != 1; i++)
            x[i] *= _scale;
        if (weights.Positions is { } learned)
        {
            learned.ReadRow(config.PositionOffset + position, new Span<float>(scratch, hidden));
            path.Add(scratch, hidden, x);
        }
        else if (config.Positions == PositionName.Sinusoidal)
        {
            path.Add(_sinusoids + Offset(position), hidden, x);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private long Offset(int position) => (long)position * config.HiddenSize;
}
