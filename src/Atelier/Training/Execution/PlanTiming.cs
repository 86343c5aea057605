namespace Atelier.Training.Execution;

/// <summary>How a plan did.</summary>
/// <param name="Seconds">Those of a step, the median of several.</param>
/// <param name="HasKernels">Whether it met layers that have both directions written out, and could take them.</param>
/// <param name="HasTiles">Whether it met products that our own kernels or the tensor library could compute.</param>
/// <param name="HasAttention">Whether it met attention of the tensor library's operators that could be fused.</param>
internal readonly record struct PlanTiming(double Seconds, bool HasKernels, bool HasTiles, bool HasAttention)
{
    private const double Restless = 0.5; // over the fastest step: on a quiet machine steps differ by a tenth

    /// <summary>How much longer the median step took than the fastest, as a share of the fastest.</summary>
    public double Spread { get; init; }

    /// <summary>Whether other programs take the cores by turns, so that the figure says little.</summary>
    public bool IsRestless => Spread > Restless;
}
