using System.Globalization;

namespace Atelier.Tasks;

/// <summary>An option that a request to a model can have, for the help of a front end.</summary>
/// <param name="Field">The name of the field, in camel case: "class", "topK".</param>
/// <param name="Description">What the option means for this model; null for its general description.</param>
/// <param name="Default">The value that the model uses by default; null if there is none to show.</param>
/// <param name="Example">A value for an example that this model can answer; null leaves the option out of it.</param>
public sealed record RequestOption(string Field, string? Description = null, string? Default = null,
    string? Example = null)
{
    private const int MostNames = 12;

    /// <summary>The values that are possible, such as the names of classes; empty if they cannot be listed.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Returns the option of the classes of a model; none if it has no classes.</summary>
    /// <param name="what">What the model generates, such as "images".</param>
    /// <param name="classes">The names of the classes.</param>
    internal static IReadOnlyList<RequestOption> OfClass(string what, IReadOnlyList<string> classes) =>
        classes.Count == 0 ? []
        : [new("class", $"The class of the {what}: {Names(classes)}.", Example: classes[0]) { Choices = classes }];

    /// <summary>Joins names for a description, and counts those that are too many to show.</summary>
    internal static string Names(IReadOnlyList<string> names) => string.Join(", ", names.Take(MostNames))
        + (names.Count > MostNames ? string.Create(CultureInfo.InvariantCulture, $" and {names.Count - MostNames} more")
            : "");
}
