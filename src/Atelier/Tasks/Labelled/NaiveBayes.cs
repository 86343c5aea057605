using System.Runtime.InteropServices;
using Atelier.Data.Labelled;

namespace Atelier.Tasks.Labelled;

/// <summary>
/// A baseline: the multinomial naive Bayes classifier of words and pairs of neighbouring words, with one added to each
/// count (Manning, Raghavan and Schütze 2008, section 13.2).
/// </summary>
internal sealed class NaiveBayes
{
    private readonly Dictionary<string, int[]> _counts = []; // of a feature, by label
    private readonly int[] _texts, _features; // their numbers, by label

    /// <summary>Counts the features of labelled texts.</summary>
    public NaiveBayes(IReadOnlyList<LabelledText> training, IReadOnlyList<string> labels)
    {
        (_texts, _features) = (new int[labels.Count], new int[labels.Count]);
        var numbers = labels.Index().ToDictionary(label => label.Item, label => label.Index);
        foreach (LabelledText text in training)
        {
            int label = numbers[text.Label];
            _texts[label]++;
            foreach (string feature in Features(text.Text))
            {
                ref int[]? counts = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, feature, out _);
                (counts ??= new int[labels.Count])[label]++;
                _features[label]++;
            }
        }
    }

    /// <summary>Computes the log-probability of each label given a text.</summary>
    public double[] LogProbabilities(string text)
    {
        double[] logs = [.. _texts.Select(count => Math.Log((count + 1.0) / (_texts.Sum() + _texts.Length)))];
        foreach (string feature in Features(text))
        {
            if (!_counts.TryGetValue(feature, out int[]? counts))
                continue;
            for (int label = 0; label < logs.Length; label++)
                logs[label] += Math.Log((counts[label] + 1.0) / (_features[label] + _counts.Count));
        }
        double most = logs.Max(), sum = most + Math.Log(logs.Sum(log => Math.Exp(log - most)));
        return Array.ConvertAll(logs, log => log - sum);
    }

    private static IEnumerable<string> Features(string text)
    {
        string? last = null;
        foreach (string word in text.ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            yield return word;
            if (last is not null)
                yield return $"{last} {word}";
            last = word;
        }
    }
}
