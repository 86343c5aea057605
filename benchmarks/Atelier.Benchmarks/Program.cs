using System.Text.Json;
using Atelier;
using Atelier.Benchmarks;

Comparison[] comparisons = [.. TrainingComparisons.All, .. TokenizerComparisons.All, .. NetworkComparisons.All];
try
{
    if (args is ["work", string work])
    {
        Measurement m = work == Comparison.RooflineName ? Roofline.Measure() : Find(work).Ours();
        Console.WriteLine(JsonSerializer.Serialize(new { value = m.Value, peakMiB = m.PeakMiB, loss = m.Loss }));
    }
    else if (args.Length > 0)
    {
        Find(args[0]).Run(args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 7);
    }
    else
    {
        Console.WriteLine("benchmarks/run NAME [ROUNDS]");
        foreach (Comparison comparison in comparisons)
            Console.WriteLine($"  {comparison.Name,-16} {comparison.Description}");
    }
    return 0;
}
catch (AtelierException e)
{
    Console.Error.WriteLine("error: " + e.ToLine());
    return 2;
}

Comparison Find(string name) => Array.Find(comparisons, c => c.Name == name)
    ?? throw new AtelierException($"there is no comparison '{name}'", hint: "benchmarks/run lists them");
