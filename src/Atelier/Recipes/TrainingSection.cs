using System.ComponentModel.DataAnnotations;
using Atelier.Tensors;

namespace Atelier.Recipes;

/// <summary>
/// Options for training. It ends when the first of the limits on steps, epochs and minutes is reached.
/// </summary>
public sealed record TrainingSection
{
    /// <summary>The number of sequences, images or rows in a batch.</summary>
    [Range(1, 1_000_000)]
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// For pairs, tagged sentences and labelled texts, instead of batchSize: the largest number of tokens in a batch,
    /// which is its number of rows times the length of its longest sequence. Null takes 4096.
    /// </summary>
    [Range(1, 1 << 24)]
    public int? BatchTokens { get; init; }

    /// <summary>The number of batches whose gradients are averaged for one step.</summary>
    [Range(1, 100_000)]
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>
    /// Whether to use activation checkpointing: only the inputs of the model's blocks are stored, and the rest is
    /// recomputed in the backward pass (Chen et al. 2016). This takes less memory and about a third more time, with the
    /// same gradients.
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
    /// The longest training time in minutes; null sets no limit. A run that ends by time cannot be reproduced exactly.
    /// </summary>
    [MayChange]
    [Range(0.001, 1e6)]
    public double? Minutes { get; init; }

    /// <summary>
    /// The folder of a run or a bundle whose weights training starts from; null starts from random weights. The model
    /// section and the tokenizer are then those of the bundle.
    /// </summary>
    [MayChange]
    [NamesPath(RecipePath.Model)]
    public string? From { get; init; }

    /// <summary>
    /// The SHA-256 of the weights of <see cref="From"/>, which is written when training starts. A bundle with other
    /// weights is refused.
    /// </summary>
    public string? FromWeights { get; init; }

    /// <summary>
    /// Tokens to add to the tokenizer of <see cref="From"/>, such as "&lt;user&gt;". Their weights begin as the mean of
    /// the other tokens' weights with a little noise.
    /// </summary>
    public IReadOnlyList<string> ExtendVocabulary { get; init; } = [];

    /// <summary>
    /// Keeps the weights that are zero in <see cref="From"/> at zero, so that a pruned model stays pruned while it
    /// recovers.
    /// </summary>
    public bool KeepZeros { get; init; }

    /// <summary>
    /// The folder of a run or a bundle of a larger model with the same tokenizer, whose probabilities of all tokens the
    /// model learns to predict besides the text (distillation; Hinton et al. 2015). For a diffusion model with
    /// model.distilledSteps, a model of the same images, which it learns from instead of from images. Null for none.
    /// </summary>
    [NamesPath(RecipePath.Model)]
    public string? Teacher { get; init; }

    /// <summary>
    /// The weight of the teacher's probabilities in the loss; the text itself has the rest.
    /// </summary>
    [Range(0.0, 1.0)]
    public double TeacherWeight { get; init; } = 0.5;

    /// <summary>
    /// The temperature of the probabilities of teacher and model. Above 1, unlikely tokens matter more.
    /// </summary>
    [Range(0.1, 100.0)]
    public double TeacherTemperature { get; init; } = 1;

    /// <summary>Weights that training does not change.</summary>
    public FreezeSection Freeze { get; init; } = new();

    /// <summary>
    /// The factor between the learning rates of a layer and the layer above it: each layer learns more slowly than the
    /// one above (Howard and Ruder 2018, section 3.2). 1 gives all layers the same rate.
    /// </summary>
    [MayChange]
    [Range(0.01, 1.0)]
    public double LayerDecay { get; init; } = 1;

    /// <summary>Low-rank adaptation; null trains the weights of the model.</summary>
    public LoraSection? Lora { get; init; }

    /// <summary>The optimizer.</summary>
    public OptimizerSection Optimizer { get; init; } = new();

    /// <summary>The learning rate schedule.</summary>
    [MayChange]
    public ScheduleSection Schedule { get; init; } = new();

    /// <summary>
    /// The largest global norm of the gradients. Gradients with a larger norm are scaled down (Pascanu et al. 2013). 0
    /// disables clipping.
    /// </summary>
    [MayChange]
    [Range(0.0, 1e9)]
    public double ClipNorm { get; init; } = 1.0;

    /// <summary>
    /// Label smoothing: the share of the target probability that is spread evenly over all tokens (Szegedy et al.
    /// 2016).
    /// </summary>
    [MayChange]
    [Range(0.0, 0.999)]
    public double LabelSmoothing { get; init; }

    /// <summary>
    /// α of R-Drop (Liang et al. 2021, eq. 4): every batch is computed twice with different dropout, and the symmetric
    /// Kullback-Leibler divergence of the two predictions, times α, is part of the loss. It regularises models that
    /// learn from few examples; a step takes about twice as long. 0 disables it; the authors use 5 for translation.
    /// </summary>
    [MayChange]
    [Range(0.0, 1000.0)]
    public double RDrop { get; init; }

    /// <summary>
    /// The step after which R-Drop begins. Its steps take twice as long, and the first ones gain little from it.
    /// </summary>
    [MayChange]
    [Range(0, long.MaxValue)]
    public long RDropStart { get; init; }

    /// <summary>
    /// The decay of an exponential moving average of the weights (Polyak and Juditsky 1992), which is evaluated and
    /// saved instead of the weights; 0 disables it.
    /// </summary>
    [Range(0.0, 0.999999)]
    public double Ema { get; init; }

    /// <summary>
    /// The precision of matrix products; weights, norms and the loss stay in fp32. Null takes bf16 on GPUs and on
    /// processors with bf16 instructions (AVX512-BF16 or AMX), and fp32 on others, where bf16 would be several times
    /// slower.
    /// </summary>
    [MayChange]
    public Precision? Precision { get; init; }

    /// <summary>The device: "auto", "cpu" or "cuda".</summary>
    [MayChange]
    public string Device { get; init; } = "auto";

    /// <summary>The number of threads; 0 uses all cores.</summary>
    [MayChange]
    [Range(0, 1024)]
    public int Threads { get; init; }

    /// <summary>
    /// The number of copies of the model among which the rows of a batch and the threads are divided. 0 takes the
    /// number that is measured to be fastest on this machine. With one thread per copy, runs are bitwise reproducible.
    /// </summary>
    [MayChange]
    [Range(0, 1024)]
    public int Replicas { get; init; }

    /// <summary>The number of steps between evaluations on the validation data; 0 evaluates only at the end.</summary>
    [MayChange]
    [Range(0, long.MaxValue)]
    public long EvaluateEvery { get; init; } = 250;

    /// <summary>
    /// The largest number of batches in an evaluation, spread over the validation data. Null takes 40, or as many as
    /// hold 1,280 rows if that is more.
    /// </summary>
    [MayChange]
    [Range(1, 1_000_000)]
    public int? EvaluationBatches { get; init; }

    /// <summary>
    /// The number of evaluations without improvement after which training stops early (Prechelt 1998); 0 disables
    /// early stopping.
    /// </summary>
    [MayChange]
    [Range(0, 1_000_000)]
    public int Patience { get; init; }

    /// <summary>The number of steps between samples; 0 generates none during training.</summary>
    [MayChange]
    [Range(0, long.MaxValue)]
    public long SampleEvery { get; init; } = 500;

    /// <summary>The number of steps between checkpoints; 0 saves only the last one.</summary>
    [MayChange]
    [Range(0, long.MaxValue)]
    public long CheckpointEvery { get; init; } = 500;

    /// <summary>The number of steps between progress reports.</summary>
    [MayChange]
    [Range(1, long.MaxValue)]
    public long ReportEvery { get; init; } = 10;

    /// <summary>Whether to train on the first batch only, to check that the model can learn at all.</summary>
    public bool OverfitOneBatch { get; init; }

    /// <summary>The precision, or the default of this machine if it is not set.</summary>
    internal Precision ChosenPrecision => Precision ?? ComputeDevice.FastPrecision(Device);

    /// <summary>What of the chosen optimizer and schedule ignores a key of the recipe; null where it is read.</summary>
    internal string? IgnoredBy(string key)
    {
        if (key.StartsWith(OptimizerSection.Path, StringComparison.Ordinal))
            return Optimizer.Reads(key[OptimizerSection.Path.Length..]) ? null
                : $"the rule {RecipeNames.Value(Optimizer.Name)}";
        if (key.StartsWith(ScheduleSection.Path, StringComparison.Ordinal))
            return Schedule.Reads(key[ScheduleSection.Path.Length..]) ? null
                : $"the schedule {RecipeNames.Value(Schedule.Name)}";
        if (Lora is not null
            && (key == "training.keepZeros" || key.StartsWith("training.freeze.", StringComparison.Ordinal)))
            return "training.lora, which keeps all weights of the model,";
        if (key == "training.rDropStart" && RDrop == 0)
            return "training.rDrop 0";
        if (key is "training.teacherWeight" or "training.teacherTemperature" && Teacher is null)
            return "a training without training.teacher";
        return key == "training.gradientAccumulation" && Optimizer.Name == OptimizerName.FullBatch
            ? $"the rule {RecipeNames.Value(Optimizer.Name)}" : null;
    }
}

/// <summary>The optimizer and its hyperparameters.</summary>
public sealed record OptimizerSection
{
    /// <summary>The prefix of the paths of its keys.</summary>
    internal const string Path = "training.optimizer.";

    /// <summary>The name of the optimizer.</summary>
    public OptimizerName Name { get; init; } = OptimizerName.AdamW;

    /// <summary>
    /// The highest learning rate, before the schedule is applied. Adafactor multiplies it by the root mean square of
    /// each parameter's weights.
    /// </summary>
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

    /// <summary>Whether to use Nesterov momentum (Sutskever et al. 2013).</summary>
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

    /// <summary>Returns whether the chosen optimizer reads a key of this section.</summary>
    internal bool Reads(string key) => key switch
    {
        "momentum" or "nesterov" => Name is OptimizerName.Sgd or OptimizerName.FullBatch or OptimizerName.RmsProp,
        "beta1" => Name is OptimizerName.Adam or OptimizerName.AdamW or OptimizerName.Lion,
        "beta2" => Name is OptimizerName.Adam or OptimizerName.AdamW or OptimizerName.Lion or OptimizerName.RmsProp,
        "epsilon" => Name is OptimizerName.Adam or OptimizerName.AdamW or OptimizerName.RmsProp
            or OptimizerName.Adagrad,
        _ => true,
    };
}

/// <summary>Optimizers.</summary>
public enum OptimizerName
{
    /// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019).</summary>
    AdamW,

    /// <summary>Adam (Kingma and Ba 2015).</summary>
    Adam,

    /// <summary>Stochastic gradient descent, with momentum if set.</summary>
    Sgd,

    /// <summary>Gradient descent on all training data in each step.</summary>
    FullBatch,

    /// <summary>RMSProp (Tieleman and Hinton 2012).</summary>
    RmsProp,

    /// <summary>Adagrad (Duchi et al. 2011).</summary>
    Adagrad,

    /// <summary>Lion (Chen et al. 2023).</summary>
    Lion,

    /// <summary>Adafactor, whose steps are relative to the size of the weights (Shazeer and Stern 2018).</summary>
    Adafactor,
}
