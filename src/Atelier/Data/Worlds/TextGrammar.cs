using System.Text;

namespace Atelier.Data.Worlds;

/// <summary>
/// A stochastic grammar that generates short texts. The alternatives of a rule are equally likely, and one is drawn at
/// each reference to the rule. The value of a variable is drawn once per text, from equally likely entries, and its
/// forms agree wherever it is referenced. No rule refers to itself and every text refers to every variable, so the set
/// of texts is finite, and entropy and expected length follow from the rules in closed form. That requires that no text
/// has two derivations, which the tests check.
/// </summary>
/// <remarks>
/// A grammar is written with one rule per line, <c>name = alternative | alternative</c>, where <c>{other}</c> refers to
/// another rule. A variable declares its forms, <c>hero(name, she) = Mia/she | Tom/he</c>, and is referenced by form:
/// <c>{hero.she}</c>. A rule continues on lines that begin with white space. The rule <c>story</c> is the whole text.
/// </remarks>
internal sealed class TextGrammar
{
    private readonly Dictionary<string, Item[][]> _rules = [];
    private readonly Dictionary<string, string[][]> _variables = [];
    private readonly Item[][] _story;

    /// <summary>Parses a grammar.</summary>
    /// <exception cref="ArgumentException">The rules are not a valid grammar.</exception>
    public TextGrammar(string rules)
    {
        var forms = new Dictionary<string, string[]>();
        (string Name, string Body)[] lines = [.. Rules(rules)];
        foreach ((string name, string body) in lines)
        {
            int open = name.IndexOf('(', StringComparison.Ordinal);
            if (open < 0)
                continue;
            forms[name[..open]] = name[(open + 1)..^1].Split(',', StringSplitOptions.TrimEntries);
            _variables[name[..open]] = [.. Alternatives(body).Select(entry => entry.Split('/'))];
        }
        foreach ((string name, string body) in lines)
            if (!name.Contains('(', StringComparison.Ordinal))
                _rules[name] = [.. Alternatives(body).Select(a => Items(a, forms))];
        _story = _rules["story"];
        Check(forms);
        (double entropy, double length) = Expectation(_story);
        Entropy = entropy + _variables.Values.Sum(entries => Math.Log(entries.Length));
        ExpectedCharacters = length;
    }

    /// <summary>
    /// The entropy of a text in nats: the sum of the entropies of all choices, each weighted by how often it is made.
    /// </summary>
    public double Entropy { get; }

    /// <summary>The expected number of Unicode scalar values in a text.</summary>
    public double ExpectedCharacters { get; }

    /// <summary>Draws a text.</summary>
    public string Draw(ref SplitMix64 random)
    {
        var bindings = new Dictionary<string, string[]>();
        foreach ((string name, string[][] entries) in _variables)
            bindings[name] = entries[random.Next(entries.Length)];
        var text = new StringBuilder();
        Say(_story, bindings, text, ref random);
        return text.ToString();
    }

    /// <summary>Returns the number of derivations of a text, and the sum of their probabilities.</summary>
    public (double Probability, int Derivations) Parse(string text)
    {
        var parser = new Parser(_variables, text);
        parser.Run(_story);
        return (parser.Probability, parser.Derivations);
    }

    /// <summary>Returns all texts of the grammar with their probabilities; feasible only for small grammars.</summary>
    public IEnumerable<(string Text, double Probability)> Enumerate()
    {
        IEnumerable<Dictionary<string, string[]>> bindings = [[]];
        foreach ((string name, string[][] entries) in _variables)
            bindings = bindings.SelectMany(b =>
                entries.Select(e => new Dictionary<string, string[]>(b) { [name] = e }));
        double share = 1.0 / _variables.Values.Aggregate(1L, (product, entries) => product * entries.Length);
        return bindings.SelectMany(b => Enumerate(_story, b)).Select(t => (t.Text, t.Probability * share));
    }

    private static IEnumerable<(string Text, double Probability)> Enumerate(Item[][] alternatives,
        Dictionary<string, string[]> bindings)
    {
        foreach (Item[] alternative in alternatives)
        {
            IEnumerable<(string Text, double Probability)> texts = [("", 1.0 / alternatives.Length)];
            foreach (Item item in alternative)
                texts = item.Rule is null
                    ? texts.Select(t => (t.Text + item.Say(bindings), t.Probability))
                    : texts.SelectMany(t =>
                        Enumerate(item.Rule, bindings).Select(u => (t.Text + u.Text, t.Probability * u.Probability)));
            foreach ((string Text, double Probability) text in texts)
                yield return text;
        }
    }

    private static void Say(Item[][] alternatives, Dictionary<string, string[]> bindings, StringBuilder text,
        ref SplitMix64 random)
    {
        foreach (Item item in alternatives[random.Next(alternatives.Length)])
            if (item.Rule is null)
                text.Append(item.Say(bindings));
            else
                Say(item.Rule, bindings, text, ref random);
    }

    /// <summary>
    /// Computes the entropy of the choices within one reference to a rule, and its expected length. This assumes that
    /// choices and the values of variables are independent.
    /// </summary>
    private (double Entropy, double Length) Expectation(Item[][] alternatives)
    {
        double entropy = Math.Log(alternatives.Length), length = 0;
        foreach (Item item in alternatives.SelectMany(a => a))
        {
            (double below, double characters) = item switch
            {
                { Rule: { } rule } => Expectation(rule),
                { Variable: { } variable } =>
                    (0, _variables[variable].Average(entry => (double)Text.TextCount.Scalars(entry[item.Form]))),
                _ => (0, Text.TextCount.Scalars(item.Words)),
            };
            entropy += below / alternatives.Length;
            length += characters / alternatives.Length;
        }
        return (entropy, length);
    }

    private void Check(Dictionary<string, string[]> forms)
    {
        foreach ((string name, string[][] entries) in _variables)
        {
            if (entries.Any(entry => entry.Length != forms[name].Length))
                throw new ArgumentException(
                    $"an entry of {name} does not have the forms {string.Join(", ", forms[name])}");
            if (!Mentions(_story, name))
                throw new ArgumentException($"a text can go without {name}, so that its value is not always mentioned");
        }

        static bool Mentions(Item[][] alternatives, string variable) => alternatives.All(alternative =>
            alternative.Any(item =>
                item.Variable == variable || (item.Rule is not null && Mentions(item.Rule, variable))));
    }

    private static IEnumerable<(string Name, string Body)> Rules(string text)
    {
        string joined = text.ReplaceLineEndings("\n").Replace("\n ", " ", StringComparison.Ordinal);
        const StringSplitOptions trimmed = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        foreach (string line in joined.Split('\n', trimmed))
        {
            string[] sides = line.Split('=', 2, StringSplitOptions.TrimEntries);
            if (sides.Length < 2)
                throw new ArgumentException($"'{line}' is not a rule");
            yield return (sides[0], sides[1]);
        }
    }

    private static string[] Alternatives(string body) => body.Split('|', StringSplitOptions.TrimEntries);

    private Item[] Items(string alternative, Dictionary<string, string[]> forms)
    {
        var items = new List<Item>();
        foreach (string part in alternative.Split('{'))
        {
            string[] sides = part.Split('}', 2);
            if (sides.Length == 2)
                items.Add(Mention(sides[0], forms));
            if (sides[^1].Length > 0)
                items.Add(new(sides[^1], null, null, 0));
        }
        return [.. items];
    }

    private Item Mention(string name, Dictionary<string, string[]> forms)
    {
        string[] parts = name.Split('.');
        if (parts.Length == 1)
            return _rules.TryGetValue(name, out Item[][]? rule)
                ? new("", rule, null, 0)
                : throw new ArgumentException($"{name} is used before it is defined");
        int form = forms.TryGetValue(parts[0], out string[]? names) ? Array.IndexOf(names, parts[1]) : -1;
        return form >= 0 ? new("", null, parts[0], form) : throw new ArgumentException($"there is no {name}");
    }

    /// <summary>Literal words, a reference to a rule, or a reference to a form of a variable.</summary>
    private sealed record Item(string Words, Item[][]? Rule, string? Variable, int Form)
    {
        public string Say(Dictionary<string, string[]> bindings) => Variable is null ? Words : bindings[Variable][Form];
    }

    /// <summary>Finds all derivations of a text by matching it from left to right.</summary>
    private sealed class Parser(Dictionary<string, string[][]> variables, string text)
    {
        private readonly Dictionary<string, string[]> _bindings = [];

        public double Probability { get; private set; }

        public int Derivations { get; private set; }

        public void Run(Item[][] story) => Choose(story, null, 0, 1);

        private void Choose(Item[][] alternatives, Rest? rest, int at, double probability)
        {
            foreach (Item[] alternative in alternatives)
                Follow(new(alternative, 0, rest), at, probability / alternatives.Length);
        }

        private void Follow(Rest? rest, int at, double probability)
        {
            while (rest is not null && rest.Next == rest.Items.Length)
                rest = rest.Outer;
            if (rest is null)
            {
                if (at != text.Length)
                    return;
                Probability += probability;
                Derivations++;
                return;
            }
            Item item = rest.Items[rest.Next];
            rest = rest with { Next = rest.Next + 1 };
            if (item.Rule is not null)
                Choose(item.Rule, rest, at, probability);
            else if (item.Variable is null)
                Match(item.Words, rest, at, probability);
            else if (_bindings.TryGetValue(item.Variable, out string[]? bound))
                Match(bound[item.Form], rest, at, probability);
            else
                foreach (string[] entry in variables[item.Variable])
                {
                    _bindings[item.Variable] = entry;
                    Match(entry[item.Form], rest, at, probability / variables[item.Variable].Length);
                    _bindings.Remove(item.Variable);
                }
        }

        private void Match(string words, Rest rest, int at, double probability)
        {
            if (text.AsSpan(at).StartsWith(words, StringComparison.Ordinal))
                Follow(rest, at + words.Length, probability);
        }

        private sealed record Rest(Item[] Items, int Next, Rest? Outer);
    }
}
