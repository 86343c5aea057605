namespace Atelier.Training.Execution;

/// <summary>How a plan did.</summary>
/// <param name="Seconds">Those of a step.</param>
/// <param name="HasKernels">Whether it met layers that have both directions written out, and could take them.</param>
/// <param name="HasTiles">Whether it met products that our own kernels or the tensor library could compute.</param>
/// <param name="HasAttention">Whether it met attention of the tensor library's operators that could be fused.</param>
internal readonly record struct PlanTiming(double Seconds, bool HasKernels, bool HasTiles, bool HasAttention);
