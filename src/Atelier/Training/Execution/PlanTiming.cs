namespace Atelier.Training.Execution;

/// <summary>How a plan did.</summary>
/// <param name="Seconds">Those of a step, the median of several.</param>
/// <param name="HasKernels">Whether the step contained layers that have a fused path.</param>
/// <param name="HasTiles">Whether it met products that our own kernels or the tensor library could compute.</param>
/// <param name="HasAttention">Whether it met attention of the tensor library's operators that could be fused.</param>
internal readonly record struct PlanTiming(double Seconds, bool HasKernels, bool HasTiles, bool HasAttention)
{
    private const double Restless = 0.5; // over the fastest step: on a quiet machine steps differ by a tenth

    /// <summary>How much longer the median step took than the fastest, as a share of the fastest.</summary>
    public double Spread { get; init; }

    /// <summary>Whether other programs used the cores at times, so that the timing is unreliable.</summary>
    public bool IsRestless => Spread > Restless;
}
