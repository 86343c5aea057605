using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tensors.Checks;

/// <summary>
/// Checks an operator of the tensor library against a plain loop. Results are compared elementwise; gradients are
/// compared along random directions with finite differences of the loop. Arguments are first rounded to the operator's
/// precision.
/// </summary>
internal sealed class OperatorCheck
{
    private const int Seed = 20261130, Directions = 2;

    // More threads than many machines have cores: OpenMP's threads then sleep while they wait for one another. With as
    // many threads as cores they would spin, for seconds if other programs use the cores.
    private const int SeveralThreads = 3;

    private const double Negligible = 0.01; // added to a gradient's norm, for gradients that are rounding errors only
    private const double Step = 1e-4; // of finite differences in fp64; the loops' third derivatives are around 1

    private readonly OperatorCase _case;
    private readonly ScalarType _type;
    private readonly double[][] _arguments;
    private readonly double[] _answers, _weighing;
    private readonly double[][][] _directions; // [argument][direction]
    private readonly (double Slope, double Spread)[][] _slopes;
    private readonly double _magnitude; // of the results and of the terms that they sum up

    /// <summary>Draws random arguments, and runs the loop.</summary>
    /// <param name="operator">The operator to check.</param>
    /// <param name="type">The element type, Float32 or BFloat16.</param>
    /// <param name="seed">The seed of the arguments.</param>
    public OperatorCheck(OperatorCase @operator, ScalarType type, int seed = Seed)
    {
        (_case, _type) = (@operator, type);
        var random = new Random(seed);
        double Uniform() => (2 * random.NextDouble()) - 1;
        _arguments = [.. _case.Shapes.Select(shape => Draw(Count(shape), () => Rounded(_case.Scale * Uniform())))];
        _answers = _case.Loop(_arguments);
        _weighing = Draw(_answers.Length, () => Rounded(Uniform()));
        _directions = [.. _arguments.Select(argument => Enumerable.Range(0, Directions)
            .Select(_ => Draw(argument.Length, () => random.Next(2) == 0 ? -1 : 1)).ToArray())];
        var squares = new double[_answers.Length];
        _slopes = [.. _directions.Select((all, at) =>
            all.Select(direction => Slope(at, direction, squares)).ToArray())];
        _magnitude = _answers.Max(Math.Abs) + (_case.Scale * Math.Sqrt(squares.Max() / Directions));
    }

    /// <summary>
    /// The relative tolerance of rounding errors. In bf16 each of the few roundings of a computation has a relative
    /// error of at most 2⁻⁹, in an argument, a term or the result. Results may therefore be wrong by a few times 2⁻⁹ of
    /// themselves and of their change under such a change of the arguments, and gradients by as much of themselves and
    /// of their terms, which may cancel. In fp32 the tolerance allows sums of a thousand terms in any order, and
    /// Winograd's transforms.
    /// </summary>
    private double Tolerance => 8 * (_type == ScalarType.BFloat16 ? 1.0 / 512 : 1e-5);

    private string Precision => _type == ScalarType.BFloat16 ? OperatorNames.Bf16 : OperatorNames.Fp32;

    /// <summary>
    /// Checks all operators in both precisions: all sizes on one thread, and one size of each on several threads.
    /// </summary>
    /// <param name="setting">The paths that operators take.</param>
    /// <param name="cancellation">Cancels the checks before the next operator.</param>
    /// <returns>A verdict for each operator and precision.</returns>
    public static IReadOnlyList<OperatorVerdict> Run(OperatorSetting setting, CancellationToken cancellation = default)
    {
        int threads = get_num_threads();
        try
        {
            OperatorCheck[] all =
            [
                .. ((ScalarType[])[ScalarType.Float32, ScalarType.BFloat16])
                    .SelectMany(type => OperatorCases.All.Select(@operator => (@operator, type)))
                    .AsParallel().AsOrdered().WithCancellation(cancellation)
                        .Select(one => new OperatorCheck(one.@operator, one.type)),
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

    /// <summary>Whether all results by a path are correct on the current number of threads.</summary>
    public bool IsRight(OperatorPath path) => Error(path) <= 1; // false for NaN

    /// <summary>
    /// Computes the largest error of results and gradients by a path, relative to the tolerance of rounding errors.
    /// </summary>
    public double Error(OperatorPath path)
    {
        using var scope = NewDisposeScope();
        double error = 0;
        if (_case.Compared != ComparedAnswers.WithGradients)
        {
            using var none = no_grad();
            error = ErrorOf(_case.Library(Arguments(gradients: false), path));
        }
        return _case.Compared == ComparedAnswers.WithoutGradients ? error : Math.Max(error, ErrorWithGradients(path));
    }

    /// <summary>
    /// Decides on a path for each operator and precision. An error that loses elements in one operator may do so in
    /// others, at sizes that were not checked. If an operator with alternative paths is wrong, all operators therefore
    /// take their alternatives.
    /// </summary>
    private static OperatorVerdict[] Judge(OperatorCheck[] all, OperatorPath usual, bool takesDetours,
        CancellationToken cancellation)
    {
        OperatorCheck[][] groups =
            [.. all.GroupBy(check => (check._case.Operator, check._type)).Select(checks => checks.ToArray())];
        bool[] right = AreRight([.. groups.Select(checks => (checks, usual))], cancellation);
        IReadOnlyList<OperatorPath>[] detours = [.. groups.Select(checks => Detours(checks, groups.Zip(right)))];
        OperatorPath[] paths = [.. right.Select(isRight => isRight ? usual : OperatorPath.None)];
        bool needed = takesDetours || right.Zip(detours).Any(group => !group.First && group.Second.Count > 0);
        if (needed && usual == OperatorPath.Library)
            TakeDetours(groups, detours, paths, cancellation);
        return [.. groups.Select((checks, at) => new OperatorVerdict(
            checks[0]._case.Operator, checks[0].Precision, right[at], paths[at]))];
    }

    /// <summary>
    /// The alternative paths of an operator. The path that computes as in training is excluded if training was found
    /// wrong, even if only in gradients or at other sizes.
    /// </summary>
    private static IReadOnlyList<OperatorPath> Detours(
        OperatorCheck[] checks, IEnumerable<(OperatorCheck[] Checks, bool IsRight)> judged)
    {
        bool training = judged.All(group => group.IsRight || group.Checks[0]._type != checks[0]._type
            || group.Checks[0]._case.Operator != OperatorNames.Lstm);
        return [.. checks[0]._case.Detours.Where(path => training || path != OperatorPath.AsInTraining)];
    }

    /// <summary>Gives each operator the first of its alternative paths that is correct, if there is one.</summary>
    private static void TakeDetours(
        OperatorCheck[][] groups, IReadOnlyList<OperatorPath>[] detours, OperatorPath[] paths,
        CancellationToken cancellation)
    {
        int[] open = [.. Enumerable.Range(0, groups.Length)];
        for (int rank = 0; ; rank++)
        {
            open = [.. open.Where(at => detours[at].Count > rank)];
            if (open.Length == 0)
                return;
            bool[] right = AreRight([.. open.Select(at => (groups[at], detours[at][rank]))], cancellation);
            foreach (int at in open.Where((_, i) => right[i]))
                paths[at] = detours[at][rank];
            open = [.. open.Where((_, i) => !right[i])];
        }
    }

    /// <summary>
    /// Checks groups of cases, each by one path: first all cases on one thread, then one case of each group on several
    /// threads, because a change of the number of threads takes longer than most checks.
    /// </summary>
    private static bool[] AreRight(
        (OperatorCheck[] Checks, OperatorPath Path)[] groups, CancellationToken cancellation)
    {
        set_num_threads(1);
        bool[] right = [.. groups.Select(group =>
            group.Checks.StoppedBy(cancellation).All(check => check.IsRight(group.Path)))];
        if (Environment.ProcessorCount > 1)
        {
            set_num_threads(SeveralThreads);
            for (int at = 0; at < groups.Length; at++)
            {
                cancellation.ThrowIfCancellationRequested();
                right[at] = right[at] && groups[at].Checks[0].IsRight(groups[at].Path);
            }
        }
        return right;
    }

    private double ErrorWithGradients(OperatorPath path)
    {
        Tensor[] arguments = Arguments(gradients: true);
        Tensor answer = _case.Library(arguments, path);
        double error = ErrorOf(answer.detach());
        answer.backward([AsTensor(_weighing, answer.shape)]);
        for (int at = 0; at < arguments.Length; at++)
        {
            if (arguments[at].grad is not { } gradient)
                continue; // not all cells use all arguments
            double[] numbers = Numbers(gradient);
            double length = Math.Sqrt(Dot(numbers, numbers)) + Negligible;
            foreach (((double slope, double spread), double[] direction) in _slopes[at].Zip(_directions[at]))
            {
                double tolerance = Tolerance * (length + spread);
                error = Math.Max(error, Math.Abs(Dot(numbers, direction) - slope) / tolerance);
            }
        }
        return error;
    }

    private double ErrorOf(Tensor answer)
    {
        double error = 0;
        foreach ((double found, double right) in Numbers(answer).Zip(_answers))
            error = Math.Max(error, Math.Abs(found - right));
        return error / (Tolerance * _magnitude);
    }

    private Tensor[] Arguments(bool gradients) =>
        [.. _arguments.Zip(_case.Shapes, (a, shape) => AsTensor(a, shape).requires_grad_(gradients))];

    private Tensor AsTensor(double[] numbers, long[] shape) => tensor(numbers).to(_type).reshape(shape);

    /// <summary>
    /// Computes the directional derivative of the weighted sum of the results, and the root of the sum of squares of
    /// the contributions of the results. The squares of the derivatives of each result are added to
    /// <paramref name="squares"/>.
    /// </summary>
    private (double Slope, double Spread) Slope(int argument, double[] direction, double[] squares)
    {
        double[] ahead = At(Step), behind = At(-Step);
        double slope = 0, square = 0;
        for (int i = 0; i < squares.Length; i++)
        {
            double derivative = (ahead[i] - behind[i]) / (2 * Step), part = _weighing[i] * derivative;
            slope += part;
            square += part * part;
            squares[i] += derivative * derivative;
        }
        return (slope, Math.Sqrt(square));

        double[] At(double step)
        {
            double[][] moved = [.. _arguments];
            moved[argument] = new double[direction.Length];
            for (int i = 0; i < direction.Length; i++)
                moved[argument][i] = _arguments[argument][i] + (step * direction[i]);
            return _case.Loop(moved);
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

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static double[] Draw(int count, Func<double> next) => [.. Enumerable.Range(0, count).Select(_ => next())];

    private static int Count(long[] shape) => (int)shape.Aggregate(1L, (product, side) => product * side);
}
