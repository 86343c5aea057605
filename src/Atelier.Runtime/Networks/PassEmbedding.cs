using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>The embeddings and positions of the tokens that a stack of an encoder-decoder reads.</summary>
internal sealed unsafe class PassEmbedding(EncoderDecoderConfig config, WeightMatrix tokens, StackWeights weights,
    KernelPath path) : IDisposable
{
    private readonly float _scale = config.ScaleEmbedding ? MathF.Sqrt(config.HiddenSize) : 1;
    private PassScratch _memory = new();
    private float* _sinusoids; // [length, hidden]
    private int _length;

    /// <summary>Prepares the positions of sequences of a length. No pass may run meanwhile.</summary>
    public void MakeRoom(int length)
    {
        if (config.Positions != PositionName.Sinusoidal || length <= _length)
            return;
        _length = Math.Max(length, Math.Min(2 * _length, config.ContextLength));
        _memory.Dispose();
        _memory = new PassScratch();
        _sinusoids = _memory.Floats((long)_length * config.HiddenSize);
        for (int position = 0; position < _length; position++)
            SinusoidalEncoding.Fill(position, new Span<float>(Sinusoid(position), config.HiddenSize));
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
            path.Add(Sinusoid(position), hidden, x);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private float* Sinusoid(int position) => _sinusoids + (long)position * config.HiddenSize;
}
