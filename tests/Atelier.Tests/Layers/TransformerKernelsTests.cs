using Atelier.Data.Pairs;
using Atelier.Kernels;
using Atelier.Layers;
using Atelier.Layers.Fused;
using Atelier.Models.Bert;
using Atelier.Models.Transformer;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Layers;

public sealed class TransformerKernelsTests : IDisposable
{
    private const int Vocabulary = 40;
    private readonly int _threads = get_num_threads();

    public TransformerKernelsTests() => set_num_threads(1);

    public void Dispose() => set_num_threads(_threads);

    public static MatrixTheoryData<bool, ActivationName, LayerPath> Variants =>
        new([false, true], [ActivationName.Relu, ActivationName.Silu], [LayerPath.Fused, LayerPath.LibraryProducts]);

    [Theory]
    [MemberData(nameof(Variants))]
    public void An_encoder_decoder_in_kernels_has_the_loss_and_the_gradients_of_the_plain_one(bool normFirst,
        ActivationName activation, LayerPath path)
    {
        Assert.SkipUnless(Bf16.IsSupported, "this processor lacks AVX-512");
        using var context = new StepContext { Dispatch = new LayerDispatch(path) }.Use();
        using var scope = NewDisposeScope();
        var config = new TransformerConfig
        {
            EncoderLayerCount = 2, DecoderLayerCount = 2, HeadCount = 2, HiddenSize = 64, FeedForwardSize = 96,
            ContextLength = 80, Dropout = 0, NormFirst = normFirst, Activation = activation,
        };
        using var kernels = new TransformerModel(config, null, Vocabulary, Precision.Bf16, seed: 5);
        using var plain = new TransformerModel(config, null, Vocabulary, Precision.Fp32, seed: 5);
        manual_seed(3);
        // sources of 70, 33 and 1 tokens, targets of 19
        Tensor source = randint(0, Vocabulary, [3, 70], ScalarType.Int64);
        Tensor padding = arange(70).unsqueeze(0) >= tensor(new long[] { 70, 33, 1 }).unsqueeze(1);
        Tensor ids = randint(0, Vocabulary, [3, 19], ScalarType.Int64);
        Tensor targets = randint(0, Vocabulary, [3, 19], ScalarType.Int64);

        Compare(kernels, plain, model => model.Head(model.Decode(ids, model.Encode(source, padding), padding, null)),
            targets);
        kernels.Encoder.Blocks[0].KernelsFor(ones(1, 5, 64), KernelContext.None)!.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData(false, 17)]
    [InlineData(true, 17)]
    [InlineData(true, 150)]
    public void An_encoder_with_its_norms_last_has_the_gradients_of_the_plain_one(bool isPadded, int time)
    {
        Assert.SkipUnless(Bf16.IsSupported, "this processor lacks AVX-512");
        using var scope = NewDisposeScope();
        var config = new BertConfig
        {
            LayerCount = 2, HeadCount = 2, HiddenSize = 64, FeedForwardSize = 128, ContextLength = 160, Dropout = 0,
            AttentionDropout = 0,
        };
        using var kernels = new BertModel(config, Vocabulary, Precision.Bf16, seed: 5);
        using var plain = new BertModel(config, Vocabulary, Precision.Fp32, seed: 5);
        manual_seed(3);
        Tensor ids = randint(0, Vocabulary, [2, time], ScalarType.Int64);
        Tensor targets = randint(0, Vocabulary, [2, time], ScalarType.Int64);
        Tensor? padding = isPadded ? arange(time).unsqueeze(0) >= tensor(new long[] { time, 3 }).unsqueeze(1) : null;
        if (padding is not null)
            targets = targets.FilledWhere(padding, -100);

        Compare(kernels, plain, model => model.Head(model.Encode(ids, padding)), targets);
    }

    [Theory]
    [InlineData(32, 2)]
    [InlineData(96, 2)]
    public void Attention_by_itself_in_a_kernel_has_the_results_and_gradients_of_the_plain_one(int width, int heads)
    {
        Assert.SkipUnless(Bf16.IsSupported, "this processor lacks AVX-512");
        using var scope = NewDisposeScope();
        using AttentionProduct product = new(causal: false), other = new(causal: false);
        MultiHeadAttention Layer(AttentionProduct of, Precision precision)
        {
            using var random = new Generator(4, CPU);
            return new MultiHeadAttention(new AttentionShape(width, heads, heads, width / heads, Bias: true,
                Dropout: 0), rotary: null, of, precision, 0.3, 0.3, random);
        }
        using MultiHeadAttention fused = Layer(product, Precision.Bf16), plain = Layer(other, Precision.Fp32);
        using var numbers = new Generator(5, CPU);
        Tensor x = randn([7, 16, width], generator: numbers), towards = randn([7, 16, width], generator: numbers);
        (Tensor, Tensor[]) Run(Func<Tensor, Tensor> forward, MultiHeadAttention layer)
        {
            Tensor input = x.clone().requires_grad_(true), output = forward(input);
            (output * towards).sum().backward();
            return (output.detach(), [input.grad!, .. layer.parameters().Select(parameter => parameter.grad!)]);
        }
        (Tensor y, Tensor[] own) = Run(fused.ForwardFused, fused);
        (Tensor expected, Tensor[] gradients) = Run(input => plain.Forward(input), plain);
        Near(y, expected);
        foreach ((Tensor gradient, Tensor like) in own.Zip(gradients))
            Near(gradient, like);

        static void Near(Tensor a, Tensor b) =>
            ((a - b).norm() / b.norm()).ToDouble().ShouldBeLessThan(0.04, "a share of bf16's precision");
    }

    [Fact]
    public void Dropout_of_the_share_remains_the_same_backwards_and_scales_what_it_keeps()
    {
        using var scope = NewDisposeScope();
        const double share = 0.3;
        using var random = new RandomStream();
        random.Seed(7);
        using IDisposable context = new StepContext { Random = random }.Use();
        Tensor x = ones(401, 499, requires_grad: true), y = Dropout.Apply(x, share);
        y.sum().backward();

        (x.grad! - y.detach()).abs().max().ToSingle().ShouldBe(0);
        y.max().ToSingle().ShouldBe((float)(1 / (1 - share)), 1e-6f);
        // five standard deviations of the share of 200,099 numbers
        (y == 0).to(ScalarType.Float64).mean().ToDouble().ShouldBe(share, 5 * Math.Sqrt(share * (1 - share) / 200_099));
        // neighbours in rows and columns are independent
        Tensor kept = (y > 0).to(ScalarType.Float64) - (1 - share);
        foreach (int dimension in (int[])[0, 1])
        {
            long size = kept.shape[dimension];
            Tensor product = kept.narrow(dimension, 0, size - 1) * kept.narrow(dimension, 1, size - 1);
            product.mean().ToDouble().ShouldBe(0, 5 * share * (1 - share) / Math.Sqrt(199_000));
        }
        (Dropout.Apply(x, share) - y).abs().max().ToSingle().ShouldBeGreaterThan(0);
        random.Seed(7);
        (Dropout.Apply(x, share) - y).abs().max().ToSingle().ShouldBe(0);
    }

    [Theory]
    [InlineData(true, LayerPath.Fused)]
    [InlineData(false, LayerPath.Fused)]
    [InlineData(true, LayerPath.LibraryProducts)]
    public void A_layer_in_kernels_drops_the_same_numbers_backwards(bool normFirst, LayerPath path)
    {
        Assert.SkipUnless(Bf16.IsSupported, "this processor lacks AVX-512");
        using var scope = NewDisposeScope();
        using var random = new RandomStream();
        using IDisposable context =
            new StepContext { Random = random, Dispatch = new LayerDispatch(path) }.Use();
        using var weights = new Generator(1, CPU);
        var shape = new BlockShape(32, 1, 32, 32) { Dropout = 0.5, AttentionDropout = 0.5, NormFirst = normFirst };
        using var product = new AttentionProduct(causal: false);
        using var block = new TransformerBlock(shape, product, null, Precision.Bf16, weights);
        var stack = new BlockStack([block]);
        Tensor x = randn([2, 16, 32], generator: weights).requires_grad_(true), direction = randn_like(x);
        float Loss(Tensor input)
        {
            random.Seed(3); // the same numbers are dropped
            return (stack.Forward(input) * direction).sum().ToSingle();
        }
        block.KernelsFor(x, KernelContext.None).ShouldNotBeNull();
        random.Seed(3);
        (stack.Forward(x) * direction).sum().backward();
        float slope = x.grad!.norm().ToSingle();
        Tensor step = 0.3f * x.grad! / slope; // uphill, where rounding matters least

        using (no_grad())
            ((Loss(x + step) - Loss(x - step)) / 0.6f).ShouldBe(slope, 0.05f * slope);
    }

    [Fact]
    public void Attention_in_kernels_drops_the_share_of_weights()
    {
        Assert.SkipUnless(Bf16.IsSupported, "this processor lacks AVX-512");
        using var scope = NewDisposeScope();
        using var random = new RandomStream();
        using IDisposable context = new StepContext { Random = random }.Use();
        using var weights = new Generator(1, CPU);
        using var product = new AttentionProduct(causal: false);
        const int time = 200, size = 16;
        const double share = 0.25;
        using var layer = new MultiHeadAttention(new AttentionShape(size, 1, 1, size, false, share), null, product,
            Precision.Bf16, 1, 1, weights);
        using (no_grad())
        {
            // queries are 0, so that all weights are alike; values and the results are the input
            layer.QueryKeyValue.Weight.zero_();
            layer.QueryKeyValue.Weight.narrow(0, 2 * size, size).copy_(eye(size));
            layer.Output.Weight.copy_(eye(size));
        }
        Tensor x = ones([4, time, size], ScalarType.BFloat16);
        // each result is the share of weights that is kept, divided by the share that is to be
        Tensor y = new MultiHeadAttentionKernel(layer).Forward(x, KernelContext.None, null).to(ScalarType.Float64);
        double deviation = Math.Sqrt(share / (1 - share) / time);
        y.mean().ToDouble().ShouldBe(1, (5 * deviation / Math.Sqrt(4 * time)) + 0.002);
        y.narrow(1, 0, 1).std().ToDouble().ShouldBe(deviation, deviation / 5);
    }

    /// <summary>
    /// Compares with fp32, where the tensor library's operators in bf16 give the error that rounding makes.
    /// </summary>
    private static void Compare<TModel>(TModel kernels, TModel plain, Func<TModel, Tensor> logits, Tensor targets)
        where TModel : nn.Module
    {
        FiniteDifferences.Scramble(kernels, 0.1);
        FiniteDifferences.Scramble(plain, 0.1); // by the same noise
        kernels.train();
        plain.train();
        (float expected, Dictionary<string, Tensor> wanted) = Learn(plain, logits, targets);
        (float actual, Dictionary<string, Tensor> given) = Learn(kernels, logits, targets);
        kernels.zero_grad();
        Dictionary<string, Tensor> rounded;
        using (new StepContext { Dispatch = new LayerDispatch(LayerPath.Reference) }.Use())
            (_, rounded) = Learn(kernels, logits, targets);

        actual.ShouldBe(expected, 0.01f * expected);
        float all = MathF.Sqrt(wanted.Values.Sum(gradient => gradient.square().sum().ToSingle()));
        foreach ((string name, Tensor gradient) in wanted)
            (given[name] - gradient).norm().ToSingle().ShouldBeLessThan(
                (1.5f * (rounded[name] - gradient).norm().ToSingle()) + (0.01f * gradient.norm().ToSingle())
                + (1e-3f * all), $"{name} {gradient.norm().ToSingle()}");
    }

    private static (float Loss, Dictionary<string, Tensor> Gradients) Learn<TModel>(TModel model,
        Func<TModel, Tensor> logits, Tensor targets)
        where TModel : nn.Module
    {
        Tensor loss = VocabularyHead.CrossEntropyOf(logits(model), targets, 0);
        loss.backward();
        return (loss.ToSingle(), model.named_parameters().DistinctBy(p => p.parameter.Handle)
            .Where(p => p.parameter.grad is not null).ToDictionary(p => p.name, p => p.parameter.grad!.clone()));
    }
}
