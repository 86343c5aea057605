using System.Runtime.InteropServices;

namespace Atelier.Evaluation;

/// <summary>How much of the generated text occurs in the training text.</summary>
/// <param name="LongestRun">The length in characters of the longest substring that a sample shares with the training
/// text.</param>
/// <param name="LongestRunText">The longest shared substring.</param>
/// <param name="NewEightGrams">The share of the character 8-grams of the samples that do not occur in the training
/// text, 0 to 1; null if no sample has eight characters.</param>
public sealed record CopyingResult(int LongestRun, string LongestRunText, double? NewEightGrams)
{
    private const int Gram = 8;

    /// <summary>Returns the results as metrics: longestSharedRun, and newEightGrams if it is known.</summary>
    public Dictionary<string, Metric> Figures()
    {
        var figures = new Dictionary<string, Metric>
        {
            ["longestSharedRun"] = Metric.Exact(LongestRun, Metric.Characters),
        };
        if (NewEightGrams is { } share)
            figures["newEightGrams"] = Metric.Exact(share, "share of 8-grams");
        return figures;
    }

    /// <summary>
    /// Compares samples with a training text of any length: the samples are indexed, and the text is read once.
    /// </summary>
    /// <param name="samples">The generated samples.</param>
    /// <param name="training">The training text, document by document.</param>
    public static CopyingResult Check(IReadOnlyList<string> samples, IEnumerable<string> training)
    {
        var automaton = new SuffixAutomaton();
        var grams = new Dictionary<string, int>();
        foreach (string sample in samples)
        {
            automaton.Add(sample);
            for (int i = 0; i + Gram <= sample.Length; i++)
                CollectionsMarshal.GetValueRefOrAddDefault(grams, sample.Substring(i, Gram), out _)++;
        }
        int total = grams.Values.Sum();
        var unseen = grams.GetAlternateLookup<ReadOnlySpan<char>>();
        string longest = "";
        foreach (string text in training)
        {
            (int end, int length) = automaton.LongestMatch(text);
            if (length > longest.Length)
                longest = Whole(text.AsSpan(end - length, length));
            for (int i = 0; i + Gram <= text.Length && grams.Count > 0; i++)
                unseen.Remove(text.AsSpan(i, Gram));
        }
        double? unseenShare = total == 0 ? null : (double)grams.Values.Sum() / total;
        return new CopyingResult(longest.EnumerateRunes().Count(), longest, unseenShare);
    }

    /// <summary>Removes unpaired surrogates from both ends of a substring.</summary>
    private static string Whole(ReadOnlySpan<char> run)
    {
        if (char.IsLowSurrogate(run[0]))
            run = run[1..];
        return (!run.IsEmpty && char.IsHighSurrogate(run[^1]) ? run[..^1] : run).ToString();
    }
}

/// <summary>
/// A suffix automaton (Blumer et al. 1985), which recognises all substrings of the strings added to it.
/// </summary>
internal sealed class SuffixAutomaton
{
    private readonly List<Dictionary<char, int>> _next = [[]];
    private readonly List<int> _link = [-1];
    private readonly List<int> _length = [0];

    /// <summary>Adds all substrings of a string.</summary>
    public void Add(string text)
    {
        int last = 0; // a new string starts at the root, so that no substring spans two strings
        foreach (char character in text)
            last = Extend(last, character);
    }

    /// <summary>
    /// Returns the end and the length of the longest substring of a text that occurs in one of the strings.
    /// </summary>
    public (int End, int Length) LongestMatch(string text)
    {
        int state = 0, length = 0, best = 0, end = 0;
        for (int i = 0; i < text.Length; i++)
        {
            int to;
            while (!_next[state].TryGetValue(text[i], out to) && state != 0)
            {
                state = _link[state];
                length = _length[state];
            }
            if (to != 0)
                (state, length) = (to, length + 1);
            if (length > best)
                (best, end) = (length, i + 1);
        }
        return (end, best);
    }

    private int Extend(int last, char character)
    {
        if (_next[last].TryGetValue(character, out int known))
        {
            // The transition exists already, from an earlier string.
            return _length[known] == _length[last] + 1 ? known : Split(last, known, character);
        }
        int state = Make(_length[last] + 1, []);
        int at = last;
        while (at >= 0 && _next[at].TryAdd(character, state))
            at = _link[at];
        if (at < 0)
        {
            _link[state] = 0;
            return state;
        }
        int target = _next[at][character];
        _link[state] = _length[target] == _length[at] + 1 ? target : Split(at, target, character);
        return state;
    }

    /// <summary>Splits a state, so that its shorter strings get a state of their own.</summary>
    private int Split(int from, int target, char character)
    {
        int copy = Make(_length[from] + 1, new(_next[target]));
        _link[copy] = _link[target];
        _link[target] = copy;
        for (int at = from; at >= 0 && _next[at].TryGetValue(character, out int to) && to == target; at = _link[at])
            _next[at][character] = copy;
        return copy;
    }

    private int Make(int length, Dictionary<char, int> next)
    {
        _next.Add(next);
        _link.Add(0);
        _length.Add(length);
        return _length.Count - 1;
    }
}
