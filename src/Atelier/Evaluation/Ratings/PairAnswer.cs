using System.Text.Json.Serialization;

namespace Atelier.Evaluation.Ratings;

/// <summary>The answer to a pair of outputs.</summary>
public enum PairChoice
{
    /// <summary>The output on the left is better.</summary>
    Left,

    /// <summary>The output on the right is better.</summary>
    Right,

    /// <summary>The outputs are equally good.</summary>
    Tie,

    /// <summary>The outputs are equally bad.</summary>
    BothBad,
}

/// <summary>Whether a question is an attention check.</summary>
public enum CheckKind
{
    /// <summary>An ordinary question.</summary>
    None,

    /// <summary>A pair of which one output is known to be worse.</summary>
    KnownWorse,

    /// <summary>An earlier pair of the same rater with the sides exchanged.</summary>
    Repeat,
}

/// <summary>A rater's answer to a pair of outputs.</summary>
/// <param name="Id">The number of the answer; later answers have higher numbers.</param>
/// <param name="Rater">The id of the rater.</param>
/// <param name="Left">The id of the item that was shown on the left.</param>
/// <param name="Right">The id of the item that was shown on the right.</param>
/// <param name="Choice">The answer.</param>
/// <param name="Check">Whether the question was an attention check. Checks are not part of the scores.</param>
/// <param name="Reason">The reason in the rater's words; null if none was given.</param>
/// <param name="Seconds">The time that the rater took, in seconds.</param>
/// <param name="Time">When the answer was stored.</param>
public sealed record PairAnswer(long Id, long Rater, string Left, string Right, PairChoice Choice, CheckKind Check,
    string? Reason, double Seconds, DateTimeOffset Time)
{
    /// <summary>The id of the preferred item; null for a tie and for "both bad".</summary>
    [JsonIgnore]
    public string? Preferred => Choice switch
    {
        PairChoice.Left => Left,
        PairChoice.Right => Right,
        _ => null,
    };

    /// <summary>The two items without their sides.</summary>
    internal ItemPair Pair => ItemPair.Of(Left, Right);
}

/// <summary>A rater's value of an output on a scale.</summary>
/// <param name="Id">The number of the answer; later answers have higher numbers.</param>
/// <param name="Rater">The id of the rater.</param>
/// <param name="Item">The id of the item.</param>
/// <param name="Rubric">The name of the scale.</param>
/// <param name="Value">The value, from the lowest to the highest of the scale.</param>
/// <param name="Reason">The reason in the rater's words; null if none was given.</param>
/// <param name="Seconds">The time that the rater took, in seconds.</param>
/// <param name="Time">When the answer was stored.</param>
public sealed record ScaleAnswer(long Id, long Rater, string Item, string Rubric, int Value, string? Reason,
    double Seconds, DateTimeOffset Time);

/// <summary>A person who judges the outputs of a study.</summary>
/// <param name="Id">The number of the rater.</param>
/// <param name="Name">The name, which need not be unique.</param>
/// <param name="Joined">When the rater was added.</param>
public sealed record Rater(long Id, string Name, DateTimeOffset Joined);

/// <summary>A rater who was just added, with the token that admits them.</summary>
/// <param name="Rater">The rater.</param>
/// <param name="Token">
/// The token: 256 random bits as 43 characters that may stand in a URL. It cannot be read again later, because the
/// store keeps only its hash.
/// </param>
public sealed record NewRater(Rater Rater, string Token);
