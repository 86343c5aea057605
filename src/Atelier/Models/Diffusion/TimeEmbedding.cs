using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Diffusion;

/// <summary>
/// The embedding of time and class: sines and cosines of the time (Vaswani et al. 2017, section 3.5, of 1000 t as in Ho
/// et al. 2020) through two layers, plus a learned vector for the class. One more vector stands for no class.
/// </summary>
internal sealed class TimeEmbedding : nn.Module
{
    private const int Waves = 64;
    private readonly Linear _in, _out;
    private readonly Layers.Embedding? _classes;

    public TimeEmbedding(int width, int classes, Generator random)
        : base(nameof(TimeEmbedding))
    {
        _in = new Linear(2 * Waves, width, bias: true, Precision.Fp32, 1 / Math.Sqrt(2 * Waves), random);
        _out = new Linear(width, width, bias: true, Precision.Fp32, 1 / Math.Sqrt(width), random);
        _classes = classes > 0 ? new Layers.Embedding(classes + 1, width, 0.5, random) : null;
        register_module("in", _in);
        register_module("out", _out);
        if (_classes is not null)
            register_module("classes", _classes);
    }

    /// <summary>
    /// The condition of a network. The parameters are those of <see cref="DenoisingNetwork.Predict"/>.
    /// </summary>
    /// <returns>[batch, width], fp32.</returns>
    public Tensor Forward(Tensor times, Tensor? labels)
    {
        Tensor rates = exp(KeptScalars.Range(Waves, ScalarType.Float32, times.device).Times(-Math.Log(10_000) / Waves));
        Tensor angles = times.Times(1000).unsqueeze(1).mul(rates); // [batch, waves]
        Tensor condition = _out.forward(F.silu(_in.forward(cat([angles.sin(), angles.cos()], 1))));
        return F.silu(_classes is null || labels is null ? condition : condition.Plus(_classes.forward(labels)));
    }
}
