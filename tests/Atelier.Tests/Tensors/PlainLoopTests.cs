using Atelier.Tensors;
using Atelier.Tensors.Checks;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Tensors;

/// <summary>The plain loops against the tensor library in 64 bits, which oneDNN takes no part in.</summary>
public sealed class PlainLoopTests
{
    public static TheoryData<int> Cases => [.. Enumerable.Range(0, OperatorCases.All.Count())];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_loop_computes_what_the_tensor_library_does_in_64_bits(int number)
    {
        using var scope = NewDisposeScope();
        OperatorCase @case = OperatorCases.All.ElementAt(number);
        using var random = new Generator((ulong)number, CPU);
        Tensor[] arguments = [.. @case.Shapes
            .Select(shape => empty(shape, ScalarType.Float64).uniform_(-1, 1, random).requires_grad_())];
        double[] expected = Numbers(@case.Library(arguments, OperatorPath.Library));
        double[] answer = @case.Loop([.. arguments.Select(Numbers)]);
        answer.Length.ShouldBe(expected.Length);
        double apart = answer.Zip(expected).Max(pair => Math.Abs(pair.First - pair.Second));
        apart.ShouldBeLessThan(1e-12 * answer.Length, $"{@case.Operator}, {@case.Sizes}");
    }

    private static double[] Numbers(Tensor x)
    {
        using Tensor whole = x.detach().contiguous();
        return whole.data<double>().ToArray();
    }
}
