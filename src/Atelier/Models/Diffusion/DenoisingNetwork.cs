using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>A network that predicts its target from noisy images.</summary>
/// <param name="name">Of the module.</param>
internal abstract class DenoisingNetwork(string name) : nn.Module(name)
{
    /// <summary>The prediction.</summary>
    /// <param name="x">x_t, with any conditioning image as further channels, [batch, channels, height, width],
    /// fp32.</param>
    /// <param name="times">t of each, [batch], fp32.</param>
    /// <param name="labels">The class of each, [batch], int64, the number of classes for none; null for a network
    /// without classes.</param>
    /// <returns>As x_t, fp32.</returns>
    public abstract Tensor Predict(Tensor x, Tensor times, Tensor? labels);
}
