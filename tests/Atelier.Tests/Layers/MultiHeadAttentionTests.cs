using Atelier.Kernels;
using Atelier.Layers;
using Atelier.Tensors;
using Atelier.Tests.Models;
using CsCheck;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Tests.Layers;

public sealed class MultiHeadAttentionTests
{
    private const int Batch = 2, Time = 5, Span = 7, Hidden = 6, SourceSize = 10, HeadSize = 4;
    private const double Theta = 100;

    private static readonly Gen<Features> AnyFeatures =
        from kind in AnyOf("cross", "causal", "open")
        from shared in AnyOf(1, 2, 4)
        from biases in Gen.Bool
        from rotary in Gen.Bool
        from padding in AnyOf("none", "left", "right", "whole")
        from bias in AnyOf("none", "heads", "shared")
        from scale in AnyOf<double?>(null, 1, 0.375)
        select new Features(kind, shared, biases, rotary && kind != "cross", padding, bias, scale);

    public static TheoryData<Features> Some =>
    [
        new Features("causal", 1, true, false, "none", "none"),
        new Features("causal", 2, false, true, "right", "heads"),
        new Features("causal", 4, true, true, "left", "shared"),
        new Features("open", 1, true, false, "whole", "heads"),
        new Features("open", 1, false, false, "right", "heads", Scale: 1), // T5's encoder
        new Features("causal", 1, false, false, "none", "heads", Scale: 1), // and its decoder
        new Features("open", 2, false, true, "none", "shared"),
        new Features("cross", 1, true, false, "right", "none"),
        new Features("cross", 4, false, false, "whole", "heads"),
        new Features("cross", 2, true, false, "none", "shared"),
    ];

    [Fact]
    public void Given_any_features_then_the_result_is_that_of_a_plain_loop() => AnyFeatures.Sample(features =>
    {
        using var scope = NewDisposeScope();
        using var probe = new Probe(features);
        // the tables of rotary positions are fp32
        ShouldBeNear(probe.Forward(), probe.Plain(), features.Rotary ? 1e-6 : 1e-12);
    }, iter: 150, threads: 1);

    [Theory]
    [MemberData(nameof(Some))]
    public void Given_features_then_gradients_are_those_of_finite_differences(Features features)
    {
        using var scope = NewDisposeScope();
        using var probe = new Probe(features);
        FiniteDifferences.ShouldMatchGradients(probe, () => (probe.Forward() * probe.Weights).sum());
    }

    [Theory]
    [InlineData(1, false, "none")]
    [InlineData(2, true, "none")]
    [InlineData(4, true, "left")]
    public void Given_a_cache_then_a_sequence_read_in_pieces_gives_what_the_whole_one_does(int group, bool rotary,
        string padding)
    {
        using var scope = NewDisposeScope();
        using var probe = new Probe(new Features("causal", group, true, rotary, padding, "none"));
        Tensor whole = probe.Forward();
        using var cache = new KeyValueCache();
        var parts = new List<Tensor>();
        foreach ((int start, int count) in new[] { (0, 2), (2, 1), (3, 2) })
        {
            parts.Add(probe.Layer.Forward(probe.X.narrow(1, start, count), new AttentionContext
            {
                Cache = cache, Padding = probe.Padding?.narrow(1, 0, start + count),
            }));
        }
        cat(parts, 1).allclose(whole, 0, 1e-12).ShouldBeTrue();
        cache.Length.ShouldBe(Time);
    }

    [Fact]
    public void Given_a_source_and_a_cache_then_the_source_is_read_once()
    {
        using var scope = NewDisposeScope();
        using var probe = new Probe(new Features("cross", 2, true, false, "right", "none"));
        Tensor whole = probe.Forward();
        using var cache = new KeyValueCache();
        Tensor first = probe.Layer.Forward(probe.X.narrow(1, 0, 2), probe.Context with { Cache = cache });
        Tensor rest = probe.Layer.Forward(probe.X.narrow(1, 2, 3), new AttentionContext
        {
            Cache = cache, Padding = probe.Padding,
        });
        cat([first, rest], 1).allclose(whole, 0, 1e-12).ShouldBeTrue();
        cache.Length.ShouldBe(Span);
    }

    [Theory]
    [InlineData("causal", "none", "heads")]
    [InlineData("causal", "left", "none")]
    [InlineData("causal", "right", "shared")]
    [InlineData("causal", "none", "none", 0.375)]
    [InlineData("open", "whole", "none")]
    [InlineData("open", "right", "heads", 1.0)]
    [InlineData("cross", "none", "none")]
    [InlineData("cross", "right", "heads")]
    public void Given_the_library_s_fused_attention_then_results_and_gradients_are_those_of_the_reference(string kind,
        string padding, string bias, double? scale = null)
    {
        using var scope = NewDisposeScope();
        Tensor[] Learn(LayerPath path)
        {
            var dispatch = new LayerDispatch(path);
            using var context = new StepContext { Dispatch = dispatch }.Use();
            using var probe = new Probe(new Features(kind, 1, true, false, padding, bias, scale));
            Tensor y = probe.Forward();
            (y * probe.Weights).sum().backward();
            dispatch.HasAttention.ShouldBeTrue();
            return [y, .. probe.parameters().Select(p => p.grad!.clone())];
        }

        foreach ((Tensor fused, Tensor reference) in Learn(LayerPath.FusedAttention).Zip(Learn(LayerPath.Reference)))
            fused.allclose(reference, 1e-9, 1e-9).ShouldBeTrue();
    }

    [Fact]
    public void Given_self_or_cross_attention_then_weights_keep_their_names()
    {
        using var self = new Probe(new Features("causal", 1, true, false, "none", "none"));
        using var cross = new Probe(new Features("cross", 1, false, false, "none", "none"));
        ModuleTensors.Distinct(self.Layer).Keys.ShouldBe(["qkv.weight", "qkv.bias", "output.weight", "output.bias"]);
        ModuleTensors.Distinct(cross.Layer).Keys.ShouldBe(["query.weight", "keyValue.weight", "output.weight"]);
    }

    [Fact]
    public void Given_cross_attention_with_an_order_or_without_a_source_then_it_is_refused()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1, CPU);
        using AttentionProduct causal = new(), open = new(causal: false);
        var shape = new AttentionShape(Hidden, 2, 2, HeadSize, Bias: false, Dropout: 0, SourceSize);
        using var rotary = new RotaryPositions(HeadSize, Time, Theta);
        MultiHeadAttention Make(RotaryPositions? positions, AttentionProduct product) =>
            new(shape, positions, product, Precision.Fp32, 1, 1, random);
        Should.Throw<ArgumentException>(() => Make(null, causal));
        Should.Throw<ArgumentException>(() => Make(rotary, open));
        using MultiHeadAttention layer = Make(null, open);
        Should.Throw<ArgumentNullException>(() => layer.Forward(zeros(1, 2, Hidden)));
    }

    private static Gen<T> AnyOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static void ShouldBeNear(Tensor actual, double[][][] expected, double tolerance)
    {
        for (int b = 0; b < expected.Length; b++)
        {
            double[][] rows = PlainAttention.Rows(actual[b]);
            for (int t = 0; t < rows.Length; t++)
                rows[t].Zip(expected[b][t], (x, y) => Math.Abs(x - y)).Max().ShouldBeLessThan(tolerance);
        }
    }

    /// <summary>What a layer is given.</summary>
    public sealed record Features(string Kind, int Group, bool Biases, bool Rotary, string Padding, string Bias,
        double? Scale = null);

    /// <summary>A layer in fp64 and its inputs, all of them parameters.</summary>
    private sealed class Probe : nn.Module
    {
        private const int Heads = 4;
        private readonly Features _features;
        private readonly AttentionProduct _product;
        private readonly RotaryPositions? _rotary;

        public Probe(Features features)
            : base("probe")
        {
            _features = features;
            bool isCross = features.Kind == "cross";
            using var random = new Generator(9, CPU);
            _product = new AttentionProduct(features.Kind == "causal", features.Scale);
            _rotary = features.Rotary ? new RotaryPositions(HeadSize, Time, Theta) : null;
            Layer = new MultiHeadAttention(
                new AttentionShape(Hidden, Heads, Heads / features.Group, HeadSize, features.Biases, Dropout: 0,
                    isCross ? SourceSize : null), _rotary, _product, Precision.Fp32, 0.5, 0.5, random);
            FiniteDifferences.Scramble(Layer);
            Layer.to(ScalarType.Float64);
            Tensor Draw(params long[] shape) => empty(shape, ScalarType.Float64).normal_(0, 1, random);
            int span = isCross ? Span : Time;
            X = new Parameter(Draw(Batch, Time, Hidden));
            Source = isCross ? new Parameter(Draw(Batch, Span, SourceSize)) : null;
            Bias = features.Bias switch
            {
                "heads" => new Parameter(Draw(Heads, 1, Time, span)), // as T5's
                "shared" => new Parameter(Draw(1, Batch, 1, span)),
                _ => null,
            };
            Weights = Draw(Batch, Time, Hidden);
            Padding = features.Padding == "none" ? null : zeros(Batch, span, ScalarType.Bool);
            if (features.Padding == "left")
                Padding![1].narrow(0, 0, 2).fill_(true);
            if (features.Padding == "right")
                Padding![1].narrow(0, span - 2, 2).fill_(true);
            if (features.Padding == "whole")
                Padding![1].fill_(true);
            register_module("layer", Layer);
            foreach ((string name, Parameter? input) in new[] { ("x", X), ("source", Source), ("bias", Bias) })
            {
                if (input is not null)
                    register_parameter(name, input);
            }
        }

        public MultiHeadAttention Layer { get; }

        public Parameter X { get; }

        public Parameter? Source { get; }

        public Parameter? Bias { get; }

        public Tensor? Padding { get; }

        public Tensor Weights { get; }

        public AttentionContext Context => new() { Source = Source, Padding = Padding, Bias = Bias };

        public Tensor Forward() => Layer.Forward(X, Context);

        /// <summary>The same, loop by loop: [batch][time][hidden].</summary>
        public double[][][] Plain() => [.. Enumerable.Range(0, Batch).Select(PlainRow)];

        private double[][] PlainRow(int b)
        {
            double[][] x = PlainAttention.Rows(X[b]), from = Source is null ? x : PlainAttention.Rows(Source[b]);
            int queries = Heads * HeadSize, keys = queries / _features.Group;
            double[][] q = Product(x, Layer.QueryKeyValue, 0, queries);
            double[][] k = Source is null ? Product(x, Layer.QueryKeyValue, queries, keys)
                : Product(from, Layer.SourceKeyValue!, 0, keys);
            double[][] v = Source is null ? Product(x, Layer.QueryKeyValue, queries + keys, keys)
                : Product(from, Layer.SourceKeyValue!, keys, keys);
            if (_features.Rotary)
            {
                q = [.. q.Select((row, t) => PlainAttention.Rotate(row, t, HeadSize, Theta))];
                k = [.. k.Select((row, t) => PlainAttention.Rotate(row, t, HeadSize, Theta))];
            }
            bool[]? padding = Padding?[b].data<bool>().ToArray();
            bool Sees(int t, int s) => !(padding?[s] ?? false) && (_features.Kind != "causal" || s <= t);
            double BiasAt(int h, int t, int s) => Bias is null ? 0 : Bias[
                Bias.shape[0] == 1 ? 0 : h, Bias.shape[1] == 1 ? 0 : b, Bias.shape[2] == 1 ? 0 : t, s].ToDouble();
            double[][] mixed = PlainAttention.Mix(q, k, v, Heads, Heads / _features.Group, Sees, BiasAt,
                _features.Scale);
            return Product(mixed, Layer.Output, 0, Hidden);
        }

        private static double[][] Product(double[][] x, Atelier.Layers.Linear linear, int start, int count)
        {
            double[][] weight = PlainAttention.Rows(linear.Weight.narrow(0, start, count));
            double[]? bias = linear.Bias?.narrow(0, start, count).detach().data<double>().ToArray();
            return [.. x.Select(row => PlainAttention.Product(row, weight, bias))];
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _product.Dispose();
                _rotary?.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
