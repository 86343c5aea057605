namespace Atelier;

/// <summary>What a model makes.</summary>
public enum Modality
{
    /// <summary>Text, as strings.</summary>
    Text,
}
