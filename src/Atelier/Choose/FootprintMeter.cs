using System.Diagnostics;
using Atelier.Abstractions;
using Atelier.Compress;
using Atelier.Generation;
using Atelier.Runs;
using Atelier.Tasks;

namespace Atelier.Choose;

/// <summary>Measures the size, the memory and the speed of a model, and asks what it can do.</summary>
internal static class FootprintMeter
{
    private static readonly (string Name, Func<ITrainedModel, bool> Has)[] Abilities =
    [
        ("embed texts", model => model.As<ITextEmbedder>() is not null),
        ("fill in gaps", model => model.As<IInfiller>() is not null),
        ("explain a text token by token", model => model.As<ITextExplainable>() is not null),
        ("show hidden states", model => model.As<TextGenerator>()?.Model is IHiddenStates),
        ("answer queries about probabilities", model => model.As<IProbabilisticQuery>() is not null),
        ("generate", model => model.As<IGenerator>() is not null),
    ];

    /// <summary>All abilities that are looked for.</summary>
    public static IEnumerable<string> Known => Abilities.Select(ability => ability.Name);

    /// <summary>Measures a model.</summary>
    /// <param name="bundle">The folder of the bundle.</param>
    /// <param name="open">Opens it.</param>
    /// <param name="task">The task of the model.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public static async Task<ModelFootprint> MeasureAsync(string bundle, Func<string, ITrainedModel> open, ITask task,
        CancellationToken cancellation)
    {
        GC.Collect(); // what the training left behind would count
        long before = Environment.WorkingSet;
        using ITrainedModel model = open(bundle);
        long bytes = new FileInfo(Bundle.Open(bundle).WeightsPath).Length;
        string[] abilities = [.. Abilities.Where(ability => ability.Has(model)).Select(ability => ability.Name)];
        (double? speed, string unit) = model.As<TextGenerator>() is { } text
            ? (DecodingSpeed.Measure(text)[0], "tokens/s")
            : (await SamplesPerSecondAsync(model, task, cancellation).ConfigureAwait(false), "samples/s");
        int? memory = model.As<TextGenerator>()?.Model.ContextLength is { } length and < int.MaxValue ? length : null;
        return new(bytes, Math.Max(bytes, Environment.WorkingSet - before), speed, unit, abilities, memory);
    }

    private static async Task<double?> SamplesPerSecondAsync(ITrainedModel model, ITask task,
        CancellationToken cancellation)
    {
        if (model.As<IGenerator>() is null
            || task.RequestOptions(model).All(option => option.Field != "count"))
            return null; // it answers inputs
        double best = double.PositiveInfinity;
        for (int round = 0; round < 2; round++) // the first one also compiles
        {
            var watch = Stopwatch.StartNew();
            try
            {
                await foreach (Sample sample in task.GenerateAsync(model, new GenerationRequest { Count = 1, Seed = 1 },
                    cancellation).ConfigureAwait(false))
                    best = Math.Min(best, watch.Elapsed.TotalSeconds);
            }
            catch (AtelierException)
            {
                return null; // it needs an input, such as a text to translate
            }
        }
        return double.IsFinite(best) ? 1 / best : null;
    }
}
