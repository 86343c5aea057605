using System.Text;

namespace Atelier.Data.Text.Reading;

/// <summary>
/// Parses delimited text by RFC 4180, with any separator: a field in double quotes may contain separators, line ends
/// and doubled quotes. Rows are returned one at a time, so that memory is bounded by the longest row.
/// </summary>
internal static class CsvRows
{
    /// <summary>
    /// Returns the fields of each row and the number of its first line, from 1. Empty lines are skipped.
    /// </summary>
    /// <param name="blocks">The text, in blocks.</param>
    /// <param name="separator">The separator between fields.</param>
    /// <param name="quoted">Whether fields may be in double quotes; otherwise a quotation mark is an ordinary
    /// character, as in tab-separated text.</param>
    /// <param name="limit">The largest number of characters in a row.</param>
    /// <param name="where">The path of the file, for error messages.</param>
    /// <exception cref="AtelierException">A quote is never closed, or not followed by a separator or line end; or a row
    /// is too long.</exception>
    public static IEnumerable<(long Line, List<string> Fields)> Read(
        IEnumerable<string> blocks, char separator, bool quoted, int limit, string where)
    {
        var row = new Row(separator, quoted, limit, where);
        foreach (string block in blocks)
        {
            foreach (char c in block)
                if (row.Add(c) is { } done)
                    yield return done;
        }
        if (row.Finish() is { } last)
            yield return last;
    }

    private enum Place
    {
        FieldStart,
        Plain,
        Quoted,
        QuoteInQuoted,
    }

    private sealed class Row(char separator, bool quoted, int limit, string where)
    {
        private readonly StringBuilder _field = new();
        private List<string> _fields = [];
        private Place _place;
        private long _line = 1;
        private long _firstLine = 1;
        private int _length;

        public (long, List<string>)? Add(char c)
        {
            if (++_length > limit)
                throw new AtelierException($"the row at line {_firstLine} is longer than {limit} characters", where,
                    "check for a missing closing quote");
            if (c == '\n')
                _line++;
            switch (_place)
            {
                case Place.Quoted:
                    if (c == '"')
                        _place = Place.QuoteInQuoted;
                    else
                        _field.Append(c);
                    return null;
                case Place.QuoteInQuoted when c == '"':
                    _field.Append('"');
                    _place = Place.Quoted;
                    return null;
                case Place.FieldStart when c == '"' && quoted:
                    _place = Place.Quoted;
                    return null;
                default:
                    if (c == separator)
                        EndField();
                    else if (c == '\n')
                        return EndRow();
                    else if (_place == Place.QuoteInQuoted)
                        throw new AtelierException(
                            $"line {_line} has '{c}' after a closing quote, where a separator is expected", where,
                            "double the quotes within a quoted field");
                    else
                    {
                        _field.Append(c);
                        _place = Place.Plain;
                    }
                    return null;
            }
        }

        public (long, List<string>)? Finish()
        {
            if (_place == Place.Quoted)
                throw new AtelierException($"the quote in the row at line {_firstLine} is not closed",
                    where, "close it");
            return EndRow();
        }

        private void EndField()
        {
            _fields.Add(_field.ToString());
            _field.Clear();
            _place = Place.FieldStart;
        }

        private (long, List<string>)? EndRow()
        {
            bool empty = _fields.Count == 0 && _place == Place.FieldStart;
            long line = _firstLine;
            EndField();
            List<string> fields = _fields;
            _fields = [];
            _firstLine = _line;
            _length = 0;
            return empty ? null : (line, fields);
        }
    }
}
