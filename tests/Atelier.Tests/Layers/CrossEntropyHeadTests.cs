using Atelier.Kernels;
using Atelier.Layers;
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

    [Theory]
    [InlineData(1024, true, 0.0, LayerPath.Fused)]
    [InlineData(1030, false, 0.1, LayerPath.Fused)]
    [InlineData(9000, true, 0.1, LayerPath.LibraryProducts)]
    public void The_divergence_of_two_predictions_and_its_gradients_are_those_of_autograd(int vocabulary, bool hasBias,
        double smoothing, LayerPath path)
    {
        using var context = new StepContext { Dispatch = new LayerDispatch(path) }.Use();
        const int rows = 600, width = 32;
        const double rDrop = 5;
        manual_seed(4);
        using var scope = NewDisposeScope();
        Tensor first = randn(rows, width);
        Tensor hidden = cat([first, first + randn(rows, width).mul(0.3)]).bfloat16().@float().requires_grad_();
        var weight = new Parameter(randn(vocabulary, width).mul(0.3).bfloat16().@float());
        Tensor? bias = hasBias ? randn(vocabulary).bfloat16().@float().requires_grad_() : null;
        Tensor targets = randint(0, vocabulary, [rows], ScalarType.Int64);
        targets[3] = tensor(-100L);
        targets = targets.repeat(2);
        Assert.SkipUnless(CrossEntropyHead.Serves(hidden, weight, Precision.Bf16), "this processor lacks AVX-512");
        Tensor[] inputs = bias is null ? [hidden, weight] : [hidden, weight, bias];

        Tensor plain = new VocabularyHead(weight, bias, Precision.Fp32).CrossEntropy(hidden, targets, smoothing, rDrop);
        plain.backward();
        Tensor[] expected = [.. inputs.Select(input => input.grad!.clone())];
        foreach (Tensor input in inputs)
            input.grad!.zero_();
        Tensor fused = new VocabularyHead(weight, bias, Precision.Bf16).CrossEntropy(hidden, targets, smoothing, rDrop);
        fused.backward();

        // both divergences by their definition, Σ p log(p/q), of each pair that counts
        Tensor logs = F.log_softmax(F.linear(hidden, weight, bias!), 1), p = logs[..rows], q = logs[rows..];
        Tensor both = (p.exp() * (p - q)).sum(1) + (q.exp() * (q - p)).sum(1);
        float divergence = (both.sum() - both[3]).ToSingle() / (rows - 1);
        divergence.ShouldBeGreaterThan(0.1f);
        Tensor logits = F.linear(hidden, weight, bias!);
        float entropy = F.cross_entropy(logits, targets, label_smoothing: smoothing).ToSingle();
        plain.ToSingle().ShouldBe(entropy + (float)(rDrop / 4 * divergence), 1e-3f);
        fused.ToSingle().ShouldBe(plain.ToSingle(), 0.01f);
        for (int i = 0; i < inputs.Length; i++)
        {
            float length = expected[i].norm().ToSingle();
            (inputs[i].grad! - expected[i]).norm().ToSingle().ShouldBeLessThan(0.015f * length, $"gradient {i}");
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
