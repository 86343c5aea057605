using System.Text;

namespace Atelier.Data.Text.Reading;

/// <summary>
/// Rows of separated text as RFC 4180 has it, with any separator: a field may stand in double quotes, and then hold
/// separators, line ends and doubled quotes. A row's fields are handed out one row at a time, in memory bounded by the
/// row.
/// </summary>
internal static class CsvRows
{
    /// <summary>The rows with the line that each begins on, from 1; empty lines are none.</summary>
    /// <param name="blocks">The text, in pieces.</param>
    /// <param name="separator">Stands between fields.</param>
    /// <param name="quoted">Whether quotes quote; in plain tab-separated text they stand for themselves.</param>
    /// <param name="limit">The most characters in a row.</param>
    /// <param name="where">The file, for errors.</param>
    /// <exception cref="AtelierException">A quote is never closed, or followed by something else than a separator; or a
    /// row is too long.</exception>
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
