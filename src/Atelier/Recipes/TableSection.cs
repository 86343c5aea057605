using System.ComponentModel.DataAnnotations;

namespace Atelier.Recipes;

/// <summary>Options for reading tables and series.</summary>
public sealed record TableSection
{
    /// <summary>The columns to use, in order. An empty list takes all columns.</summary>
    public IReadOnlyList<string> Columns { get; init; } = [];

    /// <summary>
    /// Columns to read as numbers. By default a column is numeric if all its values are numbers and more than 10 of
    /// them differ.
    /// </summary>
    public IReadOnlyList<string> Numeric { get; init; } = [];

    /// <summary>Columns to read as categories, even though their values look like numbers.</summary>
    public IReadOnlyList<string> Categorical { get; init; } = [];

    /// <summary>
    /// How numeric columns are discretised: "none", "width" (bins of equal width) or "quantile" (bins of equal counts
    /// in the training rows). Null takes "quantile" for families that model categories only, such as Bayesian networks,
    /// and "none" for others.
    /// </summary>
    public Discretisation? Discretise { get; init; }

    /// <summary>The number of bins of a discretised column.</summary>
    [Range(2, 10_000)]
    public int Bins { get; init; } = 5;

    /// <summary>
    /// Cell contents that mean a missing value. In numeric columns "None" and markers such as "-", "." and "nil" do
    /// as well.
    /// </summary>
    public IReadOnlyList<string> Missing { get; init; } = (string[])
        ["", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "-nan", "null", "NULL", "Null"];

    /// <summary>The separator between cells of a text table: one character, or "tab". Null detects it.</summary>
    public string? Separator { get; init; }

    /// <summary>The decimal mark of numbers, "." or ",". Null detects it for each column.</summary>
    public string? Decimal { get; init; }

    /// <summary>
    /// Whether the first row of a text table holds the column names. Null assumes so, unless it contains numbers such
    /// as 1.5.
    /// </summary>
    public bool? Header { get; init; }

    /// <summary>
    /// For series: the column that identifies the sequence of a row. Null if all rows form one sequence.
    /// </summary>
    public string? Sequence { get; init; }
}

/// <summary>Methods of discretising numbers.</summary>
public enum Discretisation
{
    /// <summary>Numbers are not discretised.</summary>
    None,

    /// <summary>Bins of equal width between the smallest and the largest training value.</summary>
    Width,

    /// <summary>Bins that hold about the same number of training rows.</summary>
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
