using static TorchSharp.torch;

namespace Atelier.Tensors.Checks;

/// <summary>The results of an operator that are compared.</summary>
internal enum ComparedAnswers
{
    /// <summary>The results with and without recording gradients, and the gradients.</summary>
    Both,

    /// <summary>The results with recording gradients, and the gradients.</summary>
    WithGradients,

    /// <summary>The results without recording gradients.</summary>
    WithoutGradients,
}

/// <summary>An operator of given sizes, which can be computed by the tensor library and by a plain loop.</summary>
/// <param name="Operator">The name of the operator in verdicts.</param>
/// <param name="Sizes">A description of the sizes, which identifies the case.</param>
/// <param name="Shapes">The shapes of the arguments.</param>
/// <param name="Library">Computes the operator by a path of the tensor library.</param>
/// <param name="Loop">Computes the operator by a plain loop, from the arguments' elements in row-major order.</param>
internal sealed record OperatorCase(
    string Operator, string Sizes, IReadOnlyList<long[]> Shapes,
    Func<Tensor[], OperatorPath, Tensor> Library, Func<double[][], double[]> Loop)
{
    /// <summary>The results that are compared.</summary>
    public ComparedAnswers Compared { get; init; }

    /// <summary>The alternative paths if the library's own results are wrong, the fastest first.</summary>
    public IReadOnlyList<OperatorPath> Detours { get; init; } = [];

    /// <summary>
    /// The largest magnitude of the arguments. It is below 1 for operators that numbers around 1 would saturate.
    /// </summary>
    public double Scale { get; init; } = 1;
}
