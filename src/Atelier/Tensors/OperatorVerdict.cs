namespace Atelier.Tensors;

/// <summary>The result of checking an operator of the tensor library on this machine.</summary>
/// <param name="Operator">The operator, such as "convolution".</param>
/// <param name="Precision">The element type, "fp32" or "bf16".</param>
/// <param name="IsRight">Whether the tensor library's own results agree with those of a plain loop.</param>
/// <param name="Path">The path by which the operator is therefore computed.</param>
public sealed record OperatorVerdict(string Operator, string Precision, bool IsRight, OperatorPath Path);
