using Atelier.Kernels;
using Atelier.Layers;
using Atelier.Models.Gpt;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Kernels;

public sealed class LayerDispatchTests : IDisposable
{
    private readonly int _threads = get_num_threads();

    public LayerDispatchTests() => set_num_threads(1);

    public void Dispose() => set_num_threads(_threads);

    [Theory]
    [InlineData(LayerPath.Fused)]
    [InlineData(LayerPath.Reference)]
    [InlineData(LayerPath.FusedAttention)]
    public void A_model_learns_the_same_on_every_path_and_the_path_tells_what_it_met(LayerPath path)
    {
        Assert.SkipUnless(Bf16.IsSupported, "this processor lacks AVX-512");
        using var scope = NewDisposeScope();
        using var random = new Generator(7, CPU);
        Tensor ids = randint(0, 40, [3, 32], generator: random);
        var config = new GptConfig { LayerCount = 2, HiddenSize = 64, HeadCount = 4, ContextLength = 32 };
        using var model = new GptModel(config, 40, Precision.Bf16, seed: 5);
        model.train();
        Tensor[] expected = Learn(model, ids); // no plan
        var dispatch = new LayerDispatch(path);
        Tensor[] actual;
        using (new StepContext { Dispatch = dispatch }.Use())
            actual = Learn(model, ids);
        for (int i = 0; i < expected.Length; i++)
            // bf16 has 8 bits
            (actual[i] - expected[i]).norm().ToSingle()
                .ShouldBeLessThan(0.05f * expected[i].norm().ToSingle() + 1e-6f, $"gradient {i}");
        dispatch.HasKernels.ShouldBeTrue();
        dispatch.HasAttention.ShouldBe(path != LayerPath.Fused);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fused_attention_gives_what_two_products_and_a_softmax_give(bool causal)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3, CPU);
        using var product = new AttentionProduct(causal);
        Tensor[] qkv =
            [.. Enumerable.Range(0, 3).Select(_ => randn([2, 3, 17, 8], generator: random).requires_grad_())];
        Tensor[] Attend(LayerPath path)
        {
            using var context = new StepContext { Dispatch = new LayerDispatch(path) }.Use();
            Tensor mixed = product.Attend(qkv[0], qkv[1], qkv[2], 0);
            mixed.sin().sum().backward();
            Tensor[] results = [mixed, .. qkv.Select(tensor => tensor.grad!.clone())];
            foreach (Tensor tensor in qkv)
                tensor.grad = null;
            return results;
        }

        foreach ((Tensor composed, Tensor fused) in Attend(LayerPath.Reference).Zip(Attend(LayerPath.FusedAttention)))
            fused.allclose(composed, 1e-4, 1e-5).ShouldBeTrue();
    }

    private static Tensor[] Learn(GptModel model, Tensor ids)
    {
        model.zero_grad();
        model.Loss(new Atelier.Data.Text.TextBatch(ids, ids.roll(1, 1))).backward();
        return [.. model.parameters().Select(p => p.grad!.clone())];
    }
}
