using Atelier.Recipes;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training.Optimizers;

/// <summary>
/// Adam (Kingma and Ba 2015, algorithm 1, with the decay added to the gradient) and AdamW (Loshchilov and Hutter 2019,
/// algorithm 2, with the decay apart from it): in one pass over the memory by <see cref="AdamKernel"/>, else by
/// libtorch's fused kernels.
/// </summary>
internal sealed unsafe class Adam : Optimizer
{
    private readonly bool _decoupled;
    private readonly Slot _mean, _square, _step;

    public Adam(IEnumerable<(string Name, Parameter Parameter)> parameters, OptimizerSection section, int shards,
        Func<string, double>? rateFactor, bool decoupled)
        : base(parameters, section, shards, rateFactor)
    {
        _decoupled = decoupled;
        _mean = AddSlot("exp_avg");
        _square = AddSlot("exp_avg_sq");
        // One count a parameter, as the kernel asks; it lies where the parameter does and is fp32.
        _step = AddSlot("step", parameter => zeros([], ScalarType.Float32, parameter.device));
    }

    public override void Begin()
    {
        base.Begin();
        using var noGradients = no_grad();
        TensorScripts.Run("advance", _step.Tensors);
    }

    private protected override void Move(Group group, Tensor[] gradients, double learningRate, Tensor? factor)
    {
        Tensor[] means = _mean.Of(group), squares = _square.Of(group);
        if (!GradientSums.Serves(gradients) || !GradientSums.Serves(group.Parameters))
        {
            base.Move(group, gradients, learningRate, factor);
            return;
        }
        var kernel = new AdamKernel(factor is null ? 1 : *factor.Pointer<float>(), learningRate,
            Section.Beta1, Section.Beta2, Section.Epsilon, group.WeightDecay, _decoupled,
                *_step.Tensors[0].Pointer<float>());
        for (int i = 0; i < gradients.Length; i++)
        {
            Piece piece = group.Pieces[i];
            float* weights = group.Parameters[i].Pointer<float>();
            ushort* rounded = Rounded is { } known ? known.PlaceFor(weights - piece.Start, piece.Start, piece.Length)
                : null;
            kernel.Move(weights, gradients[i].Pointer<float>(), means[i].Pointer<float>(), squares[i].Pointer<float>(),
                rounded, piece.Length);
        }
        GC.KeepAlive(gradients);
    }

    private protected override void Move(Group group, Tensor[] gradients, double learningRate)
    {
        TensorScripts.Run(_decoupled ? "adamw"
            : "adam", group.Parameters, gradients, _mean.Of(group), _square.Of(group), _step.Of(group),
            learningRate, Section.Beta1, Section.Beta2, group.WeightDecay, Section.Epsilon);
    }
}

/// <summary>
/// Gradient descent, with momentum where asked (Polyak 1964) and in Nesterov's form (Sutskever et al. 2013, eq. 3 and
/// 4, over the gradient at the point reached).
/// </summary>
internal sealed class Sgd : Optimizer
{
    private readonly Slot? _momentum;

    public Sgd(IEnumerable<(string Name, Parameter Parameter)> parameters, OptimizerSection section, int shards,
        Func<string, double>? rateFactor)
        : base(parameters, section, shards, rateFactor) =>
        _momentum = section.Momentum > 0 ? AddSlot("momentum") : null;

    private protected override void Move(Group group, Tensor[] gradients, double learningRate)
    {
        AddDecay(group, gradients);
        Descend(group, gradients, _momentum, learningRate);
    }
}

/// <summary>
/// Divides by the root of a running mean of squares (Tieleman and Hinton 2012, lecture 6.5), then as gradient descent.
/// </summary>
internal sealed class RmsProp : Optimizer
{
    private readonly Slot _square;
    private readonly Slot? _momentum;

    public RmsProp(IEnumerable<(string Name, Parameter Parameter)> parameters, OptimizerSection section, int shards,
        Func<string, double>? rateFactor)
        : base(parameters, section, shards, rateFactor)
    {
        _square = AddSlot("square_avg");
        _momentum = section.Momentum > 0 ? AddSlot("momentum") : null;
    }

    private protected override void Move(Group group, Tensor[] gradients, double learningRate)
    {
        AddDecay(group, gradients);
        TensorScripts.Run("rmsprop", gradients, _square.Of(group), Section.Beta2, Section.Epsilon);
        Descend(group, gradients, _momentum, learningRate);
    }
}

/// <summary>
/// Divides by the root of the sum of all squares so far (Duchi et al. 2011, section 1.1, the diagonal form).
/// </summary>
internal sealed class Adagrad : Optimizer
{
    private readonly Slot _sum;

    public Adagrad(IEnumerable<(string Name, Parameter Parameter)> parameters, OptimizerSection section, int shards,
        Func<string, double>? rateFactor)
        : base(parameters, section, shards, rateFactor) => _sum = AddSlot("sum");

    private protected override void Move(Group group, Tensor[] gradients, double learningRate)
    {
        AddDecay(group, gradients);
        TensorScripts.Run("adagrad", gradients, _sum.Of(group), Section.Epsilon);
        Descend(group, gradients, momentum: null, learningRate);
    }
}

/// <summary>
/// Steps by the sign of a blend of gradient and momentum (Chen et al. 2023, program 2); the decay is apart.
/// </summary>
internal sealed class Lion : Optimizer
{
    private readonly Slot _momentum;

    public Lion(IEnumerable<(string Name, Parameter Parameter)> parameters, OptimizerSection section, int shards,
        Func<string, double>? rateFactor)
        : base(parameters, section, shards, rateFactor) => _momentum = AddSlot("exp_avg");

    private protected override void Move(Group group, Tensor[] gradients, double learningRate) =>
        TensorScripts.Run("lion", group.Parameters, gradients, _momentum.Of(group),
            learningRate, Section.Beta1, Section.Beta2, group.WeightDecay);
}

/// <summary>
/// Adafactor (Shazeer and Stern 2018, algorithms 4 and 5, without momentum): the mean squares of a matrix's gradients
/// are stored by row and by column only, steps are relative to the root mean square of the weights, and a step whose
/// root mean square is above the learning rate is scaled down to it. T5 was trained with it; its decay is apart.
/// </summary>
internal sealed class Adafactor : Optimizer
{
    private const double DecayPower = -0.8; // section 7.2
    private const double SquareFloor = 1e-30, WeightFloor = 1e-3; // ε1 and ε2, algorithm 6
    private readonly Slot _rows, _columns, _step;

    public Adafactor(IEnumerable<(string Name, Parameter Parameter)> parameters, OptimizerSection section, int shards,
        Func<string, double>? rateFactor)
        : base(parameters, section, shards, rateFactor, wholeParameters: true)
    {
        // Of [..., rows, columns], the means over columns and over rows. Of vectors, "rows" has each number's square,
        // and "columns" is not used.
        _rows = AddSlot("exp_avg_sq_row", parameter => Zeros(parameter,
            parameter.dim() < 2 ? parameter.shape : parameter.shape[..^1]));
        _columns = AddSlot("exp_avg_sq_col", parameter => Zeros(parameter,
            parameter.dim() < 2 ? [] : [.. parameter.shape[..^2], parameter.shape[^1]]));
        _step = AddSlot("step", parameter => Zeros(parameter, []));

        static Tensor Zeros(Parameter parameter, long[] shape) => zeros(shape, ScalarType.Float32, parameter.device);
    }

    public override void Begin()
    {
        base.Begin();
        using var noGradients = no_grad();
        TensorScripts.Run("advance", _step.Tensors);
    }

    private protected override void Move(Group group, Tensor[] gradients, double learningRate)
    {
        TensorScripts.Run("adafactor", group.Parameters, gradients, _rows.Of(group), _columns.Of(group),
            _step.Of(group), learningRate, DecayPower, SquareFloor, WeightFloor, group.WeightDecay);
    }
}
