namespace Atelier.Data.Tables;

/// <summary>Writes tables as text: CSV as in RFC 4180, or tab-separated text without quotes.</summary>
public static class DelimitedText
{
    private static readonly System.Buffers.SearchValues<char> Quoted =
        System.Buffers.SearchValues.Create(",;|\t\"\r\n");

    /// <summary>Returns a line of cells, including its line end.</summary>
    /// <param name="cells">The cells; an empty string stands for a missing value.</param>
    /// <param name="separator">The separator: a comma or a tab.</param>
    /// <exception cref="AtelierException">
    /// A cell of tab-separated text, which has no quotes, holds a tab or a line end.
    /// </exception>
    public static string Line(IEnumerable<string> cells, char separator = ',') =>
        string.Join(separator, cells.Select(cell => separator == '\t' ? Plain(cell) : Quote(cell))) + "\n";

    private static string Quote(string cell) => cell.AsSpan().ContainsAny(Quoted) || cell.Trim().Length < cell.Length
        ? $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : cell;

    private static string Plain(string cell) => !cell.AsSpan().ContainsAny("\t\r\n") ? cell
        : throw new AtelierException($"'{cell}' contains a tab or a line end, which tab-separated text cannot hold",
            hint: "write a .csv file");
}
