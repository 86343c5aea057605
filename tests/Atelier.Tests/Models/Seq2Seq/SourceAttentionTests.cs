using Atelier.Models.Seq2Seq;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Seq2Seq;

public sealed class SourceAttentionTests
{
    private const int Hidden = 4, Batch = 2, Time = 3, Span = 5;
    private static readonly int[] Lengths = [5, 3];

    [Theory]
    [InlineData(Seq2SeqAttention.Dot, false)]
    [InlineData(Seq2SeqAttention.Multiplicative, false)]
    [InlineData(Seq2SeqAttention.Additive, false)]
    [InlineData(Seq2SeqAttention.Additive, true)]
    public void Given_states_and_a_padded_source_then_weights_and_contexts_equal_those_of_plain_loops(
        Seq2SeqAttention kind, bool covers)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3, CPU);
        var config = new Seq2SeqConfig { HiddenSize = Hidden, Attention = kind, Coverage = covers };
        using var layer = new SourceAttention(config, Precision.Fp32, random);
        FiniteDifferences.Scramble(layer);
        layer.to(ScalarType.Float64);
        Tensor Normal(params long[] shape) => empty(shape, ScalarType.Float64).normal_(0, 1, random);
        Tensor states = Normal(Batch, Time, Hidden), source = Normal(Batch, Span, Hidden);
        Tensor? coverage = covers ? Normal(Batch, Span).abs() : null;
        Tensor padding = tensor(
            (bool[])[.. Lengths.SelectMany(n => Enumerable.Range(0, Span).Select(s => s >= n))], Batch, Span);

        (Tensor context, Tensor? weights) =
            layer.Attend(states, source, layer.Keys(source), padding, coverage, reports: true);

        (double[] h, double[] sources, double[] contexts, double[] shares) =
            (Values(states), Values(source), Values(context), Values(weights!.to(ScalarType.Float64)));
        Dictionary<string, double[]> matrices = layer.state_dict().ToDictionary(t => t.Key, t => Values(t.Value));
        for (int b = 0; b < Batch; b++)
        {
            for (int t = 0; t < Time; t++)
            {
                double[] state = h[(((b * Time) + t) * Hidden)..(((b * Time) + t + 1) * Hidden)];
                double[] scores = [.. Enumerable.Range(0, Lengths[b]).Select(s => Score(state,
                    sources[(((b * Span) + s) * Hidden)..(((b * Span) + s + 1) * Hidden)],
                    coverage is null ? 0 : Values(coverage)[(b * Span) + s]))];
                double total = scores.Sum(Math.Exp);
                for (int s = 0; s < Span; s++)
                {
                    double share = s < Lengths[b] ? Math.Exp(scores[s]) / total : 0;
                    shares[(((b * Time) + t) * Span) + s].ShouldBe(share, 1e-6); // reported in fp32
                }
                for (int i = 0; i < Hidden; i++)
                {
                    double expected = Enumerable.Range(0, Lengths[b])
                        .Sum(s => Math.Exp(scores[s]) / total * sources[(((b * Span) + s) * Hidden) + i]);
                    contexts[(((b * Time) + t) * Hidden) + i].ShouldBe(expected, 1e-12);
                }
            }
        }

        double Row(string name, int i, double[] x) => x.Select((v, j) => matrices[name][(i * x.Length) + j] * v).Sum();

        double Score(double[] state, double[] encoded, double covered) =>
            Enumerable.Range(0, Hidden).Sum(i => kind switch
            {
                Seq2SeqAttention.Dot => state[i] * encoded[i],
                Seq2SeqAttention.Multiplicative => state[i] * Row("key.weight", i, encoded),
                _ => matrices["score.weight"][i] * Math.Tanh(Row("query.weight", i, state) + matrices["query.bias"][i]
                    + Row("key.weight", i, encoded) + (covers ? matrices["coverage.weight"][i] * covered : 0)),
            });
    }

    private static double[] Values(Tensor tensor) => tensor.detach().contiguous().data<double>().ToArray();
}
