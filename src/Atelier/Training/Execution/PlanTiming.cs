namespace Atelier.Training.Execution;

/// <summary>The measured time of a training step with an execution plan.</summary>
/// <param name="Seconds">The median time of several steps, in seconds.</param>
/// <param name="HasKernels">Whether the step contained layers that have a fused path.</param>
/// <param name="HasTiles">Whether the step contained matrix products that either our own kernels or the tensor library
/// can compute.</param>
/// <param name="HasAttention">Whether the step contained attention for which the tensor library has a fused
/// operator.</param>
internal readonly record struct PlanTiming(double Seconds, bool HasKernels, bool HasTiles, bool HasAttention)
{
    private const double Restless = 0.5; // on a machine without other load, steps differ by a tenth

    /// <summary>The median time divided by the fastest, minus 1.</summary>
    public double Spread { get; init; }

    /// <summary>Whether other programs used the cores meanwhile, so that the timing is unreliable.</summary>
    public bool IsRestless => Spread > Restless;
}
