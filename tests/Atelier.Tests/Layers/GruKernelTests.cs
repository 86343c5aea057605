using Atelier.Kernels;
using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Layers;

public sealed class GruKernelTests : IDisposable
{
    private readonly int _threads = get_num_threads();

    public GruKernelTests() => set_num_threads(1);

    public void Dispose() => set_num_threads(_threads);

    [Theory]
    [InlineData(1, 1, LayerPath.Fused)]
    [InlineData(3, 7, LayerPath.Fused)]
    [InlineData(5, 20, LayerPath.Fused)]
    [InlineData(5, 20, LayerPath.LibraryProducts)]
    [InlineData(1, 1, LayerPath.Fused, true)]
    [InlineData(5, 20, LayerPath.Fused, true)]
    [InlineData(5, 20, LayerPath.LibraryProducts, true)]
    public void A_layer_in_kernels_gives_the_states_and_the_gradients_of_libtorchs(int batch, int time, LayerPath path,
        bool startsFromState = false)
    {
        using var context = new StepContext { Dispatch = new LayerDispatch(path) }.Use();
        Assert.SkipUnless(Bf16.IsSupported, "this processor lacks AVX-512");
        using var scope = NewDisposeScope();
        using var random = new Generator(2, CPU);
        using var again = new Generator(2, CPU);
        using var kernels = new RecurrentLayer(CellName.Gru, 48, 32, Precision.Bf16, random);
        using var plain = new RecurrentLayer(CellName.Gru, 48, 32, Precision.Fp32, again);
        FiniteDifferences.Scramble(kernels, 0.2);
        FiniteDifferences.Scramble(plain, 0.2); // by the same noise
        Tensor x = randn(batch, time, 48), weights = randn(batch, time, 32);
        Tensor first = x.clone().requires_grad_(), second = x.clone().requires_grad_();
        Tensor state = randn(1, batch, 32);
        Tensor ownState = state.clone().requires_grad_(), otherState = state.clone().requires_grad_();

        Tensor actual = startsFromState ? kernels.Forward(first, new RecurrentState(ownState, ownState)).Output
            : kernels.Forward(first, cache: null);
        Tensor expected = plain.Forward(second, startsFromState ? new(otherState, otherState) : plain.EmptyState(batch))
            .Output;
        actual.dtype.ShouldBe(ScalarType.BFloat16);
        (actual.to(ScalarType.Float32) * weights).sum().backward();
        (expected * weights).sum().backward();
        if (startsFromState)
            ShouldBeClose(ownState.grad!, otherState.grad!, "state");

        ShouldBeClose(actual.to(ScalarType.Float32), expected, "states");
        ShouldBeClose(first.grad!, second.grad!, "input");
        foreach (((string name, TorchSharp.Modules.Parameter own),
            (_, TorchSharp.Modules.Parameter other)) in kernels.named_parameters().Zip(plain.named_parameters()))
            ShouldBeClose(own.grad!, other.grad!, name);
    }

    private static void ShouldBeClose(Tensor actual, Tensor expected, string name)
    {
        actual.shape.ShouldBe(expected.shape, name);
        float length = expected.norm().ToSingle(), error = (actual - expected).norm().ToSingle();
        error.ShouldBeLessThan((0.02f * length) + 1e-6f, name); // bf16 has 8 bits
    }
}
