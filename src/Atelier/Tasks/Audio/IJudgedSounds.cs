using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Evaluation;
using static TorchSharp.torch;

namespace Atelier.Tasks.Audio;

/// <summary>A generator of sounds as <see cref="AudioEvaluator"/> sees it.</summary>
internal interface IJudgedSounds
{
    /// <summary>Whether it can be asked for a class.</summary>
    bool IsConditional { get; }

    /// <summary>The device of the model.</summary>
    Device Device { get; }

    /// <summary>The spectrograms by which sounds are compared.</summary>
    SpectrogramFormat Format { get; }

    /// <summary>The name and unit of the metric that a verdict is about where sounds cannot be compared.</summary>
    (string Metric, string Unit) OwnMetric { get; }

    /// <summary>What the baseline reconstructedSounds is, for the report.</summary>
    string Note { get; }

    /// <summary>Computes the model's own metrics on held-out sounds.</summary>
    /// <param name="isTest">Whether they are those of the test part, and not of the validation part.</param>
    /// <param name="part">Their spectrograms.</param>
    /// <param name="baselines">Receives the same metrics of simpler models, by name.</param>
    /// <param name="context">How to evaluate.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    Dictionary<string, Metric> Own(bool isTest, ImagePart part,
        Dictionary<string, IReadOnlyDictionary<string, Metric>> baselines, EvaluationContext context,
        CancellationToken cancellation);

    /// <summary>Generates sounds, each class as often as in the data, in random order.</summary>
    /// <param name="labels">The classes of the data.</param>
    /// <param name="schema">The size and classes of the spectrograms.</param>
    /// <param name="context">How many, and the seed.</param>
    /// <param name="progress">Receives a message while it runs.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    SpectrogramSounds Generate(IReadOnlyList<int> labels, ImageSchema schema, EvaluationContext context,
        IProgress<string>? progress, CancellationToken cancellation);

    /// <summary>Returns held-out sounds after the step that turns what the model generates into samples.</summary>
    SpectrogramSounds Reconstruct(bool isTest, ImagePart part, int count, long seed, IProgress<string>? progress,
        CancellationToken cancellation);
}
