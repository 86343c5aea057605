using Atelier.Abstractions;
using Atelier.Data.Video;
using Atelier.Recipes;
using Atelier.Training;
using Atelier.Training.Execution;
using static TorchSharp.torch;

namespace Atelier.Tasks.Video;

/// <summary>A network that generates clips.</summary>
/// <param name="name">The family's name.</param>
/// <param name="schema">The size, channels, length and classes of its clips.</param>
public abstract class VideoModel(string name, VideoSchema schema) : GradientModel<VideoBatch>(name)
{
    /// <summary>The size, channels, length and classes of its clips.</summary>
    public VideoSchema Schema { get; } = schema;

    /// <summary>Whether it generates clips of a requested class.</summary>
    public abstract bool IsConditional { get; }

    /// <summary>
    /// Whether it generates clips without given frames. Other models only continue given frames.
    /// </summary>
    public abstract bool GeneratesFreely { get; }

    /// <summary>Whether it generates frames between given ones.</summary>
    public virtual bool FillsIn => GeneratesFreely;

    /// <summary>Whether it chooses codes one after another, with decoding options such as a temperature.</summary>
    public virtual bool ChoosesCodes => false;

    /// <summary>The names of the <see cref="SamplingOptions"/> that the model supports, in camel case.</summary>
    public virtual IReadOnlyList<string> SamplingFields => [];

    /// <summary>The threads that divide the clips of a batch when it is sampled.</summary>
    internal SamplingThreads Threads { get; } = new();

    /// <summary>Generates clips, each from its own noise. Called in evaluation mode without gradients.</summary>
    /// <param name="noise">Standard normal, [batch, <see cref="VideoSchema.Size"/>].</param>
    /// <param name="given">The given frames; null for none.</param>
    /// <param name="labels">The classes, [batch], int64; null without a class.</param>
    /// <param name="sampling">How to generate, with the options as <see cref="Check"/> returns them.</param>
    /// <param name="random">The random numbers that a sampler adds in its steps.</param>
    /// <param name="cancellation">Cancels before the next sampling step.</param>
    /// <returns>[batch, frames, channels, height, width], fp32, −1 to 1. Given frames are unchanged.</returns>
    public abstract Tensor Sample(Tensor noise, GivenFrames? given, Tensor? labels, VideoSampling sampling,
        Generator random, CancellationToken cancellation = default);

    /// <summary>Returns the options with the defaults filled in that the model reads.</summary>
    /// <param name="drawing">The options of a request.</param>
    /// <param name="defaults">The values of options that are null.</param>
    /// <exception cref="AtelierException">An option has no meaning for the model, or an impossible value.</exception>
    public virtual SamplingOptions Check(SamplingOptions drawing, SamplingDefaults defaults) =>
        drawing == new SamplingOptions()
        ? drawing
        : throw new AtelierException("this kind of model has no sampling options", "generation",
            "leave the sampler, the steps and the guidance out");

    /// <summary>Throws if patches do not divide the frames.</summary>
    /// <exception cref="AtelierException">They do not.</exception>
    internal static void CheckPatches(VideoSchema schema, int patchSize)
    {
        if (schema.Width % patchSize != 0 || schema.Height % patchSize != 0)
            throw new AtelierException(
                $"patches of {patchSize} do not divide frames of {schema.Width} × {schema.Height}", "model.patchSize",
                "use 1, 2 or 4, or another data.video.width and height");
    }

    /// <inheritdoc/>
    public override string Unit(string figure) => "mean squared error";

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Threads.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>How a <see cref="VideoModel"/> generates.</summary>
/// <param name="Drawing">The sampling options.</param>
/// <param name="Decoding">The options of models that choose codes; other models ignore them.</param>
public sealed record VideoSampling(SamplingOptions Drawing, DecodingOptions Decoding);
