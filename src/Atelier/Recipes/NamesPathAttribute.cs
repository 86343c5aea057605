namespace Atelier.Recipes;

/// <summary>What a key of a recipe that names a file or folder refers to.</summary>
public enum RecipePath
{
    /// <summary>Data: a file, a folder, or the name of a data set or a world.</summary>
    Data,

    /// <summary>The folder of a run or a bundle.</summary>
    Model,

    /// <summary>A file within the folder of the data, or a word such as "folder".</summary>
    WithinData,

    /// <summary>Another file, or a word such as "auto".</summary>
    File,
}

/// <summary>
/// Marks a key of recipes whose value may be a path. Programs that take recipes from others look these keys up.
/// </summary>
/// <param name="kind">What the path refers to.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NamesPathAttribute(RecipePath kind) : Attribute
{
    /// <summary>What the path refers to.</summary>
    public RecipePath Kind => kind;
}
