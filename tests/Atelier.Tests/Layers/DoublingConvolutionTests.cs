using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tests.Layers;

/// <summary>
/// Convolutions that double a picture, computed at its smaller size, compared with the library's operators at the
/// larger one in 64 bits.
/// </summary>
public sealed class DoublingConvolutionTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 5)]
    [InlineData(7, 4)]
    public void A_convolution_of_doubled_places_and_its_gradients_are_the_plain_ones(int height, int width) => Compare(
        [3, 4, height, width], [5, 4, 3, 3],
        (x, w, b) => DoublingConvolution.OfDoubled(x, w, b, Precision.Fp32),
        (x, w, b) => F.conv2d(F.interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Nearest), w, b,
            padding: [1, 1]));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 5)]
    [InlineData(7, 4)]
    public void A_transposed_convolution_and_its_gradients_are_the_plain_ones(int height, int width) => Compare(
        [3, 4, height, width], [4, 5, 4, 4],
        (x, w, b) => DoublingConvolution.Transposed(x, w, b, Precision.Fp32),
        (x, w, b) => F.conv_transpose2d(x, w, b, strides: [2, 2], padding: [1, 1]));

    [Fact]
    public void In_bf16_it_rounds_like_the_plain_one()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3, CPU);
        using var none = no_grad();
        Tensor x = randn([2, 16, 5, 6], generator: random).bfloat16().@float(),
            w = randn([8, 16, 3, 3], generator: random).mul(0.1), b = randn([8], generator: random);
        Tensor answer = DoublingConvolution.OfDoubled(x, w, b, Precision.Bf16);
        answer.dtype.ShouldBe(ScalarType.BFloat16);
        Tensor exact = F.conv2d(F.interpolate(x.@double(), scale_factor: [2, 2], mode: InterpolationMode.Nearest),
            w.@double(), b.@double(), padding: [1, 1]);
        (answer.@double() - exact).abs().max().ToDouble().ShouldBeLessThan(exact.abs().max().ToDouble() / 100);
    }

    private static void Compare(long[] pictures, long[] weights, Func<Tensor, Tensor, Tensor, Tensor> ours,
        Func<Tensor, Tensor, Tensor, Tensor> plain)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2, CPU);
        Tensor x = randn(pictures, generator: random).requires_grad_(),
            w = randn(weights, generator: random).requires_grad_(), b = randn([5], generator: random).requires_grad_();
        Tensor[] exact = [.. new[] { x, w, b }.Select(t => t.detach().@double().requires_grad_())];
        Tensor expected = plain(exact[0], exact[1], exact[2]), weighing = randn(expected.shape, generator: random);
        expected.mul(weighing).sum().backward();
        Tensor[] gradients = [.. exact.Select(t => t.grad!)];
        Tensor answer = ours(x, w, b);
        answer.mul(weighing).sum().backward();

        answer.shape.ShouldBe(expected.shape);
        Apart(answer, expected).ShouldBeLessThan(2e-5);
        foreach ((Tensor t, Tensor gradient) in new[] { x, w, b }.Zip(gradients))
            Apart(t.grad!, gradient).ShouldBeLessThan(1e-4);
        using var none = no_grad();
        Apart(ours(x, w, b), answer).ShouldBe(0, "without gradients");
    }

    private static double Apart(Tensor a, Tensor b) => a.detach().sub(b.detach()).abs().max().ToDouble();
}
