using Atelier.Layers;
using Atelier.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Layers;

public sealed class AttentionProductTests
{
    [Theory]
    [InlineData(3, 3, 5, 5)]
    [InlineData(4, 2, 5, 5)]
    [InlineData(6, 1, 4, 4)]
    [InlineData(4, 2, 1, 7)]
    [InlineData(4, 4, 3, 7)]
    public void Given_random_queries_keys_and_values_then_the_result_is_that_of_a_plain_loop(int heads,
        int keyValueHeads, int time, int span)
    {
        const int batch = 2, size = 4;
        using var scope = NewDisposeScope();
        using var random = new Generator(3, CPU);
        Tensor q = empty(heads, batch, span, size, ScalarType.Float64).normal_(0, 1, random);
        Tensor k = empty(keyValueHeads, batch, span, size, ScalarType.Float64).normal_(0, 1, random);
        Tensor v = empty(keyValueHeads, batch, span, size, ScalarType.Float64).normal_(0, 1, random);
        using var product = new AttentionProduct();
        Tensor actual = product.Attend(q.narrow(2, span - time, time), k, v, dropout: 0);
        actual.shape.ShouldBe([heads, batch, time, size]);
        for (int b = 0; b < batch; b++)
        {
            double[][] expected =
                PlainTransformer.Attention(Places(q, b), Places(k, b), Places(v, b), heads, keyValueHeads);
            double[][] mixed = Places(actual, b);
            for (int t = 0; t < time; t++)
            {
                for (int i = 0; i < mixed[t].Length; i++)
                    mixed[t][i].ShouldBe(expected[span - time + t][i], 1e-12);
            }
        }
    }

    [Fact]
    public void Given_several_threads_then_each_has_the_results_that_it_has_alone()
    {
        const int threads = 4, rounds = 60;
        using var scope = NewDisposeScope();
        using var random = new Generator(5, CPU);
        Tensor[] inputs = [.. Enumerable.Range(0, threads).Select(i =>
            randn([2, 3, 4 + i, 4], generator: random))];
        using var product = new AttentionProduct();
        Tensor[] expected = [.. inputs.Select(x => product.Attend(x, x, x, dropout: 0))];
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, thread =>
        {
            for (int round = 0; round < rounds; round++) // each time of another length than the one before
            {
                using var own = NewDisposeScope();
                int i = (thread + round) % threads;
                product.Attend(inputs[i], inputs[i], inputs[i], dropout: 0).allclose(expected[i], 0, 0)
                    .ShouldBeTrue();
            }
        });
    }

    [Theory]
    [InlineData(3, 3)]
    [InlineData(4, 2)]
    public void Given_no_order_then_each_query_finds_what_it_would_as_the_last_one(int heads, int keyValueHeads)
    {
        const int batch = 2, places = 5, size = 4;
        using var scope = NewDisposeScope();
        using var random = new Generator(4, CPU);
        Tensor q = empty(heads, batch, places, size, ScalarType.Float64).normal_(0, 1, random);
        Tensor k = empty(keyValueHeads, batch, places, size, ScalarType.Float64).normal_(0, 1, random);
        Tensor v = empty(keyValueHeads, batch, places, size, ScalarType.Float64).normal_(0, 1, random);
        using AttentionProduct all = new(causal: false), causal = new();
        Tensor actual = all.Attend(q, k, v, dropout: 0);
        for (int place = 0; place < places; place++)
            actual.narrow(2, place, 1).sub(causal.Attend(q.narrow(2, place, 1), k, v, dropout: 0)).abs().max()
                .ToDouble().ShouldBeLessThan(1e-12);
    }

    [Fact]
    public void Given_no_dropout_in_evaluation_and_some_in_training_then_kept_weights_grow_by_the_share_kept()
    {
        using var scope = NewDisposeScope();
        Tensor q = zeros(1, 1, 400, 2), v = ones(1, 1, 400, 2);
        using var product = new AttentionProduct();
        product.Attend(q, q, v, dropout: 0)
            .ShouldSatisfyAllConditions(t => t.min().ToSingle().ShouldBe(1, 1e-5f),
            t => t.max().ToSingle().ShouldBe(1, 1e-5f));
        manual_seed(1);
        product.Attend(q, q, v, dropout: 0.25).mean().ToSingle().ShouldBe(1, 0.03f); // unbiased
    }

    /// <summary>[heads, batch, time, size] → of one batch row, [time][heads · size].</summary>
    private static double[][] Places(Tensor x, int row) =>
        [.. x.select(1, row).permute(1, 0, 2).flatten(1).unbind(0)
            .Select(t => t.contiguous().data<double>().ToArray())];
}
