using System.Globalization;

namespace Atelier.Models.BayesianNetwork;

/// <summary>A parser of the Bayesian Interchange Format.</summary>
/// <param name="text">The contents of the file.</param>
/// <param name="path">The path of the file, for error messages.</param>
internal sealed class BifReader(string text, string path)
{
    /// <summary>The characters that end a word.</summary>
    public const string Special = "{}()[]|,;\"";

    private const double RoundingTolerance = 1e-3;
    private const long MostCells = 1 << 24;

    private readonly List<Variable> _variables = [];
    private readonly Dictionary<string, int> _indices = [];
    private readonly Dictionary<int, (int[] Parents, double[] Table)> _tables = [];
    private int _at;
    private int _line = 1;
    private int _wordLine = 1;

    /// <summary>Parses the network.</summary>
    /// <exception cref="AtelierException">The text is not valid BIF, lacks a table, or has a row that does not sum to
    /// 1.</exception>
    public DiscreteNetwork Read()
    {
        // Tables may precede the variables that they name, so a first pass reads the variables.
        for (string word = Next(); word.Length > 0; word = Next())
        {
            if (word == "variable")
                ReadVariable();
            else if (word == "network")
                ReadNetwork();
            else
                SkipBlock(word);
        }
        (_at, _line) = (0, 1);
        for (string word = Next(); word.Length > 0; word = Next())
        {
            if (word == "probability")
                ReadTable();
            else
                SkipBlock(word);
        }
        if (_variables.Count == 0)
            throw new AtelierException("holds no variable", path, "provide a Bayesian network in BIF format");
        string[] names = [.. _variables.Select(v => v.Name)];
        for (int i = 0; i < names.Length; i++)
        {
            if (!_tables.ContainsKey(i))
                throw new AtelierException($"there is no table for {names[i]}", path,
                    $"add: probability ( {names[i]} ) {{ … }}");
        }
        try
        {
            var graph = new DirectedGraph([.. names.Select((_, i) => _tables[i].Parents)], names);
            return new DiscreteNetwork(_variables, graph, [.. names.Select((_, i) => _tables[i].Table)]);
        }
        catch (AtelierException e)
        {
            throw e.At(path);
        }
    }

    private void ReadVariable()
    {
        string name = Name("a variable's name");
        int line = _wordLine;
        Expect("{");
        List<string>? states = null;
        for (string word = Next(); word != "}"; word = Next())
        {
            if (word != "type")
            {
                SkipProperty(word, "type or property");
                continue;
            }
            if (states is not null)
                throw Wrong($"{name} has two types");
            Expect("discrete");
            Expect("[");
            string count = Next();
            Expect("]");
            Expect("{");
            states = ReadList("}");
            Expect(";");
            if (count != states.Count.ToString(CultureInfo.InvariantCulture))
                throw Wrong($"{name} declares {count} states but lists {states.Count}");
        }
        if (!_indices.TryAdd(name, _variables.Count))
            throw Wrong($"the variable {name} appears twice");
        try
        {
            _variables.Add(new Variable(name, states ?? throw Wrong($"{name} has no states")));
        }
        catch (AtelierException e) when (e.Where != path)
        {
            throw e.At($"{path}, line {line}");
        }
    }

    private void ReadTable()
    {
        Expect("(");
        int child = Known(Name("a variable's name"));
        string next = Next();
        // Older files list the parents without a bar before them.
        List<string> given = next switch
        {
            ")" => [],
            "|" or "," => ReadList(")"),
            "" or [not '"', ..] when next.Length == 0 || Special.Contains(next[0]) => throw Unexpected(next, "| or )"),
            _ => [Plain(next), .. ReadList(")")],
        };
        int[] parents = [.. given.Select(Known)];
        int states = _variables[child].States.Count;
        long cells = parents.Aggregate((long)states,
            (product, p) => Math.Min(product * _variables[p].States.Count, MostCells + 1));
        if (cells > MostCells)
            throw Wrong($"the table of {_variables[child].Name} would have more than {MostCells} numbers");
        if (cells > text.Length)
            throw Wrong($"the table of {_variables[child].Name} would have {cells} numbers, more than the file can "
                + $"hold");
        var table = new double[cells];
        Array.Fill(table, double.NaN);
        double[]? otherwise = null;
        Expect("{");
        for (string word = Next(); word != "}"; word = Next())
        {
            if (word == "table")
                Fill(table, parents.Length, states, Numbers((int)cells, child));
            else if (word == "default")
                otherwise = Numbers(states, child);
            else if (word == "(")
                ReadRow(table, parents, states, child);
            else
                SkipProperty(word, "table, default, a row or property");
        }
        if (!_tables.TryAdd(child, (parents, table)))
            throw Wrong($"the table of {_variables[child].Name} appears twice");
        Finish(table, states, child, otherwise);
    }

    private void ReadRow(double[] table, int[] parents, int states, int child)
    {
        int start = Row(parents, child) * states;
        if (!double.IsNaN(table[start]))
            throw Wrong($"a row of the table of {_variables[child].Name} appears twice");
        Numbers(states, child).CopyTo(table, start);
    }

    private int Row(int[] parents, int child)
    {
        List<string> values = ReadList(")");
        if (values.Count != parents.Length)
            throw Wrong($"a row of the table of {_variables[child].Name} names {values.Count} states for "
                + $"{parents.Length} parents");
        int row = 0;
        for (int d = 0; d < parents.Length; d++)
        {
            Variable parent = _variables[parents[d]];
            int state = parent.Find(values[d]) ?? throw Wrong($"{parent.Name} has no state '{values[d]}'");
            row = (row * parent.States.Count) + state;
        }
        return row;
    }

    // In the file's "table" the child's state varies slowest; in ours it varies fastest.
    private static void Fill(double[] table, int parents, int states, double[] numbers)
    {
        int rows = table.Length / states;
        for (int state = 0; state < states; state++)
        {
            for (int row = 0; row < rows; row++)
                table[(row * states) + state] = numbers[parents == 0 ? state : (state * rows) + row];
        }
    }

    private void Finish(double[] table, int states, int child, double[]? otherwise)
    {
        string name = _variables[child].Name;
        for (int start = 0; start < table.Length; start += states)
        {
            Span<double> row = table.AsSpan(start, states);
            if (double.IsNaN(row[0]))
            {
                if (otherwise is null)
                    throw Wrong($"the table of {name} lacks row {(start / states) + 1} of {table.Length / states}");
                otherwise.CopyTo(row);
            }
            double sum = 0;
            foreach (double number in row)
            {
                sum += number is >= 0 and <= 1 + RoundingTolerance ? number
                    : throw Wrong(FormattableString.Invariant($"{number} in the table of {name} is not a probability"));
            }
            if (Math.Abs(sum - 1) > RoundingTolerance)
                throw Wrong(FormattableString.Invariant(
                    $"row {(start / states) + 1} of the table of {name} sums to {sum:0.######}, not to 1"));
            for (int state = 0; state < states && sum != 1; state++)
                row[state] /= sum;
        }
    }

    private double[] Numbers(int count, int child)
    {
        List<string> words = ReadList(";");
        if (words.Count != count)
            throw Wrong($"a row of the table of {_variables[child].Name} has {Quantity.Of(words.Count, "number")} "
                + $"where {count} belong");
        return [.. words.Select(word =>
            double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number
            : throw Unexpected(word, "a number"))];
    }

    private int Known(string name) => _indices.TryGetValue(name, out int index) ? index
        : throw new AtelierException($"there is no variable '{name}'", $"{path}, line {_wordLine}",
            Spelling.Nearest(name, _indices.Keys) is { } near ? $"did you mean '{near}'?" : null);

    private List<string> ReadList(string end)
    {
        var items = new List<string>();
        for (string word = Next(); word != end; word = Next())
        {
            if (word.Length == 0)
                throw Unexpected(word, end);
            if (word is "(" or "[")
                items.Add(Interval(word));
            else if (word != ",")
                items.Add(Plain(word));
        }
        return items;
    }

    /// <summary>Reads the rest of a state such as (18,65], which other programs write without quotes.</summary>
    private string Interval(string open)
    {
        int start = _at;
        string word = Next();
        while (word is not (")" or "]"))
            word = word is "" or "{" or "}" or ";" ? throw Unexpected(word, ") or ] of an interval") : Next();
        return open + text[start.._at];
    }

    private void SkipBlock(string word)
    {
        if (word is not ("network" or "variable" or "probability"))
            throw Unexpected(word, "network, variable or probability");
        while (Next() is not "{" and not "")
        {
        }
        int depth = 1;
        while (depth > 0)
            depth += Next() switch { "{" => 1, "}" => -1, "" => throw Unexpected("", "}"), _ => 0 };
    }

    private void ReadNetwork()
    {
        while (Next() is not "{" and var word)
        {
            if (word.Length == 0)
                throw Unexpected(word, "{");
        }
        for (string word = Next(); word != "}"; word = Next())
            SkipProperty(word, "property");
    }

    private void SkipProperty(string word, string wanted)
    {
        if (word != "property")
            throw Unexpected(word, wanted);
        while (word != ";")
            word = word is "" or "}" ? throw Unexpected(word, ";") : Next();
    }

    private string Name(string wanted)
    {
        string word = Next();
        return word.Length == 0 || Special.Contains(word[0]) && word[0] != '"' ? throw Unexpected(word, wanted)
            : Plain(word);
    }

    private static string Plain(string word) => word is ['"', ..] ? word[1..^1] : word;

    private void Expect(string wanted)
    {
        string word = Next();
        if (word != wanted)
            throw Unexpected(word, wanted);
    }

    /// <summary>
    /// Reads the next token: a word, a quoted string with its quotes, or a special character. Empty at the end.
    /// </summary>
    private string Next()
    {
        while (_at < text.Length && SkipSpace())
        {
        }
        _wordLine = _line;
        if (_at == text.Length)
            return "";
        int start = _at;
        if (text[_at] == '"')
        {
            int end = text.IndexOf('"', _at + 1);
            if (end < 0)
                throw Wrong("a quote is not closed");
            _line += text.AsSpan(start, end - start).Count('\n');
            _at = end + 1;
        }
        else if (Special.Contains(text[_at]))
        {
            _at++;
        }
        else
        {
            while (_at < text.Length && !char.IsWhiteSpace(text[_at]) && !Special.Contains(text[_at]))
                _at++;
        }
        return text[start.._at];
    }

    private bool SkipSpace()
    {
        if (char.IsWhiteSpace(text[_at]))
        {
            _line += text[_at++] == '\n' ? 1 : 0;
            return true;
        }
        ReadOnlySpan<char> rest = text.AsSpan(_at);
        int end = rest.StartsWith("//") ? rest.IndexOf('\n') : rest.StartsWith("/*") ? rest.IndexOf("*/") + 2 : 0;
        if (end <= 1 && (rest.StartsWith("//") || rest.StartsWith("/*")))
            end = rest.Length;
        _line += rest[..end].Count('\n');
        _at += end;
        return end > 0;
    }

    private AtelierException Unexpected(string word, string wanted) =>
        Wrong(word.Length == 0 ? $"the file ends where {wanted} is expected"
            : $"'{word}' appears where {wanted} is expected");

    private AtelierException Wrong(string what) =>
        new(what, $"{path}, line {_wordLine}", "correct the file or write it again");
}
