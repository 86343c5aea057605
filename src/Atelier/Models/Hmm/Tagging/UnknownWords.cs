namespace Atelier.Models.Hmm.Tagging;

/// <summary>
/// Predicts the tags of a word from its form: its shape (capitals, digits, hyphens) and its suffixes, from short to
/// long, each smoothed by the previous one (after Samuelsson 1993 and Brants 2000, section 2.3). The probabilities are
/// estimated from rare words, because those resemble unknown words.
/// </summary>
internal sealed class UnknownWords
{
    private const int Rare = 10; // the most occurrences of a rare word (Brants 2000)
    private const double Shorter = 2; // pseudo-count of the distribution of the next shorter suffix

    private readonly Dictionary<string, double[]> _endings = [];
    private readonly int _tags;
    private readonly int _longest;

    /// <summary>Counts the tags of the forms of rare words.</summary>
    /// <param name="counts">The counts of words and their tags.</param>
    /// <param name="longest">The length of the longest suffix.</param>
    public UnknownWords(TaggerCounts counts, int longest)
    {
        (_tags, _longest) = (counts.Tags.Count, longest);
        for (int word = 0; word < counts.Words.Count; word++)
        {
            ReadOnlySpan<int> tags = counts.WordTags.AsSpan(word * _tags, _tags);
            int occurrences = 0;
            foreach (int count in tags)
                occurrences += count;
            if (occurrences > Rare)
                continue;
            foreach (string form in Forms(counts.Words[word]))
            {
                if (!_endings.TryGetValue(form, out double[]? sums))
                    _endings.Add(form, sums = new double[_tags]);
                // Each word counts once however often it occurs: unknown words resemble words that occur once.
                for (int tag = 0; tag < _tags; tag++)
                    sums[tag] += (double)tags[tag] / occurrences;
            }
        }
    }

    /// <summary>Computes the probability of each tag for a word, from its form alone.</summary>
    public double[] Tags(string word)
    {
        double[] probabilities = new double[_tags];
        Array.Fill(probabilities, 1.0 / _tags);
        foreach (string form in Forms(word))
        {
            if (!_endings.TryGetValue(form, out double[]? counts))
                continue;
            double sum = counts.Sum();
            for (int tag = 0; tag < _tags; tag++)
                probabilities[tag] = (counts[tag] + (Shorter * probabilities[tag])) / (sum + Shorter);
        }
        return probabilities;
    }

    /// <summary>The forms of a word, from the most general to the most specific.</summary>
    private IEnumerable<string> Forms(string word)
    {
        yield return "";
        string shape = Shape(word);
        yield return shape;
        for (int length = 1; length <= Math.Min(_longest, word.Length); length++)
            yield return shape + word[^length..].ToLowerInvariant();
    }

    private static string Shape(string word)
    {
        bool digits = word.Any(char.IsDigit), letters = word.Any(char.IsLetter);
        string kind =
            (digits, letters) switch { (true, false) => "9", (true, true) => "9a", (false, true) => "a", _ => "." };
        string capitals = !letters ? ""
            : word.Length > 1 && word.Where(char.IsLetter).All(char.IsUpper) ? "AA"
            : char.IsUpper(word[0]) ? "A" : "";
        string marks = word.Contains('@', StringComparison.Ordinal) || word.Contains("//", StringComparison.Ordinal)
            || word.Contains("www", StringComparison.OrdinalIgnoreCase) ? "@"
            : word.Contains('-', StringComparison.Ordinal) ? "-" : "";
        return $"{kind}|{capitals}|{marks}|";
    }
}
