using Atelier.Kernels;
using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Layers;

public sealed class RandomNumbersTests
{
    [Fact]
    public void Given_a_training_step_then_numbers_are_those_of_its_stream_whatever_others_draw()
    {
        using var scope = NewDisposeScope();
        using var stream = new RandomStream();
        using var context = new StepContext { Random = stream }.Use();
        (Tensor Normal, Tensor Uniform) Draw()
        {
            stream.Seed(7);
            randn(3); // by the tensor library's own generator
            return (empty(500).FillNormal(), empty(500).FillUniform(-2, 4));
        }

        (Tensor normal, Tensor uniform) = Draw();
        (Tensor again, Tensor uniformAgain) = Draw();
        normal.allclose(again, 0, 0).ShouldBeTrue();
        uniform.allclose(uniformAgain, 0, 0).ShouldBeTrue();
        normal.mean().ToDouble().ShouldBe(0, 4 / Math.Sqrt(500));
        normal.std().ToDouble().ShouldBe(1, 4 / Math.Sqrt(1000));
        uniform.min().ToDouble().ShouldBeInRange(-2, -1.9);
        uniform.max().ToDouble().ShouldBeInRange(3.9, 4);
    }

    [Fact]
    public void Given_a_generator_then_it_comes_before_that_of_the_step()
    {
        using var scope = NewDisposeScope();
        using var stream = new RandomStream();
        using Generator one = new(3, CPU), same = new(3, CPU);
        Tensor outside = empty(10).FillNormal(one);
        using var context = new StepContext { Random = stream }.Use();
        empty(10).FillNormal(same).allclose(outside, 0, 0).ShouldBeTrue();
        empty(10).FillNormal().allclose(outside, 0, 0).ShouldBeFalse();
    }

    [Fact]
    public void Given_no_step_then_numbers_follow_from_the_seed_of_the_tensor_library()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        Tensor first = empty(10).FillUniform(0, 1);
        manual_seed(5);
        empty(10).FillUniform(0, 1).allclose(first, 0, 0).ShouldBeTrue();
    }
}
