using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tensors.Checks;

/// <summary>
/// Compares an operator's answers with those of its loop, number by number, and its gradients along random
/// directions with differences of the loop. Arguments are first rounded to the operator's precision.
/// </summary>
internal sealed class OperatorCheck
{
    private const int Seed = 20261130, Directions = 2;
    private const double Negligible = 0.01; // the length of a gradient that is nothing but rounding
    private const double Step = 1e-4; // of differences in 64 bits; the loops' third derivatives are around one

    private readonly OperatorCase _case;
    private readonly ScalarType _type;
    private readonly double[][] _arguments;
    private readonly double[] _answers, _weighing;
    private readonly double[][][] _directions; // of each argument
    private readonly double[][] _slopes;

    /// <summary>Draws arguments, and runs the loop.</summary>
    /// <param name="operator">What is checked.</param>
    /// <param name="type">Float32 or BFloat16.</param>
    /// <param name="seed">Of the arguments.</param>
    public OperatorCheck(OperatorCase @operator, ScalarType type, int seed = Seed)
    {
        (_case, _type) = (@operator, type);
        var random = new Random(seed);
        double Uniform() => (2 * random.NextDouble()) - 1;
        _arguments = [.. _case.Shapes.Select(shape => Draw(Count(shape), () => Rounded(_case.Scale * Uniform())))];
        _answers = _case.Loop(_arguments);
        _weighing = Draw(_answers.Length, () => Rounded(Uniform()));
        int directions = _case.Compared == ComparedAnswers.WithoutGradients ? 0 : Directions;
        _directions = [.. _arguments.Select(argument => Enumerable.Range(0, directions)
            .Select(_ => Draw(argument.Length, () => random.Next(2) == 0 ? -1 : 1)).ToArray())];
        _slopes = [.. _directions.Select((all, at) => all.Select(direction => Slope(at, direction)).ToArray())];
    }

    private double Tolerance => _type == ScalarType.BFloat16 ? 0.03 : 2e-4; // of the largest answer

    private double SlopeTolerance => _type == ScalarType.BFloat16 ? 0.1 : 1e-3; // of the gradient's length

    /// <summary>Checks all operators in both precisions: all sizes on one thread, one of each on two.</summary>
    /// <param name="setting">Which paths operators take.</param>
    /// <param name="cancellation">Stops before the next operator.</param>
    /// <returns>A verdict for each operator and precision.</returns>
    public static IReadOnlyList<OperatorVerdict> Run(OperatorSetting setting, CancellationToken cancellation = default)
    {
        int threads = get_num_threads();
        try
        {
            OperatorCheck[] all =
            [
                .. from type in (ScalarType[])[ScalarType.Float32, ScalarType.BFloat16]
                   from @operator in OperatorCases.All.StoppedBy(cancellation)
                   select new OperatorCheck(@operator, type),
            ];
            bool off = setting == OperatorSetting.WithoutOneDnn && OneDnn.SwitchOff();
            OperatorPath usual = off ? OperatorPath.WithoutOneDnn : OperatorPath.Library;
            OperatorVerdict[] verdicts = Judge(all, usual, setting == OperatorSetting.Padded, cancellation);
            if (off || !Array.Exists(verdicts, verdict => verdict.Path == OperatorPath.None) || !OneDnn.SwitchOff())
                return verdicts;
            return [.. Judge(all, OperatorPath.WithoutOneDnn, takesDetours: false, cancellation)
                .Zip(verdicts, (without, before) => without with { IsRight = before.IsRight })];
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    /// <summary>Whether all answers by a path are right on the current number of threads.</summary>
    public bool IsRight(OperatorPath path)
    {
        using var scope = NewDisposeScope();
        if (_case.Compared != ComparedAnswers.WithGradients)
        {
            using var none = no_grad();
            if (!Agrees(_case.Library(Arguments(gradients: false), path)))
                return false;
        }
        return _case.Compared == ComparedAnswers.WithoutGradients || GradientsAgree(path);
    }

    /// <summary>
    /// A verdict for each operator and precision. What drops numbers of one operator drops those of another at sizes
    /// that were not tried: where one that has another path is wrong, all take theirs.
    /// </summary>
    private static OperatorVerdict[] Judge(OperatorCheck[] all, OperatorPath usual, bool takesDetours,
        CancellationToken cancellation)
    {
        (OperatorCheck[] Checks, bool IsRight)[] judged =
        [
            .. all.GroupBy(check => (check._case.Operator, check._type))
                .Select(checks => (checks.ToArray(), AreRight([.. checks], usual, cancellation))),
        ];
        bool detours = takesDetours || Array.Exists(judged, one => !one.IsRight && one.Checks[0]._case.Detours.Count > 0);
        return [.. judged.Select(one => JudgeOne(one.Checks, one.IsRight, usual, detours, cancellation))];
    }

    private static OperatorVerdict JudgeOne(OperatorCheck[] checks, bool isRight, OperatorPath usual, bool takesDetours,
        CancellationToken cancellation)
    {
        IEnumerable<OperatorPath> detours = usual == OperatorPath.Library ? checks[0]._case.Detours : [];
        OperatorPath path = isRight && !takesDetours ? usual
            : detours.Where(path => AreRight(checks, path, cancellation)).Append(isRight ? usual : OperatorPath.None).First();
        string precision = checks[0]._type == ScalarType.BFloat16 ? OperatorNames.Bf16 : OperatorNames.Fp32;
        return new OperatorVerdict(checks[0]._case.Operator, precision, isRight, path);
    }

    private static bool AreRight(OperatorCheck[] checks, OperatorPath path, CancellationToken cancellation)
    {
        set_num_threads(1);
        if (!checks.StoppedBy(cancellation).All(check => check.IsRight(path)))
            return false;
        if (Environment.ProcessorCount == 1)
            return true;
        set_num_threads(2);
        return checks[0].IsRight(path);
    }

    private bool GradientsAgree(OperatorPath path)
    {
        Tensor[] arguments = Arguments(gradients: true);
        Tensor answer = _case.Library(arguments, path);
        if (!Agrees(answer.detach()))
            return false;
        answer.backward([AsTensor(_weighing, answer.shape)]);
        for (int at = 0; at < arguments.Length; at++)
        {
            if (arguments[at].grad is not { } gradient)
                continue; // a cell does not read what another one does
            double[] numbers = Numbers(gradient);
            double tolerance = SlopeTolerance * (Math.Sqrt(Dot(numbers, numbers)) + Negligible);
            for (int d = 0; d < Directions; d++)
            {
                if (!(Math.Abs(Dot(numbers, _directions[at][d]) - _slopes[at][d]) <= tolerance)) // nor where it is NaN
                    return false;
            }
        }
        return true;
    }

    private bool Agrees(Tensor answer)
    {
        double tolerance = Tolerance * _answers.Max(Math.Abs);
        return Numbers(answer).Zip(_answers).All(pair => Math.Abs(pair.First - pair.Second) <= tolerance);
    }

    private Tensor[] Arguments(bool gradients) =>
        [.. _arguments.Zip(_case.Shapes, (a, shape) => AsTensor(a, shape).requires_grad_(gradients))];

    private Tensor AsTensor(double[] numbers, long[] shape) => tensor(numbers).to(_type).reshape(shape);

    /// <summary>The derivative of the weighed answers when an argument moves in a direction.</summary>
    private double Slope(int argument, double[] direction)
    {
        return (At(Step) - At(-Step)) / (2 * Step);

        double At(double step)
        {
            double[] moved = [.. _arguments[argument].Zip(direction, (x, d) => x + (step * d))];
            return Dot(_weighing, _case.Loop([.. _arguments.Select((a, i) => i == argument ? moved : a)]));
        }
    }

    private double Rounded(double x)
    {
        if (_type != ScalarType.BFloat16)
            return (float)x;
        uint bits = BitConverter.SingleToUInt32Bits((float)x);
        return BitConverter.UInt32BitsToSingle((bits + 0x8000) & 0xFFFF0000);
    }

    private static double[] Numbers(Tensor x) => x.to(ScalarType.Float64).contiguous().data<double>().ToArray();

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static double[] Draw(int count, Func<double> next) => [.. Enumerable.Range(0, count).Select(_ => next())];

    private static int Count(long[] shape) => (int)shape.Aggregate(1L, (product, side) => product * side);
}
