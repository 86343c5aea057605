namespace Atelier.Recipes;

/// <summary>Marks a section whose keys stand directly in the section around it.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class InlineAttribute : Attribute;
