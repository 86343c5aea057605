using Atelier.Tensors.Checks;
using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>
/// Which path gives right answers for each operator of the tensor library that results rest on: layers ask here. The operators are
/// checked against plain loops once for a machine and build, when a process first asks, and the verdicts are kept under ATELIER_HOME.
/// Safe to use from several threads.
/// </summary>
public static class CheckedOperators
{
    /// <summary>The environment variable that says which paths operators take; it serves tests.</summary>
    internal const string Variable = "ATELIER_OPERATOR_PATHS";

    private static readonly Lazy<Outcome> This = new(OnOwnThread);

    /// <summary>What was found for each operator and precision.</summary>
    public static IReadOnlyList<OperatorVerdict> Verdicts => This.Value.Verdicts;

    /// <summary>What oneDNN takes for the sizes of the processor's caches.</summary>
    public static CacheSizes Caches => This.Value.Caches;

    /// <summary>Refuses what rests on an operator for which nothing gives right answers.</summary>
    /// <exception cref="AtelierException">There is one.</exception>
    public static void Require()
    {
        if (Verdicts.FirstOrDefault(verdict => verdict.Path == OperatorPath.None) is { } wrong)
            throw Refused($"{wrong.Operator} in {wrong.Precision}");
    }

    /// <summary>The path of convolutions on the CPU.</summary>
    /// <param name="type">The type of their numbers.</param>
    /// <exception cref="AtelierException">None is right.</exception>
    internal static OperatorPath Convolution(ScalarType type) => Right(type switch
    {
        ScalarType.Float32 => This.Value.Convolution,
        ScalarType.BFloat16 => This.Value.Bf16Convolution,
        _ => OperatorPath.Library,
    }, OperatorNames.Convolution);

    /// <summary>The path of LSTMs on the CPU.</summary>
    /// <param name="type">The type of their numbers.</param>
    /// <param name="gradients">Whether gradients are recorded.</param>
    /// <exception cref="AtelierException">None is right.</exception>
    internal static OperatorPath Lstm(ScalarType type, bool gradients) => Right(type switch
    {
        ScalarType.Float32 => gradients ? This.Value.LstmTraining : This.Value.Lstm,
        ScalarType.BFloat16 => gradients ? This.Value.Bf16LstmTraining : This.Value.Bf16Lstm,
        _ => OperatorPath.Library,
    }, OperatorNames.Lstm);

    /// <summary>What a setting leads to in this process: oneDNN's cache sizes corrected, the verdicts read or found.</summary>
    /// <param name="setting">Which paths operators take.</param>
    /// <param name="home">The folder that keeps verdicts.</param>
    internal static Outcome Decide(OperatorSetting setting, string home)
    {
        CacheSizes caches = setting == OperatorSetting.Checked ? OneDnn.CorrectCacheSizes()
            : OneDnn.HasHiddenCaches ? CacheSizes.Wrong
            : CacheSizes.Known;
        if (setting == OperatorSetting.Library)
            return new Outcome(caches, []);
        var kept = new KeptVerdicts(home, setting, caches);
        if (kept.Find() is { } known)
        {
            if (known.Any(verdict => verdict.Path == OperatorPath.WithoutOneDnn))
                OneDnn.SwitchOff();
            return new Outcome(caches, known);
        }
        IReadOnlyList<OperatorVerdict> verdicts = OperatorCheck.Run(setting);
        kept.Keep(verdicts);
        return new Outcome(caches, verdicts);
    }

    private static OperatorPath Right(OperatorPath path, string name) => path == OperatorPath.None ? throw Refused(name) : path;

    private static AtelierException Refused(string what) =>
        new($"the tensor library computes wrong results on this machine ({what})", "libtorch", "atelier doctor tells which; use another machine");

    /// <summary>Gradients, scopes and threads of whoever asks first are not touched.</summary>
    private static Outcome OnOwnThread()
    {
        OperatorSetting setting = Environment.GetEnvironmentVariable(Variable) switch
        {
            null or "" => OperatorSetting.Checked,
            "unaided" => OperatorSetting.Unaided,
            "padded" => OperatorSetting.Padded,
            "without-onednn" => OperatorSetting.WithoutOneDnn,
            "library" => OperatorSetting.Library,
            string other => throw new AtelierException($"'{other}' is no setting", Variable, "leave it out; unaided, padded, without-onednn and library serve tests"),
        };
        return Task.Factory.StartNew(() => Decide(setting, AtelierHome.Folder), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .GetAwaiter().GetResult();
    }

    /// <summary>What was decided, with the paths that layers ask for at each call.</summary>
    internal sealed class Outcome(CacheSizes caches, IReadOnlyList<OperatorVerdict> verdicts)
    {
        public CacheSizes Caches => caches;

        public IReadOnlyList<OperatorVerdict> Verdicts => verdicts;

        public OperatorPath Convolution { get; } = PathOf(verdicts, OperatorNames.Convolution, OperatorNames.Fp32);

        public OperatorPath Bf16Convolution { get; } = PathOf(verdicts, OperatorNames.Convolution, OperatorNames.Bf16);

        public OperatorPath LstmTraining { get; } = PathOf(verdicts, OperatorNames.Lstm, OperatorNames.Fp32);

        public OperatorPath Bf16LstmTraining { get; } = PathOf(verdicts, OperatorNames.Lstm, OperatorNames.Bf16);

        public OperatorPath Lstm { get; } = PathOf(verdicts, OperatorNames.LstmWithoutGradients, OperatorNames.Fp32);

        public OperatorPath Bf16Lstm { get; } = PathOf(verdicts, OperatorNames.LstmWithoutGradients, OperatorNames.Bf16);

        private static OperatorPath PathOf(IReadOnlyList<OperatorVerdict> verdicts, string name, string precision) =>
            verdicts.FirstOrDefault(v => v.Operator == name && v.Precision == precision)?.Path ?? OperatorPath.Library;
    }
}
