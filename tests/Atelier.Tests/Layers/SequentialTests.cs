using Atelier.Kernels;
using Atelier.Layers;
using Atelier.Layers.Fused;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Layers;

public sealed class SequentialTests : IDisposable
{
    private const int Hidden = 32;
    private readonly int _threads = get_num_threads();

    public SequentialTests() => set_num_threads(1);

    public void Dispose() => set_num_threads(_threads);

    [Fact]
    public void Given_layers_and_a_norm_then_each_adds_to_the_stream_and_the_norm_comes_last()
    {
        using var scope = NewDisposeScope();
        using var parts = new Parts(Precision.Fp32);
        Tensor x = randn(2, 5, Hidden);
        Tensor y = x + parts.Attention.Forward(parts.First.forward(x));
        y += parts.FeedForward.forward(parts.Second.forward(y));
        parts.Stack(0).Forward(x).allclose(parts.Last.forward(y), 1e-6, 1e-6).ShouldBeTrue();
    }

    [Fact]
    public void Given_kernels_then_values_and_gradients_are_those_of_the_reference_and_of_recomputed_layers()
    {
        Assert.SkipUnless(Bf16.IsSupported, "this processor lacks AVX-512");
        using var scope = NewDisposeScope();
        manual_seed(1);
        Tensor x = randn(2, 5, Hidden), weights = randn(2, 5, Hidden);
        int layers = 0;
        Tensor[] Learn(Precision precision, bool recompute)
        {
            using var parts = new Parts(precision);
            Tensor Count(Func<Tensor, Tensor> layer, Tensor input)
            {
                layers++;
                return layer(input);
            }
            Tensor input = x.clone().requires_grad_();
            Tensor y = parts.Stack(0).Forward(input, contexts: null, recompute ? Count : null);
            (y.to(ScalarType.Float32) * weights).sum().backward();
            return [y.to(ScalarType.Float32), input.grad!, .. parts.parameters().Select(p => p.grad!.clone())];
        }

        Tensor[] reference = Learn(Precision.Fp32, recompute: false), fused = Learn(Precision.Bf16, recompute: false);
        layers.ShouldBe(0);
        Tensor[] recomputed = Learn(Precision.Bf16, recompute: true);
        layers.ShouldBe(2);
        for (int i = 0; i < reference.Length; i++)
        {
            foreach (Tensor other in new[] { fused[i], recomputed[i] })
                // bf16 has 8 bits
                (other - reference[i]).norm().ToSingle().ShouldBeLessThan(0.03f * reference[i].norm().ToSingle());
        }
    }

    [Fact]
    public void Given_what_kernels_cannot_do_then_they_stand_aside()
    {
        Assert.SkipUnless(Bf16.IsSupported, "this processor lacks AVX-512");
        using var scope = NewDisposeScope();
        Tensor x = randn(2, 5, Hidden);
        using Parts causal = new(Precision.Bf16), open = new(Precision.Bf16, isCausal: false),
            scaled = new(Precision.Bf16, scale: 1);
        using var fp32 = new Parts(Precision.Fp32);
        Kernels(causal.Stack(0)).ShouldBe(3);
        Kernels(causal.Stack(0.1)).ShouldBe(3);
        Kernels(open.Stack(0)).ShouldBe(3);
        Kernels(scaled.Stack(0)).ShouldBe(0);
        Kernels(fp32.Stack(0)).ShouldBe(0);
        using (new StepContext { Dispatch = new LayerDispatch(LayerPath.Reference) }.Use())
            Kernels(causal.Stack(0)).ShouldBe(0);
        causal.eval();
        Kernels(causal.Stack(0)).ShouldBe(0);

        int Kernels(ISequenceLayer layer) => layer.KernelsFor(x, KernelContext.None)?.Count ?? 0;
    }

    [Fact]
    public void Given_a_context_then_attention_is_given_it_and_no_kernel_runs()
    {
        using var scope = NewDisposeScope();
        using var parts = new Parts(Precision.Bf16);
        Tensor x = randn(1, 4, Hidden), padding = zeros(1, 4, ScalarType.Bool);
        padding[0, 0] = true;
        Sequential stack = parts.Stack(0);
        Tensor padded = stack.Forward(x, new AttentionContext { Padding = padding });
        Tensor without = stack.Forward(x.narrow(1, 1, 3), new AttentionContext());
        padded.narrow(1, 1, 3).allclose(without, 0.02, 0.02).ShouldBeTrue();
        padded.allclose(stack.Forward(x).to(padded.dtype), 0.02, 0.02).ShouldBeFalse();
    }

    /// <summary>What a block of a Transformer is made of, with weights from one seed.</summary>
    private sealed class Parts : nn.Module
    {
        private readonly AttentionProduct _product;

        public Parts(Precision precision, bool isCausal = true, double? scale = null)
            : base("parts")
        {
            using var random = new Generator(4, CPU);
            _product = new AttentionProduct(isCausal, scale);
            First = Norm.Create(NormName.Layer, Hidden, bias: true, 1e-5);
            Attention = new MultiHeadAttention(new AttentionShape(Hidden, 2, 2, 16, Bias: true, Dropout: 0), null,
                _product, precision, 0.3, 0.3, random);
            Second = Norm.Create(NormName.Rms, Hidden, bias: true, 1e-5);
            FeedForward = new FeedForward(Hidden, 48, ActivationName.Gelu, bias: true, precision, 0.3, 0.3, random);
            Last = Norm.Create(NormName.Layer, Hidden, bias: false, 1e-5);
            register_module("first", First);
            register_module("attention", Attention);
            register_module("second", Second);
            register_module("feedForward", FeedForward);
            register_module("last", Last);
            FiniteDifferences.Scramble(this, 0.1);
        }

        public Norm First { get; }

        public MultiHeadAttention Attention { get; }

        public Norm Second { get; }

        public FeedForward FeedForward { get; }

        public Norm Last { get; }

        public Sequential Stack(double dropout) => new(
        [
            new ResidualLayer(First, Attention, dropout), new ResidualLayer(Second, FeedForward, dropout),
        ], Last);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _product.Dispose();
            base.Dispose(disposing);
        }
    }
}
