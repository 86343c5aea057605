namespace Atelier.Data.Tables;

/// <summary>Detects the separator between the cells of a text table.</summary>
internal static class Delimiter
{
    private const int MostRows = 50;

    private static readonly char[] Known = [',', ';', '\t', '|'];

    /// <summary>
    /// Returns the separator that divides all rows at the beginning of a table into the same number of cells, which
    /// must be more than one; if several separators do, the one that gives the most cells. If none does, returns the
    /// usual separator of the file's extension, so that the first row of a different length is reported with its line.
    /// </summary>
    /// <param name="beginning">The first characters of the table.</param>
    /// <param name="usual">The usual separator of the file's extension.</param>
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

    /// <summary>Returns the number of cells that each row has; 0 if rows differ.</summary>
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
        // The last row may be incomplete, so it does not count.
        return row == 0 ? cells : first;
    }
}
