using Atelier.Kernels;
using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Training.Optimizers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Tests.Training;

/// <summary>Every rule against its equations, worked out one number at a time in double precision.</summary>
public sealed class OptimizerTests
{
    private const int Steps = 7;

    /// <summary>One parameter number's update: its state, the gradient, the rate; answers the new value.</summary>
    private delegate double Rule(double[] state, double value, double gradient, double decay, int step);

    private const double Rate = 0.02, Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-6, Momentum = 0.7, Decay = 0.3;

    [Theory]
    [InlineData(OptimizerName.Sgd, 0.0, false)]
    [InlineData(OptimizerName.FullBatch, 0.0, false)]
    [InlineData(OptimizerName.Sgd, Momentum, false)]
    [InlineData(OptimizerName.Sgd, Momentum, true)]
    [InlineData(OptimizerName.Adam, 0.0, false)]
    [InlineData(OptimizerName.AdamW, 0.0, false)]
    [InlineData(OptimizerName.RmsProp, 0.0, false)]
    [InlineData(OptimizerName.RmsProp, Momentum, false)]
    [InlineData(OptimizerName.RmsProp, Momentum, true)]
    [InlineData(OptimizerName.Adagrad, 0.0, false)]
    [InlineData(OptimizerName.Lion, 0.0, false)]
    public void The_rule_takes_the_steps_that_its_equations_say(OptimizerName name, double momentum, bool nesterov)
    {
        Rule rule = name switch
        {
            OptimizerName.Sgd or OptimizerName.FullBatch =>
                (s, w, g, d, _) => Descend(s, w, g + (d * w), momentum, nesterov),
            OptimizerName.Adam => (s, w, g, d, t) => AdamStep(s, w, g + (d * w), t),
            OptimizerName.AdamW => (s, w, g, d, t) => AdamStep(s, w * (1 - (Rate * d)), g, t),
            OptimizerName.RmsProp => (s, w, g, d, _) =>
            {
                g += d * w;
                s[1] = (Beta2 * s[1]) + ((1 - Beta2) * g * g);
                return Descend(s, w, g / (Math.Sqrt(s[1]) + Epsilon), momentum, nesterov);
            },
            OptimizerName.Adagrad => (s, w, g, d, _) =>
            {
                g += d * w;
                s[0] += g * g;
                return w - (Rate * g / (Math.Sqrt(s[0]) + Epsilon));
            },
            _ => (s, w, g, d, _) =>
            {
                double direction = Math.Sign((Beta1 * s[0]) + ((1 - Beta1) * g));
                s[0] = (Beta2 * s[0]) + ((1 - Beta2) * g);
                return w - (Rate * (direction + (d * w)));
            },
        };
        var random = new Random(5);
        double[][] values = [[.. Draw(random, 6)], [.. Draw(random, 3)], [.. Draw(random, 8)]];
        long[][] shapes = [[2, 3], [3], [4, 2]]; // a vector between two matrices: groups must not mix them up
        var states = values.Select(v => v.Select(_ => new double[2]).ToArray()).ToArray();
        Parameter[] parameters =
            [.. values.Select((v, i) => new Parameter(tensor(v, shapes[i]).to(ScalarType.Float32)))];
        var section = new OptimizerSection
        {
            Name = name, LearningRate = Rate, Beta1 = Beta1, Beta2 = Beta2, Epsilon = Epsilon,
            Momentum = momentum, Nesterov = nesterov, WeightDecay = Decay,
        };
        using Optimizer optimizer = Optimizer.Create(section, parameters.Select((p, i) => ($"p{i}", p)));
        for (int step = 1; step <= Steps; step++)
        {
            double[][] gradients = [.. values.Select(v => Draw(random, v.Length).ToArray())];
            Tensor[] ordered = [.. optimizer.Parameters.Select(p =>
            {
                int i = Array.FindIndex(parameters, q => q.Handle == p.Handle);
                return tensor(gradients[i], shapes[i]).to(ScalarType.Float32);
            })];
            optimizer.Step(ordered, Rate);
            for (int i = 0; i < values.Length; i++)
            {
                double decay = shapes[i].Length < 2 ? 0 : Decay;
                for (int j = 0; j < values[i].Length; j++)
                    values[i][j] = rule(states[i][j], values[i][j], gradients[i][j], decay, step);
            }
        }
        for (int i = 0; i < values.Length; i++)
        {
            float[] moved = parameters[i].detach().data<float>().ToArray();
            for (int j = 0; j < moved.Length; j++)
                ((double)moved[j]).ShouldBe(values[i][j], 2e-5, $"{name} p{i}[{j}]");
        }
    }

    [Fact]
    public void A_rule_that_is_given_its_state_back_goes_on_as_if_unbroken()
    {
        foreach (OptimizerName name in Enum.GetValues<OptimizerName>())
        {
            var section = new OptimizerSection { Name = name, Momentum = Momentum };
            Parameter unbroken = new(ones(3, 2)), broken = new(ones(3, 2));
            using Optimizer first = Optimizer.Create(section, [("p", unbroken)]),
                second = Optimizer.Create(section, [("p", broken)]);
            for (int step = 0; step < 4; step++)
                first.Step([full(3, 2, step + 0.5f)], Rate);
            for (int step = 0; step < 2; step++)
                second.Step([full(3, 2, step + 0.5f)], Rate);
            using Optimizer third = Optimizer.Create(section, [("p", broken)]);
            foreach ((string key, Tensor tensor) in third.State())
                tensor.copy_(second.State()[key]);
            for (int step = 2; step < 4; step++)
                third.Step([full(3, 2, step + 0.5f)], Rate);
            broken.Equals(unbroken).ShouldBeTrue(name.ToString());
        }
    }

    [Theory]
    [InlineData(10, 1)]
    [InlineData(1, 0.2)]
    public void Clipping_scales_all_gradients_by_one_factor_and_only_where_they_are_too_long(double largest,
        double expected)
    {
        Tensor[] norms = [TensorScripts.Norm([tensor(new float[] { 3, 0 })]),
            TensorScripts.Norm([tensor(new float[] { 0, 4 }, [2, 1])])];
        (Tensor norm, Tensor factor) = TensorScripts.Clip(norms, largest);
        norm.ToDouble().ShouldBe(5, 1e-6);
        factor.ToDouble().ShouldBe(expected, 1e-6);
    }

    [Fact]
    public void The_result_and_the_state_do_not_depend_on_the_number_of_shards()
    {
        foreach (OptimizerName name in Enum.GetValues<OptimizerName>())
        {
            var section =
                new OptimizerSection { Name = name, LearningRate = Rate, WeightDecay = Decay, Momentum = Momentum };
            (Parameter[] Parameters, IReadOnlyDictionary<string, Tensor> State) Move(int shards)
            {
                using var random = new Generator(3, CPU); // the library's own serves other tests meanwhile
                Parameter[] parameters = [new(randn([5, 7], generator: random)), new(randn([3], generator: random)),
                    new(randn([11, 2], generator: random)), new(randn([1], generator: random))];
                Optimizer optimizer = Optimizer.Create(section, parameters.Select((p, i) => ($"p{i}", p)), shards);
                for (int step = 0; step < 3; step++)
                    optimizer.Step([.. optimizer.Parameters.Select(p => randn(p.shape, generator: random))], Rate);
                return (parameters, optimizer.State());
            }

            var (one, oneState) = Move(1);
            var (four, fourState) = Move(4);
            for (int i = 0; i < one.Length; i++)
                one[i].allclose(four[i], 1e-6, 1e-7).ShouldBeTrue($"{name}, parameter {i}");
            fourState.Keys.ShouldBe(oneState.Keys);
            foreach (string key in oneState.Keys)
                fourState[key].allclose(oneState[key], 1e-6, 1e-7).ShouldBeTrue($"{name}, {key}");
        }
    }

    [Theory]
    [InlineData(OptimizerName.Adam, 0.25)]
    [InlineData(OptimizerName.AdamW, 1)]
    public void Weights_that_are_moved_in_one_pass_are_moved_as_by_the_tensor_library_and_rounded_on_the_way(
        OptimizerName name, double factor)
    {
        Assert.SkipUnless(Bf16.IsSupported, "this processor lacks AVX-512");
        using var scope = NewDisposeScope();
        using var random = new Generator(11, CPU);
        var section = new OptimizerSection { Name = name, LearningRate = Rate, WeightDecay = Decay };
        using var rounded = new RoundedWeights();
        using var team = new WorkerTeam(1, () => { });
        Parameter[] weights = [new(randn([37, 23], generator: random)), new(randn([50], generator: random))];
        Tensor[] plain = [.. weights.Select(p => p.detach().clone())], means = [.. plain.Select(p => zeros_like(p))],
            squares = [.. plain.Select(p => zeros_like(p))];
        Tensor[] steps = [zeros([]), zeros([])];
        using Optimizer optimizer = Optimizer.Create(section, weights.Select((p, i) => ($"p{i}", p)), shards: 3);
        optimizer.Rounded = rounded;
        Tensor first;
        using (new StepContext { Weights = rounded }.Use())
            first = RoundedWeights.Of(weights[0]);
        for (int step = 0; step < 4; step++)
        {
            Tensor[] gradients = [.. weights.Select(p => randn(p.shape, generator: random))];
            Tensor[] copies = [.. gradients.Select(gradient => gradient * factor)];
            TensorScripts.Run("advance", steps);
            for (int i = 0; i < plain.Length; i++)
            {
                TensorScripts.Run(name == OptimizerName.Adam ? "adam"
                    : "adamw", plain[i..(i + 1)], copies[i..(i + 1)], means[i..(i + 1)], squares[i..(i + 1)],
                    steps[i..(i + 1)], Rate, section.Beta1, section.Beta2, i == 0 ? Decay : 0.0, section.Epsilon);
            }
            optimizer.Begin();
            for (int shard = 0; shard < optimizer.ShardCount; shard++)
                optimizer.Move(shard, optimizer.CutFor(shard, gradients), Rate, tensor((float)factor));
            rounded.Refresh(team);
            first.Equals(weights[0].detach().to(ScalarType.BFloat16)).ShouldBeTrue($"rounded at step {step}");
        }
        for (int i = 0; i < plain.Length; i++)
            weights[i].detach().allclose(plain[i], 1e-5, 1e-6).ShouldBeTrue($"parameter {i}");
    }

    [Fact]
    public void Weights_that_the_optimizer_does_not_round_are_rounded_before_the_next_batch()
    {
        using var scope = NewDisposeScope();
        using var rounded = new RoundedWeights();
        using var team = new WorkerTeam(2, () => { });
        var weight = new Parameter(ones(5, 7));
        using Optimizer optimizer =
            Optimizer.Create(new OptimizerSection { Name = OptimizerName.Sgd }, [("p", weight)], shards: 2);
        optimizer.Rounded = rounded;
        Tensor known;
        using (new StepContext { Weights = rounded }.Use())
            known = RoundedWeights.Of(weight);
        optimizer.Step([full(5, 7, 3f)], 0.1);
        rounded.Refresh(team);
        known.Equals(weight.detach().to(ScalarType.BFloat16)).ShouldBeTrue();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Gradients_of_copies_are_added_and_their_norm_is_that_of_the_sums(int copies)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(2, CPU);
        long[][] shapes = [[90, 53], [7], [1]]; // more than a block, and less than a register
        Tensor[][] gradients = [.. Enumerable.Range(0, copies)
            .Select(_ => shapes.Select(shape => randn(shape, generator: random)).ToArray())];
        Tensor[] expected =
            [.. shapes.Select((_, i) =>
            gradients.Select(copy => copy[i].clone()).Aggregate((sum, next) => sum + next))];
        Tensor norm = GradientSums.Add(gradients[0], gradients[1..]);
        for (int i = 0; i < shapes.Length; i++)
            gradients[0][i].allclose(expected[i], 1e-6, 1e-6).ShouldBeTrue($"gradient {i}");
        norm.ToDouble()
            .ShouldBe(Math.Sqrt(expected.Sum(sum => sum.to(ScalarType.Float64).square().sum().ToDouble())), 1e-3);
    }

    private static double Descend(double[] state, double value, double gradient, double momentum, bool nesterov)
    {
        state[0] = (momentum * state[0]) + gradient;
        return value - (Rate * (nesterov ? gradient + (momentum * state[0]) : state[0]));
    }

    private static double AdamStep(double[] state, double value, double gradient, int step)
    {
        state[0] = (Beta1 * state[0]) + ((1 - Beta1) * gradient);
        state[1] = (Beta2 * state[1]) + ((1 - Beta2) * gradient * gradient);
        double mean = state[0] / (1 - Math.Pow(Beta1, step)), square = state[1] / (1 - Math.Pow(Beta2, step));
        return value - (Rate * mean / (Math.Sqrt(square) + Epsilon));
    }

    private static IEnumerable<double> Draw(Random random, int count) =>
        Enumerable.Range(0, count).Select(_ => (random.NextDouble() * 2) - 1).ToArray();
}
