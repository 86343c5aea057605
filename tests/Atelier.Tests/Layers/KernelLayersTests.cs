using Atelier.Kernels;
using Atelier.Layers;
using Atelier.Layers.Fused;
using Atelier.Models.Gpt;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tests.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tests.Layers;

public sealed class KernelLayersTests : IDisposable
{
    private readonly int _threads = get_num_threads();

    public KernelLayersTests() => set_num_threads(1);

    public void Dispose() => set_num_threads(_threads);

    private static readonly (string Name, GptConfig Config)[] Configs =
    [
        ("GPT-2 with biases", new() { HiddenSize = 64, HeadCount = 4, ContextLength = 37 }),
        ("GPT-2 without",
            new() { HiddenSize = 128, HeadCount = 4, ContextLength = 64, Bias = false,
            Activation = ActivationName.GeluTanh }),
        ("Llama", new() { Layout = GptLayout.Llama, HiddenSize = 128, HeadCount = 4, ContextLength = 48,
            TieHead = true }),
        ("Llama with shared keys",
            new() { Layout = GptLayout.Llama, HiddenSize = 192, HeadCount = 6, KeyValueHeadCount = 2,
            ContextLength = 20 }),
        ("a long text", new() { HiddenSize = 64, HeadCount = 2, ContextLength = 150, Bias = false }),
        ("wide heads", new() { HiddenSize = 112, HeadCount = 1, ContextLength = 16 }),
    ];

    public static MatrixTheoryData<(string Name, GptConfig Config), LayerPath> Shapes =>
        new(Configs, [LayerPath.Fused, LayerPath.LibraryProducts]);

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_model_in_kernels_has_the_loss_and_the_gradients_of_the_plain_one((string Name,
        GptConfig Config) shape, LayerPath path)
    {
        using var context = new StepContext { Dispatch = new LayerDispatch(path) }.Use();
        GptConfig config = shape.Config;
        Assert.SkipUnless(Bf16Supported, "this processor lacks AVX-512");
        const int vocabulary = 50, batch = 3;
        using var scope = NewDisposeScope();
        config = config with { LayerCount = 2 };
        using var kernels = new GptModel(config, vocabulary, Precision.Bf16, seed: 5);
        using var plain = new GptModel(config, vocabulary, Precision.Fp32, seed: 5);
        FiniteDifferences.Scramble(kernels, 0.1);
        FiniteDifferences.Scramble(plain, 0.1); // by the same noise
        kernels.train();
        plain.train();
        using Tensor probe = ones(1, config.ContextLength, config.HiddenSize);
        ((ISequenceLayer)kernels.Blocks[0].Layers).KernelsFor(probe, KernelContext.None).ShouldNotBeNull(shape.Name);
        ((ISequenceLayer)plain.Blocks[0].Layers).KernelsFor(probe, KernelContext.None).ShouldBeNull(shape.Name);
        manual_seed(3);
        Tensor ids = randint(0, vocabulary, [batch, config.ContextLength], ScalarType.Int64);
        Tensor targets = randint(0, vocabulary, [batch, config.ContextLength], ScalarType.Int64);

        (float expected, Dictionary<string, Tensor> wanted) = Learn(plain, ids, targets);
        (float actual, Dictionary<string, Tensor> given) = Learn(kernels, ids, targets);

        actual.ShouldBe(expected, 0.01f);
        foreach ((string name, Tensor gradient) in wanted)
            // bf16 has 8 bits
            (given[name] - gradient).norm().ToSingle().ShouldBeLessThan(0.03f * gradient.norm().ToSingle(), name);
    }

    private static bool Bf16Supported => Bf16.IsSupported;

    private static (float Loss, Dictionary<string, Tensor> Gradients) Learn(GptModel model, Tensor ids, Tensor targets)
    {
        Tensor logits = model.Head(model.Encode(ids, null)).to(ScalarType.Float32);
        Tensor loss = F.cross_entropy(logits.reshape(-1, logits.shape[^1]), targets.reshape(-1));
        loss.backward();
        return (loss.ToSingle(),
            model.named_parameters().DistinctBy(p => p.parameter.Handle)
            .ToDictionary(p => p.name, p => p.parameter.grad!));
    }
}
