using Atelier.Abstractions;
using Atelier.Layers;
using Atelier.Layers.Fused;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Tests.Layers;

public sealed class LowRankAdapterTests
{
    private const int Inputs = 6, Outputs = 8, Start = 2, Count = 5;
    private static readonly LoraAdapter s_shape = new([]) { Rank = 3, Alpha = 6 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_new_adapter_changes_nothing(bool hasMagnitudes)
    {
        using var scope = NewDisposeScope();
        using Linear layer = NewLayer();
        using var random = new Generator(5, CPU);
        Tensor x = randn([2, 4, Inputs], generator: random);
        float[] before = Numbers(layer.forward(x));
        using LowRankAdapter adapter =
            LowRankAdapter.Create(layer, Start, Count, s_shape, hasMagnitudes, random);
        Numbers(layer.forward(x)).ShouldBe(before);
        adapter.A.requires_grad.ShouldBeTrue();
    }

    [Fact]
    public void Gradients_are_those_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        using Linear layer = NewLayer();
        using LowRankAdapter adapter = NewAdapter(layer, hasMagnitudes: false);
        layer.Weight.requires_grad = false;
        using var random = new Generator(6, CPU);
        Tensor x = randn([7, Inputs], generator: random), weights = randn([7, Outputs], generator: random);
        Tensor Loss() => (layer.forward(x) * weights).sum();
        Loss().backward();
        // the loss is linear in A and in B, so that a difference over a wide step has no error but rounding
        foreach (Parameter parameter in adapter.Parameters)
        {
            for (long at = 0; at < parameter.numel(); at += 2)
            {
                double numeric = (Moved(parameter, at, 0.5) - Moved(parameter, at, -0.5)) / 1.0;
                parameter.grad!.view(-1)[at].ToDouble().ShouldBe(numeric, 1e-4 + (1e-4 * Math.Abs(numeric)));
            }
        }

        double Moved(Parameter parameter, long at, double step)
        {
            using var gradients = no_grad();
            Tensor element = parameter.view(-1).narrow(0, at, 1);
            element.add_(step);
            double loss = Loss().ToDouble();
            element.sub_(step);
            return loss;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Merged_weights_give_the_same_product_as_the_formula_in_plain_loops(bool hasMagnitudes)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using Linear layer = NewLayer();
        using LowRankAdapter adapter = NewAdapter(layer, hasMagnitudes);
        using var random = new Generator(6, CPU);
        Tensor x = randn([7, Inputs], generator: random);
        float[] adapted = Numbers(layer.forward(x)), rows = Numbers(layer.Weight)[(Start * Inputs)..];
        float[] plain = rows[..(Count * Inputs)];
        LoraLayer file = adapter.ToFile("layer");
        file.Merge(0, plain, s_shape.Rank, s_shape.Scale);
        Tensor merged = adapter.Merged();
        Numbers(merged).Zip(plain, (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThan(1e-6f);
        layer.Weight.narrow(0, Start, Count).copy_(merged);
        layer.Adapters.Clear();
        Numbers(layer.forward(x)).Zip(adapted, (a, b) => Math.Abs(a - b)).Max().ShouldBeLessThan(1e-5f);
        if (hasMagnitudes)
            Numbers((merged * merged).sum(1).sqrt()).Zip(Numbers(adapter.Magnitude!), (a, b) => Math.Abs(a - b)).Max()
                .ShouldBeLessThan(1e-5f);
    }

    [Fact]
    public void A_fused_kernel_is_not_used_for_an_adapted_layer()
    {
        Assert.SkipUnless(Bf16.IsSupported, "this processor has no kernels for bf16");
        using var random = new Generator(1, CPU);
        var layer = new FeedForward(32, 64, Atelier.Networks.ActivationName.Gelu, bias: true, Precision.Bf16, 0.1, 0.1,
            random);
        var norm = Norm.Create(Atelier.Networks.NormName.Layer, 32, bias: true, 1e-5);
        ISequenceLayer residual = new ResidualLayer(norm, layer, 0);
        int threads = get_num_threads();
        set_num_threads(1);
        try
        {
            using Tensor x = zeros(1, 4, 32);
            residual.KernelsFor(x, KernelContext.None).ShouldNotBeNull();
            using LowRankAdapter adapter =
                LowRankAdapter.Create(layer.Output, 0, 32, s_shape, hasMagnitudes: false, random);
            residual.KernelsFor(x, KernelContext.None).ShouldBeNull();
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    private static Linear NewLayer()
    {
        using var random = new Generator(3, CPU);
        return new Linear(Inputs, Outputs, bias: true, Precision.Fp32, 0.5, random);
    }

    /// <summary>An adapter whose B and magnitudes are not those of a new one.</summary>
    private static LowRankAdapter NewAdapter(Linear layer, bool hasMagnitudes)
    {
        using var random = new Generator(4, CPU);
        using var gradients = no_grad();
        LowRankAdapter adapter = LowRankAdapter.Create(layer, Start, Count, s_shape, hasMagnitudes, random);
        adapter.B.normal_(0, 0.5, random);
        adapter.Magnitude?.normal_(1, 0.2, random);
        return adapter;
    }

    private static float[] Numbers(Tensor tensor) => tensor.detach().contiguous().data<float>().ToArray();
}
