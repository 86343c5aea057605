using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>How the rows of a table or a series are read.</summary>
public sealed record TableSection
{
    /// <summary>The columns to take, in order; empty takes all.</summary>
    public IReadOnlyList<string> Columns { get; init; } = [];

    /// <summary>
    /// Columns whose values are numbers. Others are numbers where all their values are and more than 10 differ.
    /// </summary>
    public IReadOnlyList<string> Numeric { get; init; } = [];

    /// <summary>Columns whose values are names of levels, though they look like numbers.</summary>
    public IReadOnlyList<string> Categorical { get; init; } = [];

    /// <summary>
    /// Whether columns of numbers become levels: none, of equal width, or of equally many training rows. Null takes the
    /// last for families that learn levels only, as networks do, and none for others.
    /// </summary>
    public Discretisation? Discretise { get; init; }

    /// <summary>The levels that a column of numbers becomes.</summary>
    [Range(2, 10_000)]
    public int Bins { get; init; } = 5;

    /// <summary>Cells that stand for a value that is missing; among numbers, None does as well.</summary>
    public IReadOnlyList<string> Missing { get; init; } = (string[])
        ["", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "-nan", "null", "NULL", "Null"];

    /// <summary>What stands between the cells of a table in text: one character, or tab; null finds it out.</summary>
    public string? Separator { get; init; }

    /// <summary>What stands before the decimals of numbers, "." or ","; null finds it out for each column.</summary>
    public string? Decimal { get; init; }

    /// <summary>
    /// Whether the first row of a table in text names its columns; null takes it so unless it holds numbers such as
    /// 1.5.
    /// </summary>
    public bool? Header { get; init; }

    /// <summary>
    /// Of a series: the column that says which sequence a row belongs to; null where all rows are one.
    /// </summary>
    public string? Sequence { get; init; }
}

/// <summary>Ways of making levels of numbers.</summary>
public enum Discretisation
{
    /// <summary>Numbers stay numbers.</summary>
    None,

    /// <summary>Levels of equal width between the least and the greatest training value.</summary>
    Width,

    /// <summary>Levels of about equally many training rows.</summary>
    Quantile,
}

/// <summary>Columns of a CoNLL-U file that hold tags.</summary>
public enum TagColumn
{
    /// <summary>Universal part-of-speech tags.</summary>
    Upos,

    /// <summary>The treebank's own tags.</summary>
    Xpos,
}
