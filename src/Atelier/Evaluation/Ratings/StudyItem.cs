namespace Atelier.Evaluation.Ratings;

/// <summary>One output of a model, which raters see without the name of the model.</summary>
public sealed record StudyItem
{
    /// <summary>The id of the item, unique in the study.</summary>
    public required string Id { get; init; }

    /// <summary>The id of the prompt. Only outputs for the same prompt are compared.</summary>
    public required string PromptId { get; init; }

    /// <summary>The text of the prompt, which is the same for all items with the same prompt id.</summary>
    public required string Prompt { get; init; }

    /// <summary>The name of the model that generated the output.</summary>
    public required string Model { get; init; }

    /// <summary>The output of a text model; null if the output is a media file.</summary>
    public string? Text { get; init; }

    /// <summary>
    /// The name of the media file relative to the folder of the study's media, with "/" between folders; null if the
    /// output is text.
    /// </summary>
    public string? File { get; init; }

    /// <summary>The media type of the file, such as "image/png" or "audio/wav"; null if the output is text.</summary>
    public string? MediaType { get; init; }

    /// <summary>Whether raters can compare it with another output: one of another model, and not identical.</summary>
    internal bool IsComparableWith(StudyItem other) => Model != other.Model && !IsTwinOf(other);

    /// <summary>Whether it is the same output as another one; identical media share a file.</summary>
    internal bool IsTwinOf(StudyItem other) => (Text, File) == (other.Text, other.File);
}

/// <summary>A scale on which the raters of a study value each output.</summary>
public sealed record Rubric
{
    /// <summary>The name of the scale, unique in the study, such as "fluency".</summary>
    public required string Name { get; init; }

    /// <summary>What raters should judge.</summary>
    public required string Description { get; init; }

    /// <summary>The lowest value. All whole numbers from the lowest to the highest value are valid answers.</summary>
    public int Lowest { get; init; } = 1;

    /// <summary>The highest value, which is greater than the lowest.</summary>
    public int Highest { get; init; } = 5;

    /// <summary>The meaning of the lowest value, such as "incomprehensible".</summary>
    public string? LowestLabel { get; init; }

    /// <summary>The meaning of the highest value, such as "flawless".</summary>
    public string? HighestLabel { get; init; }
}

/// <summary>A pair of outputs of which one is known to be worse. An attentive rater prefers the other.</summary>
/// <param name="Better">The id of the better output: an item or a check item of the study.</param>
/// <param name="Worse">The id of the worse output, which is a check item of the study.</param>
public sealed record AttentionCheck(string Better, string Worse);
