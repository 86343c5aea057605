namespace Atelier.Recipes;

/// <summary>
/// Marks a key of recipes, or all keys of a section, that may be edited while a run is unfinished, because its data and
/// checkpoints remain valid.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class MayChangeAttribute : Attribute;
