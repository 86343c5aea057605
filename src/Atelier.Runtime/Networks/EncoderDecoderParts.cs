using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>One of the two stacks of an encoder-decoder, prepared for passes.</summary>
internal sealed class StackParts : IDisposable
{
    private readonly PassScratch _memory = new();

    public StackParts(EncoderDecoderConfig config, WeightMatrix tokens, StackWeights weights, KernelPath path,
        bool bidirectional, float scale = 1)
    {
        Blocks = [.. weights.Blocks.Select(block => new PassBlock(block, _memory, path.PanelRows))];
        Embedding = new PassEmbedding(config, tokens, weights, path);
        if (weights.EmbeddingNorm is { } first)
            EmbeddingNorm = new PassNorm(first, _memory);
        if (weights.FinalNorm is { } last)
            FinalNorm = new PassNorm(new NormWeights(Scaled(last.Weight)!, Scaled(last.Bias)), _memory);
        if (weights.RelativeBiases is { } biases)
            Bias = new RelativeBias(config.Relative!, biases, bidirectional);

        float[]? Scaled(float[]? values) => values is null ? null : [.. values.Select(value => value * scale)];
    }

    public PassBlock[] Blocks { get; }

    public PassEmbedding Embedding { get; }

    public PassNorm? EmbeddingNorm { get; }

    public PassNorm? FinalNorm { get; }

    public RelativeBias? Bias { get; }

    /// <summary>Prepares the positions of sequences of a length. Passes may run meanwhile.</summary>
    public void MakeRoom(int length)
    {
        Embedding.MakeRoom(length);
        Bias?.MakeRoom(length);
    }

    public void Dispose()
    {
        Embedding.Dispose();
        Bias?.Dispose();
        _memory.Dispose();
    }
}

/// <summary>An encoder-decoder's weights, prepared for passes.</summary>
internal sealed class EncoderDecoderParts : IDisposable
{
    private readonly PassScratch _memory = new();

    public EncoderDecoderParts(EncoderDecoderConfig config, EncoderDecoderWeights weights, KernelPath path)
    {
        Encoder = new StackParts(config, weights.SourceEmbedding, weights.Encoder, path, bidirectional: true);
        // the factor of the output is part of the last norm, which models with the factor have
        Decoder = new StackParts(config, weights.TargetEmbedding, weights.Decoder, path, bidirectional: false,
            config.ScaleOutput ? 1 / MathF.Sqrt(config.HiddenSize) : 1);
        Head = new PassProduct(weights.Head, _memory, path.PanelRows);
    }

    public StackParts Encoder { get; }

    public StackParts Decoder { get; }

    public PassProduct Head { get; }

    public void Dispose()
    {
        Encoder.Dispose();
        Decoder.Dispose();
        _memory.Dispose();
    }
}
