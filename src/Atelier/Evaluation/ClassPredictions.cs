using System.Globalization;
using System.Text;
using Atelier.Recipes;

namespace Atelier.Evaluation;

/// <summary>The classes that a model predicted, compared with the true ones.</summary>
/// <param name="labels">The names of the classes.</param>
/// <param name="truth">The true class of each item.</param>
/// <param name="predicted">The predicted class of each item.</param>
internal sealed class ClassPredictions(IReadOnlyList<string> labels, int[] truth, int[] predicted)
{
    private const int LargestTable = 20; // labels
    private const int ShownConfusions = 10, LongestName = 12;

    /// <summary>For each item, whether its class was predicted.</summary>
    public MeanScore[] Correct => [.. truth.Zip(predicted, (t, p) => new MeanScore(t == p ? 1 : 0, 1))];

    /// <summary>
    /// The mean of the classes' F1 scores, with a 95 % bootstrap interval. Classes that neither occur nor were
    /// predicted do not count.
    /// </summary>
    public Metric MacroF1(EvaluationSection options, long seed)
    {
        var drawn = new double[options.BootstrapSamples];
        Parallel.For(0, drawn.Length, i =>
        {
            var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)i));
            int[] items = new int[truth.Length];
            for (int draw = 0; draw < items.Length; draw++)
                items[draw] = (int)random.Next(items.Length);
            drawn[i] = MacroF1(items);
        });
        double value = MacroF1([.. Enumerable.Range(0, truth.Length)]);
        (double low, double high) = Bootstrap.Around(value, drawn);
        return new Metric(value, low, high, "F1");
    }

    /// <summary>The confusion matrix as text: a row for each true class, a column for each predicted one.</summary>
    public string Table()
    {
        int count = labels.Count;
        var cells = new int[count, count];
        foreach ((int t, int p) in truth.Zip(predicted))
            cells[t, p]++;
        CultureInfo invariant = CultureInfo.InvariantCulture;
        if (count > LargestTable)
        {
            IEnumerable<string> confusions = from t in Enumerable.Range(0, count)
                from p in Enumerable.Range(0, count)
                where t != p && cells[t, p] > 0
                orderby cells[t, p] descending
                select string.Create(invariant, $"{labels[t]} → {labels[p]}: {cells[t, p]}");
            return string.Join('\n', confusions.Take(ShownConfusions).Prepend("most frequent confusions"));
        }
        string[] names = [.. labels.Select(label => label.Length > LongestName ? label[..LongestName] : label)];
        int width = Math.Max(names.Max(name => name.Length), truth.Length.ToString(invariant).Length) + 1;
        var text = new StringBuilder("true \\ predicted".PadRight(Math.Max(width, 17)));
        foreach (string name in names)
            text.Append(name.PadLeft(width));
        for (int t = 0; t < count; t++)
        {
            text.Append('\n').Append(names[t].PadRight(Math.Max(width, 17)));
            for (int p = 0; p < count; p++)
                text.Append(cells[t, p].ToString(invariant).PadLeft(width));
        }
        return text.ToString();
    }

    private double MacroF1(int[] items)
    {
        int[] right = new int[labels.Count], either = new int[labels.Count];
        foreach (int item in items)
        {
            either[truth[item]]++;
            either[predicted[item]]++;
            if (truth[item] == predicted[item])
                right[truth[item]]++;
        }
        // F1 = 2 TP / (2 TP + FP + FN), whose denominator counts true and predicted items
        return right.Zip(either).Where(c => c.Second > 0).Average(c => 2.0 * c.First / c.Second);
    }
}
