using Atelier.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// Random numbers for losses and samplers. Without a generator they are those of the training step, which follow from
/// the run's seed and the number of the step; outside of a step, and on GPUs, those of the tensor library.
/// </summary>
public static class RandomNumbers
{
    /// <summary>Fills a tensor with standard normal numbers.</summary>
    /// <param name="tensor">The tensor, overwritten.</param>
    /// <param name="random">The generator; null for that of the training step.</param>
    /// <returns>The tensor.</returns>
    public static Tensor FillNormal(this Tensor tensor, Generator? random = null) =>
        tensor.normal_(0, 1, random ?? OfStep(tensor));

    /// <summary>Fills a tensor with numbers that are distributed evenly over a range.</summary>
    /// <param name="tensor">The tensor, overwritten.</param>
    /// <param name="low">The least number.</param>
    /// <param name="high">The end of the range, which is not drawn.</param>
    /// <param name="random">The generator; null for that of the training step.</param>
    /// <returns>The tensor.</returns>
    public static Tensor FillUniform(this Tensor tensor, double low, double high, Generator? random = null) =>
        tensor.uniform_(low, high, random ?? OfStep(tensor));

    private static Generator? OfStep(Tensor tensor) =>
        tensor.device_type == DeviceType.CPU ? StepContext.Current.Random?.Generator : null;
}
