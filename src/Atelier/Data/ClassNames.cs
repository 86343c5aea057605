namespace Atelier.Data;

/// <summary>Finds classes by their names.</summary>
internal static class ClassNames
{
    private const int MostNamed = 50;

    /// <summary>Returns the label of a class, which is its position in the list.</summary>
    /// <param name="classes">The names of all classes.</param>
    /// <param name="name">The name.</param>
    /// <exception cref="AtelierException">There is no such class.</exception>
    public static int Label(IReadOnlyList<string> classes, string name)
    {
        for (int label = 0; label < classes.Count; label++)
        {
            if (classes[label] == name)
                return label;
        }
        throw classes.Count == 0
            ? new AtelierException($"there is no class '{name}': the model has no classes", Mention.Field("class"),
                "leave it out")
            : new AtelierException($"there is no class '{name}'", Mention.Field("class"),
                $"there are {string.Join(", ", classes.Take(MostNamed))}");
    }
}
