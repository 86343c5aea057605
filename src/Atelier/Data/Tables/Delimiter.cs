namespace Atelier.Data.Tables;

/// <summary>What stands between the cells of a table in text.</summary>
internal static class Delimiter
{
    private const int MostRows = 50;

    private static readonly char[] Known = [',', ';', '\t', '|'];

    /// <summary>
    /// The separator that divides all rows at the table's beginning into the same number of cells, more than one; if
    /// several do, the one with the most cells. If none does, the usual separator of the file's extension, so that a
    /// row that does not fit is reported with its line.
    /// </summary>
    /// <param name="beginning">The first characters of the table.</param>
    /// <param name="usual">The separator of the file's ending.</param>
    public static char Find(string beginning, char usual)
    {
        IEnumerable<char> candidates = Known.Where(c => c != usual).Prepend(usual);
        (char best, int most) = (usual, 1);
        foreach (char candidate in candidates)
        {
            int cells = CellsOfEveryRow(beginning, candidate);
            if (cells > most)
                (best, most) = (candidate, cells);
        }
        return best;
    }

    /// <summary>The cells that every row has; 0 where rows differ.</summary>
    private static int CellsOfEveryRow(string text, char separator)
    {
        int row = 0, cells = 1, first = 0;
        bool quoted = false, isEmpty = true;
        foreach (char c in text)
        {
            if (c == '"' && separator != '\t')
                quoted = !quoted;
            isEmpty &= c is '\n' or '\r';
            if (c == separator && !quoted)
                cells++;
            if (c != '\n' || quoted || isEmpty)
                continue;
            if (row++ == 0)
                first = cells;
            else if (cells != first)
                return 0;
            if (row == MostRows)
                return first;
            (cells, isEmpty) = (1, true);
        }
        // The last row may be cut where the text is.
        return row == 0 ? cells : first;
    }
}
