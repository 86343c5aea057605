using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// Rotates pairs of components of queries and keys by angles that grow with the position (Su et al. 2021, eq. 34).
/// Pairs are (i, i + size/2), the order of Hugging Face's Llama.
/// </summary>
public sealed unsafe class RotaryPositions : nn.Module
{
    [ComponentName(Name = "cosine")]
    private readonly Tensor _cosine;
    [ComponentName(Name = "sine")]
    private readonly Tensor _sine;

    /// <summary>Creates tables of the angles' sines and cosines.</summary>
    /// <param name="headSize">The width of a head; even.</param>
    /// <param name="contextLength">The number of positions in the tables.</param>
    /// <param name="theta">The base of the angles' geometric series; 10,000 in the paper.</param>
    /// <param name="scaling">The scaling of the rotary angles, or null.</param>
    public RotaryPositions(int headSize, int contextLength, double theta, RotaryScaling? scaling = null)
        : base(nameof(RotaryPositions))
    {
        using var scope = NewDisposeScope();
        Tensor rates = tensor(RotaryFrequencies.Of(headSize, theta, scaling)); // [headSize / 2]
        double amplitude = RotaryFrequencies.Amplitude(scaling);
        // [position, headSize / 2]
        Tensor angles = KeptScalars.Range(contextLength, ScalarType.Float64).unsqueeze(1) * rates;
        _cosine = cat([angles.cos(), angles.cos()], -1).Times(amplitude).to(ScalarType.Float32)
            .MoveToOuterDisposeScope();
        _sine = cat([-angles.sin(), angles.sin()], -1).Times(amplitude).to(ScalarType.Float32)
            .MoveToOuterDisposeScope();
        register_buffer("cosine", _cosine, persistent: false);
        register_buffer("sine", _sine, persistent: false);
    }

    /// <summary>The tables from position 0, for kernels.</summary>
    internal RotaryTables Tables => new(_cosine.Pointer<float>(), _sine.Pointer<float>());

    /// <summary>Rotates queries or keys.</summary>
    /// <param name="x">[heads, batch, time, headSize].</param>
    /// <param name="offset">The position of the first one.</param>
    public Tensor Rotate(Tensor x, int offset)
    {
        TimedOperation timed = TimedOperation.Begin("rotary positions", ref x);
        long time = x.shape[2], half = x.shape[3] / 2;
        Tensor cosine = _cosine.narrow(0, offset, time).to(x.dtype); // [time, headSize]
        Tensor sine = _sine.narrow(0, offset, time).to(x.dtype);
        // (a, b) → (a cos − b sin, b cos + a sin): x rolled by half is (b, a), and the first half of the sine is
        // negative
        return timed.End((x * cosine).PlusProduct(x.roll(half, -1), sine));
    }
}
