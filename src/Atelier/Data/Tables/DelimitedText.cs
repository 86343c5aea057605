namespace Atelier.Data.Tables;

/// <summary>Writes tables in text as they are read back: RFC 4180 with commas, or plain tab-separated text.</summary>
public static class DelimitedText
{
    private static readonly System.Buffers.SearchValues<char> Quoted =
        System.Buffers.SearchValues.Create(",;|\t\"\r\n");

    /// <summary>A line of cells, its end included.</summary>
    /// <param name="cells">The cells; an empty one stands for a missing value.</param>
    /// <param name="separator">',' or a tab.</param>
    /// <exception cref="AtelierException">
    /// A cell of tab-separated text, which knows no quotes, holds a tab or a line end.
    /// </exception>
    public static string Line(IEnumerable<string> cells, char separator = ',') =>
        string.Join(separator, cells.Select(cell => separator == '\t' ? Plain(cell) : Quote(cell))) + "\n";

    private static string Quote(string cell) => cell.AsSpan().ContainsAny(Quoted) || cell.Trim().Length < cell.Length
        ? $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : cell;

    private static string Plain(string cell) => !cell.AsSpan().ContainsAny("\t\r\n") ? cell
        : throw new AtelierException($"'{cell}' contains a tab or a line end, which tab-separated text cannot hold",
            hint: "write a .csv file");
}
