namespace Atelier.Tensors.Checks;

/// <summary>The names of operators and precisions in verdicts.</summary>
internal static class OperatorNames
{
    public const string Convolution = "convolution", Lstm = "LSTM", LstmWithoutGradients = "LSTM without gradients";
    public const string SecondOrder = "convolution, second order";
    public const string Fp32 = "fp32", Bf16 = "bf16";
}
