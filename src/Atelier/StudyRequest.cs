using Atelier.Evaluation.Ratings;

namespace Atelier;

/// <summary>What <see cref="Workshop.CreateStudyAsync"/> generates for people to judge.</summary>
public sealed record StudyRequest
{
    /// <summary>The id of the study, such as "stories-1".</summary>
    public required string Id { get; init; }

    /// <summary>The title that raters see.</summary>
    public required string Title { get; init; }

    /// <summary>The models by the name that reports use: folders of runs or bundles, or GGUF files.</summary>
    public required IReadOnlyDictionary<string, string> Models { get; init; }

    /// <summary>
    /// The prompts: texts to continue, or sources; for models of images and sounds, names of classes. Empty for samples
    /// without a prompt.
    /// </summary>
    public IReadOnlyList<string> Prompts { get; init; } = [];

    /// <summary>The number of outputs of each model for each prompt, from 1.</summary>
    public int Count { get; init; } = 1;

    /// <summary>The kind of answers.</summary>
    public StudyKind Kind { get; init; }

    /// <summary>The scales of a study of that kind.</summary>
    public IReadOnlyList<Rubric> Rubrics { get; init; } = [];

    /// <summary>
    /// The number of attention checks of a pairwise study: an output beside the same output spoilt, such as a text with
    /// its words in random order.
    /// </summary>
    public int Checks { get; init; } = 6;

    /// <summary>The seed of the outputs, of the checks, and of the order of questions.</summary>
    public long Seed { get; init; } = 1;
}
