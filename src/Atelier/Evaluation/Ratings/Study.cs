using System.Text.Json;
using System.Text.Json.Serialization;

namespace Atelier.Evaluation.Ratings;

/// <summary>The kind of answers that a study asks for.</summary>
public enum StudyKind
{
    /// <summary>Raters compare two outputs for the same prompt.</summary>
    Pairwise,

    /// <summary>Raters value each output on one or more scales.</summary>
    Scale,
}

/// <summary>A study in which people judge the outputs of models.</summary>
public sealed record Study
{
    private static readonly JsonSerializerOptions Options = new(EvaluationReport.Compact)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>A short id, such as "stories-2024".</summary>
    public required string Id { get; init; }

    /// <summary>The title that raters see.</summary>
    public required string Title { get; init; }

    /// <summary>The kind of answers.</summary>
    public StudyKind Kind { get; init; }

    /// <summary>The outputs that are judged.</summary>
    public required IReadOnlyList<StudyItem> Items { get; init; }

    /// <summary>The scales of a study of kind <see cref="StudyKind.Scale"/>; otherwise empty.</summary>
    public IReadOnlyList<Rubric> Rubrics { get; init; } = [];

    /// <summary>
    /// Outputs that occur only in attention checks, for example spoilt outputs. They are not part of the scores.
    /// </summary>
    public IReadOnlyList<StudyItem> CheckItems { get; init; } = [];

    /// <summary>The pairs of outputs of which one is known to be worse, for pairwise studies.</summary>
    public IReadOnlyList<AttentionCheck> Checks { get; init; } = [];

    /// <summary>
    /// The interval of attention checks in pairwise studies: with 10, every tenth question of a rater is a check, which
    /// is one of <see cref="Checks"/>, or, when the rater has answered all of these, an earlier pair of the same rater
    /// with the sides exchanged. With 0 there are no checks.
    /// </summary>
    public int CheckEvery { get; init; } = 10;

    /// <summary>The seed of the order of questions and of the sides on which outputs are shown.</summary>
    public long Seed { get; init; }

    /// <summary>The names of the models in the order of the items, without those of check items.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Models => [.. Items.Select(item => item.Model).Distinct()];

    /// <summary>Returns the study as one line of JSON in camelCase.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options);

    /// <summary>Parses a study in the form of <see cref="ToJson"/>, and checks it.</summary>
    /// <exception cref="AtelierException">The text is not a study, or the study is not valid.</exception>
    public static Study FromJson(string json)
    {
        try
        {
            Study study = JsonSerializer.Deserialize<Study>(json, Options)
                ?? throw new JsonException("it is null");
            study.Check();
            return study;
        }
        catch (JsonException e)
        {
            throw new AtelierException($"the study cannot be read: {e.Message.TrimEnd('.')}", e.Path,
                "write it with the properties of a study, in camelCase", e);
        }
    }

    /// <summary>Checks the study.</summary>
    /// <exception cref="AtelierException">
    /// An id is missing or not unique, an output is missing, a name of a file leaves the folder, a scale is empty, a
    /// check names an unknown item, or the study has a property that its kind does not use.
    /// </exception>
    public void Check() => StudyCheck.Check(this);
}
