using System.Diagnostics;
using System.Globalization;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Tables;
using Atelier.Formats;
using Atelier.Models.BayesianNetwork.Inference;
using Atelier.Models.BayesianNetwork.Structure;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Training;

namespace Atelier.Models.BayesianNetwork;

/// <summary>Learns a network, and writes its bundle and its plots.</summary>
internal sealed class BayesianNetworkLearner(Recipe recipe, TableData table) : ILearner
{
    private readonly BayesianNetworkConfig _config = (BayesianNetworkConfig?)recipe.Model.Config
        ?? new BayesianNetworkConfig();

    /// <inheritdoc/>
    public Task<TrainingReport> LearnAsync(Run run, IProgress<TrainingProgress> progress,
        CancellationToken cancellation) =>
        Task.Run(() => Learn(run, progress, cancellation), cancellation);

    private TrainingReport Learn(Run run, IProgress<TrainingProgress> progress, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        int step = 0;
        void Report(string message) =>
            progress.Report(new TrainingProgress { Step = ++step, ItemUnit = "rows", Message = message });

        DiscreteData data = NetworkRows.Of(table.Train, NetworkRows.Variables(table.Schema));
        LearnedNetwork learned = NetworkLearning.Learn(data, _config, recipe.Seed, Report, cancellation);
        DiscreteNetwork network = learned.Network;
        cancellation.ThrowIfCancellationRequested();
        var inference = new NetworkInference(network, new InferenceOptions { Seed = recipe.Seed });
        IReadOnlyList<EdgeStrength> edges = EdgeStrength.Of(inference, cancellation);
        BayesianNetworkFamily.Write(run.BundleFolder, table.Schema, network, _config, Card(network));
        foreach (ExplanationImage image in NetworkExplanation.Pictures(network, edges))
        {
            if (image.FileName.StartsWith("network", StringComparison.Ordinal))
                AtomicFile.Write(Path.Combine(run.PlotFolder, image.FileName), stream => stream.Write(image.Content));
        }
        if (learned.Trace.Count > 1)
        {
            LossPlot.Save(Path.Combine(run.PlotFolder, "loss.png"),
                [.. learned.Trace.Select((value, i) => ((long)i + 1, -value / data.RowCount))], [],
                new Dictionary<string, double>());
        }

        double bic = NetworkLearning.Bic(network, learned.LogLikelihood, data.RowCount);
        Report(string.Create(CultureInfo.InvariantCulture,
            $"{Quantity.Of(edges.Count, "edge")}, log-likelihood {learned.LogLikelihood:0.000}, BIC {bic:0.000}; "
            + $"queries are answered {inference.Method}"));
        var metrics = new Dictionary<string, double>
        {
            ["trainingLogLikelihood"] = learned.LogLikelihood,
            ["trainingBic"] = bic,
            ["edges"] = edges.Count,
            ["freeParameters"] = network.ParameterCount,
            ["treewidthBound"] = inference.Order.Width,
        };
        if (NetworkExplanation.Distance(network, _config) is { } distance)
        {
            Report(distance.ToString());
            metrics["rightEdges"] = distance.Right;
            metrics["structuralHammingDistance"] = distance.Hamming;
            metrics["classHammingDistance"] = distance.ClassHamming;
        }
        return new TrainingReport(Math.Max(1, learned.Trace.Count), watch.Elapsed.TotalSeconds, "converged", metrics);
    }

    private string Card(DiscreteNetwork network) => string.Create(CultureInfo.InvariantCulture, $"""
        # {recipe.Name}

        {recipe.Description ?? "A Bayesian network."}

        | | |
        |---|---|
        | family | {recipe.Model.Family} |
        | variables, edges | {network.Variables.Count}, {network.Graph.Edges.Count()} |
        | free parameters | {network.ParameterCount} |
        | structure | {RecipeNames.Value(_config.Structure)} |
        | trained on | {SourceFiles.PublicName(table.Facts.Source)}, {Quantity.Of(table.Train.Count, "row")} |
        | seed | {recipe.Seed} |

        Edges: {string.Join(", ", network.Graph.Edges.Select(e => EdgeList.Show(e, network.Variables)))}.

        An edge says that columns go together, not that one causes the other, unless the structure was given by someone
        who knew.

        """);
}
