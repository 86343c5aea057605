using Atelier.Kernels;
using Atelier.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Layers;

public sealed class DifferentiableGradientTests
{
    /// <summary>f(x) = a Σ x³ has the gradient 3 a x², whose sum has the gradient 3 Σ x² with respect to a.</summary>
    [Fact]
    public void Given_a_cubic_function_then_its_gradient_and_the_gradient_of_that_are_those_of_calculus()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor((double[])[-1, 0.5, 2]), a = tensor(0.7).requires_grad_(true);
        Tensor gradient = DifferentiableGradient.Of(at =>
        {
            StepContext.Current.SecondOrder.ShouldBeTrue("convolutions need to know");
            return at.pow(3).sum().mul(a);
        }, x);
        gradient.detach().data<double>().ToArray().Zip([3 * 0.7, 3 * 0.7 * 0.25, 3 * 0.7 * 4])
            .ShouldAllBe(pair => Math.Abs(pair.First - pair.Second) < 1e-12);
        gradient.sum().backward();
        a.grad!.ToDouble().ShouldBe(3 * (1 + 0.25 + 4), 1e-12);
        x.grad.ShouldBeNull();
        StepContext.Current.SecondOrder.ShouldBeFalse();
    }
}
