using System.Text;

namespace Atelier.Tokenizers;

/// <summary>
/// Learns the pieces of a unigram tokenizer (Kudo 2018, section 3.2): from many frequent substrings, expectation
/// maximisation and the removal of the pieces that matter least alternate until the vocabulary has its size.
/// Characters are never removed.
/// </summary>
internal sealed class UnigramTrainer
{
    private const int RoundsBetweenRemovals = 2;
    private const double KeptShare = 0.75; // of the pieces at each removal, as in SentencePiece
    private const double FirstSize = 1.1; // times the final size, before the last removal
    private const double Prior = 0.1; // pseudo-count of each character, so that none gets the probability 0
    private const int SeedsPerPiece = 10, LeastSeeds = 100_000;
    private readonly string[] _words;
    private readonly long[] _counts;
    private readonly int _characters, _threads;
    private readonly CancellationToken _cancellation;
    private string[] _pieces; // the characters first
    private double[] _scores, _expected;

    /// <summary>Creates a trainer with seeds.</summary>
    /// <param name="words">The words, which the characters cover.</param>
    /// <param name="counts">The number of occurrences of each word.</param>
    /// <param name="alphabet">The characters.</param>
    /// <param name="seeds">The other pieces and the number of occurrences of each.</param>
    /// <param name="threads">Number of threads; 0 takes all cores.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public UnigramTrainer(string[] words, long[] counts, string[] alphabet,
        IReadOnlyList<(string Text, long Count)> seeds, int threads, CancellationToken cancellation)
    {
        (_words, _counts, _characters, _threads, _cancellation) =
            (words, counts, alphabet.Length, threads, cancellation);
        _pieces = [.. alphabet, .. seeds.Select(seed => seed.Text)];
        var frequency = new Dictionary<string, long>();
        for (int word = 0; word < words.Length; word++)
            CountCharacters(frequency, words[word], counts[word]);
        _expected = [.. alphabet.Select(symbol => frequency.GetValueOrDefault(symbol) + Prior),
            .. seeds.Select(seed => (double)seed.Count)];
        double total = _expected.Sum();
        _scores = [.. _expected.Select(count => Math.Log(count / total))];
    }

    /// <summary>The pieces and their log-probabilities, the most probable first.</summary>
    public List<(string Text, double Score)> Pieces => [.. _pieces.Zip(_scores)
        .Where(piece => double.IsFinite(piece.Second)).OrderByDescending(piece => piece.Second)
        .ThenBy(piece => piece.First, StringComparer.Ordinal)];

    /// <summary>Learns at most <paramref name="size"/> pieces.</summary>
    /// <exception cref="AtelierException">There are more characters than pieces.</exception>
    public static List<(string Text, double Score)> Learn(string[] words, long[] counts, int size, int threads,
        CancellationToken cancellation)
    {
        var frequency = new Dictionary<string, long>();
        for (int word = 0; word < words.Length; word++)
            CountCharacters(frequency, words[word], counts[word]);
        string[] alphabet = WordCounts.Alphabet(frequency, size);
        (words, counts) = Covered(words, counts, [.. alphabet]);
        List<(string Text, long Count)> seeds = UnigramSeeds.Find(words, counts, alphabet,
            Math.Max(LeastSeeds, SeedsPerPiece * size), threads, cancellation);
        var trainer = new UnigramTrainer(words, counts, alphabet, seeds, threads, cancellation);
        while (trainer._pieces.Length > FirstSize * size)
        {
            trainer.Improve(RoundsBetweenRemovals);
            trainer.Remove(Math.Max((int)(FirstSize * size), (int)(KeptShare * trainer._pieces.Length)));
        }
        trainer.Improve(RoundsBetweenRemovals);
        trainer.Remove(size);
        trainer.Improve(RoundsBetweenRemovals);
        return trainer.Pieces;
    }

    /// <summary>Runs one round of expectation maximisation.</summary>
    /// <returns>
    /// The log-likelihood of the text before the round, plus the logarithm of the prior of the characters'
    /// probabilities, which no round decreases (Dempster et al. 1977).
    /// </returns>
    public double Improve()
    {
        var lattice = new UnigramLattice(Trie(), _scores, double.NegativeInfinity);
        (double Likelihood, double[] Expected)[] shares = WordCounts.Share(_words.Length, _threads, _cancellation,
            (from, to) =>
            {
                var expected = new double[_pieces.Length];
                double likelihood = 0;
                for (int word = from; word < to; word++)
                    likelihood += _counts[word] * lattice.Expect(_words[word], _counts[word], expected);
                return (likelihood, expected);
            });
        double posterior = shares.Sum(share => share.Likelihood) + Prior * _scores.Take(_characters).Sum();
        _expected = new double[_pieces.Length];
        Array.Fill(_expected, Prior, 0, _characters);
        foreach ((_, double[] expected) in shares)
        {
            for (int id = 0; id < expected.Length; id++)
                _expected[id] += expected[id];
        }
        double total = _expected.Sum();
        _scores = [.. _expected.Select(count => Math.Log(count / total))];
        return posterior;
    }

    private void Improve(int rounds)
    {
        for (int round = 0; round < rounds; round++)
            Improve();
    }

    /// <summary>
    /// Keeps the characters and, up to <paramref name="size"/> pieces in all, those without which the likelihood would
    /// fall most.
    /// </summary>
    public void Remove(int size)
    {
        if (_pieces.Length <= size)
            return;
        var lattice = new UnigramLattice(Trie(), _scores, double.NegativeInfinity);
        double total = _expected.Sum();
        double[] losses = [.. WordCounts.Share(_pieces.Length - _characters, _threads, _cancellation, (from, to) =>
            Enumerable.Range(from, to - from).Select(i => Loss(lattice, _characters + i, total)).ToArray())
            .SelectMany(share => share)];
        int[] kept =
        [
            .. Enumerable.Range(0, _characters),
            .. Enumerable.Range(_characters, losses.Length).OrderByDescending(id => losses[id - _characters])
                .ThenBy(id => _pieces[id], StringComparer.Ordinal).Take(Math.Max(size - _characters, 0)),
        ];
        (_pieces, _scores, _expected) =
            ([.. kept.Select(id => _pieces[id])], [.. kept.Select(id => _scores[id])],
            [.. kept.Select(id => _expected[id])]);
    }

    /// <summary>
    /// Returns the loss of log-likelihood per piece of text if a piece were replaced by the best division of its text
    /// into the other pieces, whose counts and the total change accordingly.
    /// </summary>
    private double Loss(UnigramLattice lattice, int id, double total)
    {
        double count = _expected[id];
        if (count <= 0)
            return 0;
        List<LatticePiece> others = lattice.Best(_pieces[id], without: id);
        double changed = Math.Log(total + count * (others.Count - 1));
        double replaced = others.Sum(other => Math.Log(_expected[other.Id] + count) - changed);
        return count / total * (Math.Log(count / total) - replaced);
    }

    private PieceTrie Trie() => new(_pieces.Select((piece, id) => (piece, id)));

    private static void CountCharacters(Dictionary<string, long> frequency, string word, long count)
    {
        foreach (Rune rune in word.EnumerateRunes())
            WordCounts.Add(frequency, rune.ToString(), count);
    }

    /// <summary>Cuts words at characters outside the alphabet.</summary>
    private static (string[] Words, long[] Counts) Covered(string[] words, long[] counts, HashSet<string> alphabet)
    {
        var parts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        for (int word = 0; word < words.Length; word++)
        {
            var part = new StringBuilder();
            foreach (string symbol in words[word].EnumerateRunes().Select(rune => rune.ToString()).Append(""))
            {
                if (alphabet.Contains(symbol))
                {
                    part.Append(symbol);
                }
                else if (part.Length > 0)
                {
                    string text = part.ToString();
                    parts[text] = parts.GetValueOrDefault(text) + counts[word];
                    part.Clear();
                }
            }
        }
        return ([.. parts.Keys], [.. parts.Values]);
    }
}
