using Atelier.Tensors.Checks;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>
/// Selects a path with correct results for each operator of the tensor library that layers use. The operators are
/// checked against plain loops once for each machine and build, on first use, and the verdicts are stored under
/// ATELIER_HOME. Thread-safe.
/// </summary>
public static class CheckedOperators
{
    /// <summary>The environment variable that selects the operators' paths, for tests.</summary>
    internal const string Variable = "ATELIER_OPERATOR_PATHS";

    private static readonly Lock Gate = new();
    private static volatile Outcome? _found; // found once in a process, unless the check is cancelled

    /// <summary>The verdict for each operator and precision.</summary>
    public static IReadOnlyList<OperatorVerdict> Verdicts => This.Verdicts;

    /// <summary>The cache sizes that oneDNN assumes.</summary>
    public static CacheSizes Caches => This.Caches;

    /// <summary>Throws if some operator has no path with correct results.</summary>
    /// <param name="cancellation">Cancels the check before the next operator.</param>
    /// <exception cref="AtelierException">An operator has no path with correct results.</exception>
    public static void Require(CancellationToken cancellation = default)
    {
        if (Find(cancellation).Verdicts.FirstOrDefault(verdict => verdict.Path == OperatorPath.None) is { } wrong)
            throw Refused($"{wrong.Operator} in {wrong.Precision}");
    }

    /// <summary>The path of convolutions on the CPU.</summary>
    /// <param name="type">The element type.</param>
    /// <exception cref="AtelierException">No path gives correct results.</exception>
    internal static OperatorPath Convolution(ScalarType type) => This.Convolution.Of(type);

    /// <summary>The path of convolutions on the CPU whose second derivatives are needed.</summary>
    /// <param name="type">The element type.</param>
    /// <exception cref="AtelierException">No path gives correct results.</exception>
    internal static OperatorPath ConvolutionOfSecondOrder(ScalarType type) => This.SecondOrder.Of(type);

    /// <summary>The path of LSTMs on the CPU.</summary>
    /// <param name="type">The element type.</param>
    /// <param name="gradients">Whether gradients are recorded.</param>
    /// <exception cref="AtelierException">No path gives correct results.</exception>
    internal static OperatorPath Lstm(ScalarType type, bool gradients) =>
        (gradients ? This.Lstm : This.LstmWithoutGradients).Of(type);

    private static Outcome This => Find(CancellationToken.None);

    /// <summary>
    /// Applies a setting to this process: corrects oneDNN's cache sizes, then reads stored verdicts or runs the checks.
    /// </summary>
    /// <param name="setting">The paths that operators take.</param>
    /// <param name="home">The folder that stores verdicts.</param>
    /// <param name="cancellation">Cancels the checks; no verdicts are stored then.</param>
    internal static Outcome Decide(OperatorSetting setting, string home, CancellationToken cancellation = default)
    {
        Nnpack.SwitchOffWhereItCannotRun();
        CacheSizes caches = setting == OperatorSetting.Checked ? OneDnn.CorrectCacheSizes()
            : OneDnn.HasHiddenCaches ? CacheSizes.Wrong
            : CacheSizes.Known;
        if (setting == OperatorSetting.Library)
            return new Outcome(caches, []);
        if (setting == OperatorSetting.None)
            return new Outcome(caches, [new(OperatorNames.Convolution, OperatorNames.Fp32, false, OperatorPath.None)]);
        var kept = new KeptVerdicts(home, setting, caches);
        if (kept.Find() is { } known)
        {
            if (known.Any(verdict => verdict.Path == OperatorPath.WithoutOneDnn))
                OneDnn.SwitchOff();
            return new Outcome(caches, known);
        }
        IReadOnlyList<OperatorVerdict> verdicts = OperatorCheck.Run(setting, cancellation);
        kept.Keep(verdicts);
        return new Outcome(caches, verdicts);
    }

    private static AtelierException Refused(string what) => new(
        $"the tensor library's results are wrong on this machine ({what})", "libtorch",
            $"see {Mention.Command("doctor")}");

    private static Outcome Find(CancellationToken cancellation)
    {
        if (_found is { } known)
            return known;
        lock (Gate)
            return _found ??= OnOwnThread(cancellation);
    }

    /// <summary>
    /// Decides on a thread of its own, so that the caller's gradient mode, dispose scopes and thread settings stay as
    /// they are.
    /// </summary>
    private static Outcome OnOwnThread(CancellationToken cancellation)
    {
        OperatorSetting setting = Environment.GetEnvironmentVariable(Variable) switch
        {
            null or "" => OperatorSetting.Checked,
            "unaided" => OperatorSetting.Unaided,
            "padded" => OperatorSetting.Padded,
            "without-onednn" => OperatorSetting.WithoutOneDnn,
            "library" => OperatorSetting.Library,
            "none" => OperatorSetting.None,
            string other => throw new AtelierException(
                $"'{other}' is not a setting", Variable,
                "leave it out, or use one of unaided, padded, without-onednn, library, none"),
        };
        return Task.Factory.StartNew(() => Decide(setting, AtelierHome.Folder, cancellation),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).GetAwaiter().GetResult();
    }

    /// <summary>The decision: cache sizes, verdicts, and the paths that layers look up at each call.</summary>
    internal sealed class Outcome(CacheSizes caches, IReadOnlyList<OperatorVerdict> verdicts)
    {
        /// <summary>The cache sizes that oneDNN assumes.</summary>
        public CacheSizes Caches => caches;

        /// <summary>The verdict for each operator and precision.</summary>
        public IReadOnlyList<OperatorVerdict> Verdicts => verdicts;

        /// <summary>The paths of convolutions.</summary>
        public Paths Convolution { get; } = new(verdicts, OperatorNames.Convolution);

        /// <summary>The paths of convolutions whose second derivatives are needed.</summary>
        public Paths SecondOrder { get; } = new(verdicts, OperatorNames.SecondOrder);

        /// <summary>The paths of LSTMs in training.</summary>
        public Paths Lstm { get; } = new(verdicts, OperatorNames.Lstm);

        /// <summary>The paths of LSTMs without gradients.</summary>
        public Paths LstmWithoutGradients { get; } = new(verdicts, OperatorNames.LstmWithoutGradients);
    }

    /// <summary>The paths of an operator in each precision.</summary>
    internal sealed class Paths(IReadOnlyList<OperatorVerdict> verdicts, string name)
    {
        private readonly OperatorPath _fp32 = Find(verdicts, name, OperatorNames.Fp32);
        private readonly OperatorPath _bf16 = Find(verdicts, name, OperatorNames.Bf16);

        /// <summary>Returns the path for an element type.</summary>
        /// <exception cref="AtelierException">No path gives correct results.</exception>
        public OperatorPath Of(ScalarType type)
        {
            OperatorPath path = type switch
            {
                ScalarType.Float32 => _fp32,
                ScalarType.BFloat16 => _bf16,
                _ => OperatorPath.Library,
            };
            return path == OperatorPath.None ? throw Refused(name) : path;
        }

        private static OperatorPath Find(IReadOnlyList<OperatorVerdict> verdicts, string name, string precision) =>
            verdicts.FirstOrDefault(v => v.Operator == name && v.Precision == precision)?.Path ?? OperatorPath.Library;
    }
}
