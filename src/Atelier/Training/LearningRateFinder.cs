using Atelier.Data;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Training.Execution;
using Atelier.Training.Optimizers;
using ScottPlot;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>A learner that can search for a learning rate.</summary>
public interface ILearningRateFinder
{
    /// <summary>
    /// Runs the learning rate range test (Smith 2017, section 3.3): training steps with learning rates that grow from
    /// 1e-6 to 10 by a constant factor, each on a new batch, until the loss is four times its lowest value. Afterwards
    /// the model is restored.
    /// </summary>
    /// <param name="progress">Receives each learning rate and its loss.</param>
    /// <param name="cancellation">Ends the sweep early; the result covers the rates tried so far.</param>
    /// <exception cref="AtelierException">The loss is not finite at the lowest rate, or too few rates were tried for a
    /// suggestion.</exception>
    LearningRateSweep FindLearningRate(IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default);
}

/// <summary>The result of a sweep over learning rates.</summary>
/// <param name="Points">The learning rates in ascending order, each with its loss and the smoothed loss.</param>
/// <param name="Suggestion">The learning rate at which the loss falls fastest over the logarithm of the rate.</param>
public sealed record LearningRateSweep(IReadOnlyList<(double Rate, double Loss, double Smoothed)> Points,
    double Suggestion)
{
    /// <summary>Plots the loss over the learning rate, with the suggestion marked, as a PNG.</summary>
    /// <exception cref="AtelierException">The file cannot be written.</exception>
    public void SavePlot(string path)
    {
        using var plot = new Plot();
        double[] rates = [.. Points.Select(p => Math.Log10(p.Rate))];
        var loss = plot.Add.ScatterPoints(rates, Points.Select(p => p.Loss).ToArray());
        loss.LegendText = "loss";
        var smoothed = plot.Add.ScatterLine(rates, Points.Select(p => p.Smoothed).ToArray());
        smoothed.LegendText = "smoothed";
        var suggestion = plot.Add.VerticalLine(Math.Log10(Suggestion), 1.5f, pattern: LinePattern.Dashed);
        suggestion.LegendText = FormattableString.Invariant($"suggestion {Suggestion:0.##e0}");
        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic
        {
            LabelFormatter = power => FormattableString.Invariant($"{Math.Pow(10, power):0.##e0}"),
            IntegerTicksOnly = true,
        };
        double lowest = Points.Min(p => p.Smoothed), first = Points[0].Smoothed;
        // The upper limit cuts off the high rates at which the loss diverges.
        plot.Axes.SetLimitsY(lowest - (0.1 * (first - lowest)), first + (first - lowest));
        plot.XLabel("learning rate");
        plot.YLabel("loss");
        plot.ShowLegend(Alignment.UpperLeft);
        AtomicFile.Write(path, stream => stream.Write(plot.GetImageBytes(900, 560, ImageFormat.Png)));
    }
}

/// <summary>The learning rate range test on a model's first objective.</summary>
internal static class LearningRateFinder
{
    private const double LowestRate = 1e-6, HighestRate = 10, Smoothing = 0.8, Explosion = 4;
    private const int Rates = 100, FewestRates = 10, Side = 6;

    public static LearningRateSweep Find<TBatch>(
        Recipe recipe, GradientModel<TBatch> model, IBatchSource<TBatch> training,
        IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        TrainingSection section = recipe.Training;
        using var saved = new SavedTensors(model.TrainingState().Values);
        using BatchQueue<TBatch> batches = new(training, Numbers(), ComputeDevice.Resolve(section.Device));
        using var undivided = new Replicas<TBatch>(model, null, ExecutionPlan.Undivided);
        using var optimizer = new ObjectiveOptimizer<TBatch>(0, undivided, new Dictionary<nint, string>(), section);
        model.train();
        random.manual_seed(recipe.Seed).Dispose();
        var points = new List<(double Rate, double Loss, double Smoothed)>();
        double average = 0, lowest = double.PositiveInfinity;
        for (int i = 0; i < Rates && !cancellation.IsCancellationRequested; i++)
        {
            double rate = LowestRate * Math.Pow(HighestRate / LowestRate, i / (Rates - 1.0));
            using (NewDisposeScope())
            {
                optimizer.Begin();
                for (int part = 0; part < section.GradientAccumulation; part++)
                {
                    long number = ((long)i * section.GradientAccumulation) + part;
                    optimizer.Learn(batches.Take(number), section.GradientAccumulation);
                }
                optimizer.Move(rate);
            }
            double loss = optimizer.ReadLosses()[0];
            if (!double.IsFinite(loss))
                break;
            average = (Smoothing * average) + ((1 - Smoothing) * loss);
            double smoothed = average / (1 - Math.Pow(Smoothing, i + 1)); // corrects the bias of the zero start
            points.Add((rate, loss, smoothed));
            progress?.Report(new() { Step = i + 1, TotalSteps = Rates, Loss = loss, LearningRate = rate });
            lowest = Math.Min(lowest, smoothed);
            if (i >= FewestRates && smoothed > Explosion * Math.Max(lowest, 1e-12))
                break;
        }
        saved.Restore();
        if (points.Count < FewestRates)
            cancellation.ThrowIfCancellationRequested();
        if (points.Count < FewestRates)
            throw new AtelierException($"only {points.Count} learning rates could be tried", "training.optimizer",
                "the loss is not finite even at tiny rates: check the data, or set training.precision to fp32");
        return new LearningRateSweep(points, Suggest(points));
    }

    /// <summary>
    /// Returns the rate at the middle of the window in which the losses fall fastest, by the slope of a least-squares
    /// line over the logarithm of the rate.
    /// </summary>
    internal static double Suggest(IReadOnlyList<(double Rate, double Loss, double Smoothed)> points)
    {
        int side = Math.Min(Side, (points.Count - 1) / 2);
        double Slope(int middle)
        {
            var window = Enumerable.Range(middle - side, (2 * side) + 1)
                .Select(i => (X: Math.Log(points[i].Rate), Y: points[i].Loss)).ToList();
            double meanX = window.Average(p => p.X), meanY = window.Average(p => p.Y);
            return window.Sum(p => (p.X - meanX) * (p.Y - meanY)) / window.Sum(p => (p.X - meanX) * (p.X - meanX));
        }
        return points[Enumerable.Range(side, points.Count - (2 * side)).MinBy(Slope)].Rate;
    }

    private static IEnumerable<long> Numbers()
    {
        for (long number = 0; ; number++)
            yield return number;
    }

    /// <summary>Copies of tensors, from which the tensors can be restored.</summary>
    private sealed class SavedTensors : IDisposable
    {
        private readonly Tensor[] _tensors, _copies;

        public SavedTensors(IEnumerable<Tensor> tensors)
        {
            _tensors = [.. tensors];
            _copies = TensorScripts.Clone(_tensors);
        }

        public void Restore()
        {
            using var noGradients = no_grad();
            TensorScripts.Run("copy", _tensors, _copies);
        }

        public void Dispose()
        {
            foreach (Tensor tensor in _copies)
                tensor.Dispose();
        }
    }
}
