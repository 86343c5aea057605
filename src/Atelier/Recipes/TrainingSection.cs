using System.ComponentModel.DataAnnotations;
using Atelier.Tensors;

namespace Atelier.Recipes;

/// <summary>
/// How to teach a model by gradient descent. Training ends at whichever limit of steps, epochs and minutes comes first.
/// </summary>
public sealed record TrainingSection
{
    /// <summary>Sequences, pictures or rows in a batch.</summary>
    [Range(1, 1_000_000)]
    public int BatchSize { get; init; } = 32;

    /// <summary>Batches whose gradients are averaged before one step.</summary>
    [Range(1, 100_000)]
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>
    /// Keeps only the inputs of the model's blocks and computes the rest anew going back (Chen et al. 2016): less
    /// memory for about a third more time, and the same gradients.
    /// </summary>
    [MayChange]
    public bool ActivationCheckpointing { get; init; }

    /// <summary>The most steps; null for no such limit.</summary>
    [MayChange]
    [Range(1, long.MaxValue)]
    public long? Steps { get; init; } = 2000;

    /// <summary>The most passes over the data; null for no such limit.</summary>
    [MayChange]
    [Range(0.000001, 1e9)]
    public double? Epochs { get; init; }

    /// <summary>
    /// The most minutes; null for no such limit. A run that ends by time is not repeatable step for step.
    /// </summary>
    [MayChange]
    [Range(0.001, 1e6)]
    public double? Minutes { get; init; }

    /// <summary>What moves the parameters.</summary>
    public OptimizerSection Optimizer { get; init; } = new();

    /// <summary>How the learning rate changes with the step.</summary>
    [MayChange]
    public ScheduleSection Schedule { get; init; } = new();

    /// <summary>The largest norm of all gradients together; 0 does not clip (Pascanu et al. 2013).</summary>
    [MayChange]
    [Range(0.0, 1e9)]
    public double ClipNorm { get; init; } = 1.0;

    /// <summary>The share of probability spread over all tokens (Szegedy et al. 2016).</summary>
    [MayChange]
    [Range(0.0, 0.999)]
    public double LabelSmoothing { get; init; }

    /// <summary>
    /// The decay of an exponential moving average of the weights, which then is what is judged and kept; 0 keeps none
    /// (Polyak and Juditsky 1992).
    /// </summary>
    [Range(0.0, 0.999999)]
    public double Ema { get; init; }

    /// <summary>The precision of matrix products; weights, norms and the loss stay in fp32.</summary>
    [MayChange]
    public Precision Precision { get; init; } = Precision.Bf16;

    /// <summary>"auto", "cpu" or "cuda".</summary>
    [MayChange]
    public string Device { get; init; } = "auto";

    /// <summary>Threads in all; 0 takes all cores.</summary>
    [MayChange]
    [Range(0, 1024)]
    public int Threads { get; init; }

    /// <summary>
    /// Copies of the model that share a batch's rows, each with its part of the threads; 0 takes what was measured to
    /// be fastest here. One thread a copy makes runs repeat bit for bit.
    /// </summary>
    [MayChange]
    [Range(0, 1024)]
    public int Replicas { get; init; }

    /// <summary>Steps between measurements on validation data; 0 measures at the end only.</summary>
    [MayChange]
    [Range(0, long.MaxValue)]
    public long EvaluateEvery { get; init; } = 250;

    /// <summary>
    /// The most validation batches a measurement takes, spread over the validation part; null takes 40, or as many as
    /// hold 1,280 rows where that is more.
    /// </summary>
    [MayChange]
    [Range(1, 1_000_000)]
    public int? EvaluationBatches { get; init; }

    /// <summary>
    /// Measurements without improvement after which training stops; 0 never stops early (Prechelt 1998).
    /// </summary>
    [MayChange]
    [Range(0, 1_000_000)]
    public int Patience { get; init; }

    /// <summary>Steps between samples; 0 makes none while training.</summary>
    [MayChange]
    [Range(0, long.MaxValue)]
    public long SampleEvery { get; init; } = 500;

    /// <summary>Steps between checkpoints; 0 keeps only the last.</summary>
    [MayChange]
    [Range(0, long.MaxValue)]
    public long CheckpointEvery { get; init; } = 500;

    /// <summary>Steps between progress reports.</summary>
    [MayChange]
    [Range(1, long.MaxValue)]
    public long ReportEvery { get; init; } = 10;

    /// <summary>Learns the first batch over and over: a check that the model can learn at all.</summary>
    public bool OverfitOneBatch { get; init; }
}

/// <summary>What moves the parameters, and how far.</summary>
public sealed record OptimizerSection
{
    /// <summary>What the paths of its keys begin with.</summary>
    internal const string Path = "training.optimizer.";

    /// <summary>The rule.</summary>
    public OptimizerName Name { get; init; } = OptimizerName.AdamW;

    /// <summary>The learning rate before the schedule.</summary>
    [MayChange]
    [Range(0.0, 1e6)]
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Decay of weights, on matrices only: biases and norms are spared.</summary>
    [MayChange]
    [Range(0.0, 10.0)]
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>Momentum of SGD and RMSProp.</summary>
    [Range(0.0, 0.999999)]
    public double Momentum { get; init; }

    /// <summary>Nesterov's form of momentum (Sutskever et al. 2013).</summary>
    public bool Nesterov { get; init; }

    /// <summary>Decay of the gradient's average (Adam, AdamW, Lion).</summary>
    [MayChange]
    [Range(0.0, 0.999999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the squared gradient's average (Adam, AdamW, RMSProp), or of Lion's momentum.</summary>
    [MayChange]
    [Range(0.0, 0.999999)]
    public double Beta2 { get; init; } = 0.99;

    /// <summary>Added to the denominator (Adam, AdamW, RMSProp, Adagrad).</summary>
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

/// <summary>Rules that move parameters.</summary>
public enum OptimizerName
{
    /// <summary>Decoupled weight decay (Loshchilov and Hutter 2019).</summary>
    AdamW,

    /// <summary>Kingma and Ba 2015.</summary>
    Adam,

    /// <summary>Stochastic gradient descent, with momentum where asked.</summary>
    Sgd,

    /// <summary>Gradient descent on all the data each step.</summary>
    FullBatch,

    /// <summary>Tieleman and Hinton 2012.</summary>
    RmsProp,

    /// <summary>Duchi et al. 2011.</summary>
    Adagrad,

    /// <summary>Chen et al. 2023.</summary>
    Lion,
}

/// <summary>How the learning rate changes with the step.</summary>
public sealed record ScheduleSection
{
    /// <summary>The shape after warm-up.</summary>
    public ScheduleName Name { get; init; } = ScheduleName.Cosine;

    /// <summary>Steps over which the rate rises linearly from zero.</summary>
    [Range(0, long.MaxValue)]
    public long WarmupSteps { get; init; } = 100;

    /// <summary>The rate at the end, as a share of the highest.</summary>
    [Range(0.0, 1.0)]
    public double FinalShare { get; init; } = 0.1;

    /// <summary>Steps over which it falls; null takes the run's length.</summary>
    [Range(1, long.MaxValue)]
    public long? DecaySteps { get; init; }
}

/// <summary>Shapes of a learning rate over the steps.</summary>
public enum ScheduleName
{
    /// <summary>Half a cosine (Loshchilov and Hutter 2017).</summary>
    Cosine,

    /// <summary>The same throughout.</summary>
    Constant,

    /// <summary>A straight line.</summary>
    Linear,

    /// <summary>Up and down by cosines (Smith and Topin 2018).</summary>
    OneCycle,

    /// <summary>One over the square root of the step (Vaswani et al. 2017).</summary>
    InverseSquareRoot,
}
