namespace Atelier;

/// <summary>The kind of data that a model generates.</summary>
public enum Modality
{
    /// <summary>Text.</summary>
    Text,

    /// <summary>Sentences with a tag for each word.</summary>
    Tagged,

    /// <summary>Time series: sequences of numbers.</summary>
    Series,

    /// <summary>Rows of a table.</summary>
    Table,

    /// <summary>Images.</summary>
    Image,

    /// <summary>Pairs of texts, of which the first is given and the second is generated.</summary>
    Pairs,

    /// <summary>Texts with a label each.</summary>
    Labelled,

    /// <summary>Sounds.</summary>
    Audio,

    /// <summary>Videos.</summary>
    Video,

    /// <summary>Conversations, of which the answers are generated.</summary>
    Conversations,
}
