using static TorchSharp.torch;

namespace Atelier.Tensors.Checks;

/// <summary>Which answers of an operator are compared.</summary>
internal enum ComparedAnswers
{
    /// <summary>Those with gradients recorded, the gradients too, and those without.</summary>
    Both,

    /// <summary>Those with gradients recorded, and the gradients.</summary>
    WithGradients,

    /// <summary>Those without.</summary>
    WithoutGradients,
}

/// <summary>An operator with given sizes, computed by the tensor library and by a plain loop.</summary>
/// <param name="Operator">What verdicts call it.</param>
/// <param name="Sizes">The sizes, which identify the case.</param>
/// <param name="Shapes">Those of its arguments.</param>
/// <param name="Library">Has the tensor library compute it by a path.</param>
/// <param name="Loop">Computes it from the arguments' numbers in row-major order.</param>
internal sealed record OperatorCase(
    string Operator, string Sizes, IReadOnlyList<long[]> Shapes,
    Func<Tensor[], OperatorPath, Tensor> Library, Func<double[][], double[]> Loop)
{
    /// <summary>Which answers are compared.</summary>
    public ComparedAnswers Compared { get; init; }

    /// <summary>The paths that may serve where the library's own answers are wrong, the fastest first.</summary>
    public IReadOnlyList<OperatorPath> Detours { get; init; } = [];

    /// <summary>The scale of the arguments, where numbers around one would saturate.</summary>
    public double Scale { get; init; } = 1;
}
