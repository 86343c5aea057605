using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tests.Layers;

public sealed class InitialWeightTests
{
    /// <summary>Glorot and Bengio (2010), eq. 16; queries, keys, values count as one matrix, as in PyTorch.</summary>
    [Fact]
    public void Attention_begins_with_the_weights_of_one_matrix_of_queries_keys_and_values()
    {
        const int size = 128;
        using var random = new Generator(5, CPU);
        using AttentionProduct self = new(), cross = new(causal: false);
        using var block = new TransformerBlock(new BlockShape(size, 4, size / 4, 2 * size), self, cross,
            Precision.Fp32, random);
        Deviation(block.Attention.QueryKeyValue).ShouldBe(Math.Sqrt(2.0 / (4 * size)), 1e-3);
        Deviation(block.CrossAttention!.SourceKeyValue!).ShouldBe(Math.Sqrt(2.0 / (4 * size)), 1e-3);
        Deviation(block.Attention.Output).ShouldBe(Math.Sqrt(2.0 / (2 * size)), 2e-3);
        Deviation(block.FeedForward.Input).ShouldBe(Math.Sqrt(2.0 / (3 * size)), 2e-3);

        static double Deviation(Linear layer) => layer.Weight.detach().std().item<float>();
    }
}
