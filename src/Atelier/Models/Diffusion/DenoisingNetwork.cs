using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>A network that is shown noisy pictures and says what it was taught to predict of them.</summary>
/// <param name="name">Of the module.</param>
internal abstract class DenoisingNetwork(string name) : nn.Module(name)
{
    /// <summary>The prediction.</summary>
    /// <param name="x">x_t, and what is shown beside it as further channels, [batch, channels, height, width],
    /// fp32.</param>
    /// <param name="times">t of each, [batch], fp32.</param>
    /// <param name="labels">The class of each, [batch], int64, the number of classes for none; null for a network that
    /// is told no class.</param>
    /// <returns>As x_t, fp32.</returns>
    public abstract Tensor Predict(Tensor x, Tensor times, Tensor? labels);
}
