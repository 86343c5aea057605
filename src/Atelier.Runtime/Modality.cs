namespace Atelier;

/// <summary>What a model makes.</summary>
public enum Modality
{
    /// <summary>Text, as strings.</summary>
    Text,

    /// <summary>Sentences whose words carry tags.</summary>
    Tagged,

    /// <summary>Sequences of numbers.</summary>
    Series,

    /// <summary>Rows of a table.</summary>
    Table,

    /// <summary>Pictures.</summary>
    Image,
}
