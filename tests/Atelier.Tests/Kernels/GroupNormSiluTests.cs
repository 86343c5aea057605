using Atelier.Kernels;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tests.Kernels;

/// <summary>Normalising, scaling and SiLU in one, beside one operation after the other.</summary>
public sealed class GroupNormSiluTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 4, 4, true)] // a register a channel
    [InlineData(ScalarType.Float32, 7, 7, false)] // one place more than three registers
    [InlineData(ScalarType.Float32, 5, 9, true)]
    [InlineData(ScalarType.BFloat16, 14, 14, true)]
    [InlineData(ScalarType.BFloat16, 7, 7, false)]
    public void The_result_and_its_gradients_are_those_of_the_plain_operations(ScalarType type, int height, int width,
        bool own)
    {
        const int batch = 3, channels = 24, groups = 8;
        manual_seed(4);
        using var scope = NewDisposeScope();
        // Numbers that bf16 holds exactly, so that both ways see the same ones; a mean far from zero, where sums of
        // squares would fail.
        Tensor x = randn(batch, channels, height, width).mul(2).add(5).bfloat16().to(type).requires_grad_();
        Tensor a = randn(own ? batch : 1, channels).requires_grad_(),
            b = randn(own ? batch : 1, channels).requires_grad_();
        Assert.SkipUnless(GroupNormSilu.Serves(x), "this processor lacks AVX-512");
        Tensor down = randn(batch, channels, height, width).bfloat16();

        Tensor wide = x.detach().@double().requires_grad_(), plain = Plain(wide, a, b, groups);
        plain.backward([down.@double()]);
        Tensor[] expected = [wide.grad!.clone(), a.grad!.clone(), b.grad!.clone()];
        a.grad!.zero_();
        b.grad!.zero_();
        Tensor fused = GroupNormSilu.Apply(x, a, b, groups, 1e-5);
        fused.backward([down.to(type)]);

        double allowed = type == ScalarType.Float32 ? 2e-6 : 0.004; // bf16 has 8 bits
        Apart(fused, plain).ShouldBeLessThan(allowed);
        foreach ((Tensor gradient, Tensor wanted) in new[] { x.grad!, a.grad!, b.grad! }.Zip(expected))
            Apart(gradient, wanted).ShouldBeLessThan(allowed);
        using var none = no_grad();
        Apart(GroupNormSilu.Apply(x, a, b, groups, 1e-5), fused).ShouldBe(0, "without gradients");
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        using Tensor x = randn(2, 8, 4, 4).requires_grad_(), a = ones(1, 8).requires_grad_(),
            b = zeros(1, 8).requires_grad_();
        Assert.SkipUnless(GroupNormSilu.Serves(x), "this processor lacks AVX-512");
        Step();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 20; i++)
            Step();
        (DisposeScopeManager.Statistics.ThreadTotalLiveCount - before).ShouldBeLessThanOrEqualTo(0);

        void Step()
        {
            using var scope = NewDisposeScope();
            GroupNormSilu.Apply(x, a, b, 4, 1e-5).sum().backward();
        }
    }

    private static double Apart(Tensor one, Tensor other) =>
        (one.@double() - other.@double()).norm().ToDouble() / other.@double().norm().ToDouble();

    private static Tensor Plain(Tensor x, Tensor a, Tensor b, long groups) =>
        F.silu((F.group_norm(x, groups) * a.@double().unsqueeze(-1).unsqueeze(-1))
            + b.@double().unsqueeze(-1).unsqueeze(-1));
}
