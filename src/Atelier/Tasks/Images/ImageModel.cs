using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Images;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Training;
using Atelier.Training.Execution;
using static TorchSharp.torch;

namespace Atelier.Tasks.Images;

/// <summary>A network that generates images.</summary>
/// <param name="name">The family's name.</param>
/// <param name="schema">The size, channels and classes of its images.</param>
public abstract class ImageModel(string name, ImageSchema schema) : GradientModel<ImageBatch>(name)
{
    /// <summary>The size, channels and classes of its images.</summary>
    public ImageSchema Schema { get; } = schema;

    /// <summary>Whether it generates images of a requested class.</summary>
    public abstract bool IsConditional { get; }

    /// <summary>Generates images, each from its own noise. Called in evaluation mode without gradients.</summary>
    /// <param name="noise">Standard normal, [batch, <see cref="NoiseSize"/>].</param>
    /// <param name="labels">The classes, [batch], int64, or between classes their weights, [batch, classes], fp32; null
    /// without a class.</param>
    /// <param name="drawing">The sampling options, as <see cref="Check"/> returns them.</param>
    /// <param name="random">The random numbers that a sampler adds in its steps.</param>
    /// <param name="given">The images to begin from or to enlarge, [batch, channels, height, width], −1 to 1; null
    /// takes the image of the options.</param>
    /// <param name="cancellation">Cancels before the next sampling step.</param>
    /// <returns>[batch, channels, height, width], fp32, −1 to 1.</returns>
    public abstract Tensor Sample(Tensor noise, Tensor? labels, SamplingOptions drawing, Generator random,
        Tensor? given = null, CancellationToken cancellation = default);

    /// <summary>The properties of an upscaling model; null for a model that generates from noise alone.</summary>
    public virtual IUpscaler? Upscaler => null;

    /// <summary>
    /// Whether a training step needs its whole batch at once; the loss of other models is the mean over any division of
    /// the batch.
    /// </summary>
    public virtual bool NeedsWholeBatch => false;

    /// <summary>
    /// Mean figures on held-out images by name, including "loss", for the evaluation of the finished model; called in
    /// evaluation mode without gradients.
    /// </summary>
    /// <param name="batch">The images.</param>
    /// <param name="options">The options of the evaluation.</param>
    public virtual IReadOnlyDictionary<string, double> Judge(ImageBatch batch, EvaluationSection options) =>
        Evaluate(batch);

    /// <summary>
    /// Likelihood figures of each image by name; empty if the model has none. Called in evaluation mode without
    /// gradients.
    /// </summary>
    /// <param name="batch">The images.</param>
    /// <param name="seed">The seed of the random numbers of the estimate.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public virtual IReadOnlyDictionary<string, double[]> Likelihood(ImageBatch batch, long seed,
        CancellationToken cancellation = default) => new Dictionary<string, double[]>();

    /// <summary>
    /// Fits what depends on the final weights, before images are drawn during training and before the bundle is
    /// written; called in evaluation mode without gradients.
    /// </summary>
    /// <param name="training">The training data.</param>
    /// <param name="batches">The largest number of batches to use.</param>
    public virtual void FitAfterTraining(IBatchSource<ImageBatch> training, long batches)
    {
    }

    /// <summary>The number of random values that an image is generated from.</summary>
    public abstract long NoiseSize { get; }

    /// <summary>The threads that divide the images of a batch when it is sampled.</summary>
    internal SamplingThreads Threads { get; } = new();

    /// <summary>The names of the <see cref="SamplingOptions"/> that the model supports, in camel case.</summary>
    public virtual IReadOnlyList<string> SamplingFields => [];

    /// <summary>Returns the sampling defaults of the model, given those of its recipe.</summary>
    internal virtual SamplingDefaults DefaultsOf(SamplingDefaults recipe) => recipe;

    /// <summary>Receives intermediate images from <see cref="Sample"/>; null for none.</summary>
    internal Action<DrawnSoFar>? Watch { get; set; }

    /// <summary>Returns the options with the defaults filled in that the model reads.</summary>
    /// <param name="drawing">The options of a request.</param>
    /// <param name="defaults">The values of options that are null.</param>
    /// <exception cref="AtelierException">An option has no meaning for the model, or an impossible value.</exception>
    public virtual SamplingOptions Check(SamplingOptions drawing, SamplingDefaults defaults) =>
        drawing == new SamplingOptions()
        ? drawing
        : throw new AtelierException("this kind of model samples in one step", "generation",
            "leave the sampler, the steps and the guidance out");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Threads.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>An intermediate state of sampling.</summary>
/// <param name="Done">Progress from 0 to 1.</param>
/// <param name="Images">Returns the present images, [batch, channels, height, width], about −1 to 1.</param>
internal readonly record struct DrawnSoFar(double Done, Func<Tensor> Images);
