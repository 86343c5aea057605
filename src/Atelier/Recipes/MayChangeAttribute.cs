namespace Atelier.Recipes;

/// <summary>
/// Marks a key of recipes, or all keys of a section, that may be edited while a run is unfinished: its data and its
/// checkpoints fit all the same.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class MayChangeAttribute : Attribute;
