using static TorchSharp.torch;

namespace Atelier.Models.Diffusion;

/// <summary>A network that predicts its target from noisy images.</summary>
/// <param name="name">The module's name.</param>
internal abstract class DenoisingNetwork(string name) : nn.Module(name)
{
    /// <summary>The prediction.</summary>
    /// <param name="x">x_t, with any condition image as further channels, [batch, channels, height, width],
    /// fp32.</param>
    /// <param name="times">The time of each image, [batch], fp32.</param>
    /// <param name="labels">The class of each image, [batch], int64, where the number of classes stands for no class;
    /// or weights of all classes and of none, [batch, classes + 1], fp32; null for a network without classes.</param>
    /// <returns>The shape of x_t, fp32.</returns>
    public abstract Tensor Predict(Tensor x, Tensor times, Tensor? labels);
}
