using System.ComponentModel.DataAnnotations;
using Atelier.Tensors;

namespace Atelier.Recipes;

/// <summary>
/// How a model is trained by gradient descent. Training ends at whichever limit of steps, epochs and minutes is reached
/// first.
/// </summary>
public sealed record TrainingSection
{
    /// <summary>Number of sequences, images or rows in a batch.</summary>
    [Range(1, 1_000_000)]
    public int BatchSize { get; init; } = 32;

    /// <summary>Number of batches whose gradients are averaged for one step.</summary>
    [Range(1, 100_000)]
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>
    /// Activation checkpointing: stores only the inputs of the model's blocks and recomputes the rest in the backward
    /// pass (Chen et al. 2016). Needs less memory for about a third more time, with the same gradients.
    /// </summary>
    [MayChange]
    public bool ActivationCheckpointing { get; init; }

    /// <summary>The largest number of steps; null sets no limit.</summary>
    [MayChange]
    [Range(1, long.MaxValue)]
    public long? Steps { get; init; } = 2000;

    /// <summary>The largest number of passes over the data; null sets no limit.</summary>
    [MayChange]
    [Range(0.000001, 1e9)]
    public double? Epochs { get; init; }

    /// <summary>
    /// The longest time in minutes; null sets no limit. A run that ends by time cannot be repeated step for step.
    /// </summary>
    [MayChange]
    [Range(0.001, 1e6)]
    public double? Minutes { get; init; }

    /// <summary>The optimizer.</summary>
    public OptimizerSection Optimizer { get; init; } = new();

    /// <summary>The learning rate schedule.</summary>
    [MayChange]
    public ScheduleSection Schedule { get; init; } = new();

    /// <summary>
    /// The largest global norm of the gradients; larger ones are scaled down (Pascanu et al. 2013). 0 disables
    /// clipping.
    /// </summary>
    [MayChange]
    [Range(0.0, 1e9)]
    public double ClipNorm { get; init; } = 1.0;

    /// <summary>Label smoothing: the probability that is spread over all tokens (Szegedy et al. 2016).</summary>
    [MayChange]
    [Range(0.0, 0.999)]
    public double LabelSmoothing { get; init; }

    /// <summary>
    /// The decay of an exponential moving average of the weights, which is then evaluated and saved; 0 disables it
    /// (Polyak and Juditsky 1992).
    /// </summary>
    [Range(0.0, 0.999999)]
    public double Ema { get; init; }

    /// <summary>
    /// The precision of matrix products; weights, norms and the loss stay in fp32. By default bf16 on GPUs and on
    /// processors that multiply in bf16 (AVX512-BF16 or AMX), and fp32 elsewhere, where bf16 would be several times
    /// slower.
    /// </summary>
    [MayChange]
    public Precision? Precision { get; init; }

    /// <summary>The device: "auto", "cpu" or "cuda".</summary>
    [MayChange]
    public string Device { get; init; } = "auto";

    /// <summary>Number of threads; 0 takes all cores.</summary>
    [MayChange]
    [Range(0, 1024)]
    public int Threads { get; init; }

    /// <summary>
    /// Number of copies of the model that share the rows of a batch, each with its part of the threads. 0 takes the
    /// number that was measured to be fastest on this machine. With one thread for each copy, runs repeat bit for bit.
    /// </summary>
    [MayChange]
    [Range(0, 1024)]
    public int Replicas { get; init; }

    /// <summary>Number of steps between evaluations on validation data; 0 evaluates at the end only.</summary>
    [MayChange]
    [Range(0, long.MaxValue)]
    public long EvaluateEvery { get; init; } = 250;

    /// <summary>
    /// The most validation batches in an evaluation, spread over the validation data. Null takes 40, or as many as hold
    /// 1,280 rows if that is more.
    /// </summary>
    [MayChange]
    [Range(1, 1_000_000)]
    public int? EvaluationBatches { get; init; }

    /// <summary>
    /// Number of evaluations without improvement after which training stops early (Prechelt 1998); 0 disables early
    /// stopping.
    /// </summary>
    [MayChange]
    [Range(0, 1_000_000)]
    public int Patience { get; init; }

    /// <summary>Number of steps between samples; 0 draws none during training.</summary>
    [MayChange]
    [Range(0, long.MaxValue)]
    public long SampleEvery { get; init; } = 500;

    /// <summary>Number of steps between checkpoints; 0 saves only the last one.</summary>
    [MayChange]
    [Range(0, long.MaxValue)]
    public long CheckpointEvery { get; init; } = 500;

    /// <summary>Number of steps between progress reports.</summary>
    [MayChange]
    [Range(1, long.MaxValue)]
    public long ReportEvery { get; init; } = 10;

    /// <summary>Trains on the first batch only: a check that the model can learn at all.</summary>
    public bool OverfitOneBatch { get; init; }

    /// <summary>The precision, or what this machine takes by default.</summary>
    internal Precision ChosenPrecision => Precision ?? ComputeDevice.FastPrecision(Device);
}

/// <summary>The optimizer and its hyperparameters.</summary>
public sealed record OptimizerSection
{
    /// <summary>What the paths of its keys begin with.</summary>
    internal const string Path = "training.optimizer.";

    /// <summary>The name of the optimizer.</summary>
    public OptimizerName Name { get; init; } = OptimizerName.AdamW;

    /// <summary>The highest learning rate, before the schedule is applied.</summary>
    [MayChange]
    [Range(0.0, 1e6)]
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Weight decay. It applies to matrices only, not to biases and norms.</summary>
    [MayChange]
    [Range(0.0, 10.0)]
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>Momentum of SGD and RMSProp.</summary>
    [Range(0.0, 0.999999)]
    public double Momentum { get; init; }

    /// <summary>Uses Nesterov momentum (Sutskever et al. 2013).</summary>
    public bool Nesterov { get; init; }

    /// <summary>The decay of the running average of the gradients (Adam, AdamW, Lion).</summary>
    [MayChange]
    [Range(0.0, 0.999999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>
    /// The decay of the running average of the squared gradients (Adam, AdamW, RMSProp), or of Lion's momentum.
    /// </summary>
    [MayChange]
    [Range(0.0, 0.999999)]
    public double Beta2 { get; init; } = 0.99;

    /// <summary>
    /// A small constant added to the denominator for numerical stability (Adam, AdamW, RMSProp, Adagrad).
    /// </summary>
    [MayChange]
    [Range(0.0, 1.0)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Whether the rule reads a key of this section.</summary>
    internal bool Reads(string key) => key switch
    {
        "momentum" or "nesterov" => Name is OptimizerName.Sgd or OptimizerName.FullBatch or OptimizerName.RmsProp,
        "beta1" => Name is OptimizerName.Adam or OptimizerName.AdamW or OptimizerName.Lion,
        "beta2" => Name is OptimizerName.Adam or OptimizerName.AdamW or OptimizerName.Lion or OptimizerName.RmsProp,
        "epsilon" => Name is not (OptimizerName.Sgd or OptimizerName.FullBatch or OptimizerName.Lion),
        _ => true,
    };
}

/// <summary>Optimizers.</summary>
public enum OptimizerName
{
    /// <summary>Decoupled weight decay (Loshchilov and Hutter 2019).</summary>
    AdamW,

    /// <summary>Kingma and Ba 2015.</summary>
    Adam,

    /// <summary>Stochastic gradient descent, with momentum if set.</summary>
    Sgd,

    /// <summary>Gradient descent on all training data in each step.</summary>
    FullBatch,

    /// <summary>Tieleman and Hinton 2012.</summary>
    RmsProp,

    /// <summary>Duchi et al. 2011.</summary>
    Adagrad,

    /// <summary>Chen et al. 2023.</summary>
    Lion,
}

/// <summary>The learning rate schedule: how the learning rate changes with the step.</summary>
public sealed record ScheduleSection
{
    /// <summary>The shape of the schedule after the warm-up.</summary>
    public ScheduleName Name { get; init; } = ScheduleName.Cosine;

    /// <summary>Number of steps over which the learning rate rises linearly from zero.</summary>
    [Range(0, long.MaxValue)]
    public long WarmupSteps { get; init; } = 100;

    /// <summary>The learning rate at the end, as a fraction of the highest.</summary>
    [Range(0.0, 1.0)]
    public double FinalShare { get; init; } = 0.1;

    /// <summary>Number of steps over which the learning rate falls; null takes the length of the run.</summary>
    [Range(1, long.MaxValue)]
    public long? DecaySteps { get; init; }
}

/// <summary>Shapes of learning rate schedules.</summary>
public enum ScheduleName
{
    /// <summary>Half a cosine (Loshchilov and Hutter 2017).</summary>
    Cosine,

    /// <summary>A constant learning rate.</summary>
    Constant,

    /// <summary>A linear decay.</summary>
    Linear,

    /// <summary>One cycle: up and down along cosines (Smith and Topin 2018).</summary>
    OneCycle,

    /// <summary>Proportional to one over the square root of the step (Vaswani et al. 2017).</summary>
    InverseSquareRoot,
}
