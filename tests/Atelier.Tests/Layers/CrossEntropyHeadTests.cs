using Atelier.Kernels;
using Atelier.Layers.Fused;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tests.Layers;

public sealed class CrossEntropyHeadTests : IDisposable
{
    private readonly int _threads = get_num_threads();

    public CrossEntropyHeadTests() => set_num_threads(1);

    public void Dispose() => set_num_threads(_threads);

    [Theory]
    [InlineData(1024, true, 0.0, 1, LayerPath.Fused)]
    [InlineData(1030, false, 0.1, 0.5, LayerPath.Fused)] // a vocabulary that does not fill the last register
    [InlineData(9000, true, 0.1, 0.25, LayerPath.Fused)] // rows taken in two parts
    [InlineData(1030, true, 0.1, 0.5, LayerPath.LibraryProducts)]
    [InlineData(9000, false, 0.0, 1, LayerPath.LibraryProducts)]
    public void The_loss_and_its_gradients_are_those_of_the_product_and_the_cross_entropy(int vocabulary, bool hasBias,
        double smoothing, double told, LayerPath path)
    {
        using var context = new StepContext { Dispatch = new LayerDispatch(path) }.Use();
        const int rows = 2000, width = 32;
        manual_seed(4);
        using var scope = NewDisposeScope();
        // Numbers that bf16 holds exactly, so that both ways see the same ones.
        Tensor hidden = randn(rows / 4, 4, width).bfloat16().@float().requires_grad_();
        var weight = new Parameter(randn(vocabulary, width).mul(0.3).bfloat16().@float());
        Tensor? bias = hasBias ? randn(vocabulary).bfloat16().@float().requires_grad_() : null;
        Tensor targets = randint(0, vocabulary, [rows / 4, 4], ScalarType.Int64);
        targets[0] = tensor(-100L); // places that do not count
        Assert.SkipUnless(CrossEntropyHead.Serves(hidden, weight, Precision.Bf16), "this processor lacks AVX-512");
        Tensor[] inputs = bias is null ? [hidden, weight] : [hidden, weight, bias];

        Tensor plain = F.cross_entropy(F.linear(hidden, weight, bias!).view(-1, vocabulary), targets.view(-1),
            label_smoothing: smoothing);
        (plain * 0.5f).backward();
        Tensor[] expected = [.. inputs.Select(input => input.grad!.clone())];
        foreach (Tensor input in inputs)
            input.grad!.zero_();
        Tensor fused;
        using ((StepContext.Current with { LossWeight = told }).Use()) // the right factor or another
            fused = CrossEntropyHead.Loss(hidden, weight, bias, targets, smoothing);
        (fused * 0.5f).backward();

        fused.ToSingle().ShouldBe(plain.ToSingle(), 2e-3f);
        for (int i = 0; i < inputs.Length; i++)
        {
            float length = expected[i].norm().ToSingle();
            // bf16 has 8 bits
            (inputs[i].grad! - expected[i]).norm().ToSingle().ShouldBeLessThan(0.01f * length, $"gradient {i}");
        }
    }

    [Fact]
    public void Without_gradients_or_in_fp32_it_stands_aside()
    {
        using var scope = NewDisposeScope();
        Tensor hidden = randn(4, 8).requires_grad_(), weight = randn(2000, 8).requires_grad_();
        CrossEntropyHead.Serves(hidden, weight, Precision.Fp32).ShouldBeFalse();
        using var none = no_grad();
        CrossEntropyHead.Serves(hidden, weight, Precision.Bf16).ShouldBeFalse();
    }
}
