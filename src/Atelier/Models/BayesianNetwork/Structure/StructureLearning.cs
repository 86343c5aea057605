namespace Atelier.Models.BayesianNetwork.Structure;

/// <summary>Learns the edges of a network by the configured method.</summary>
public static class StructureLearning
{
    /// <summary>Learns the structure.</summary>
    /// <param name="data">Rows without missing values.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="seed">The seed of the restarts of hill climbing.</param>
    /// <param name="notes">Receives notes for the user, one sentence each.</param>
    /// <param name="cancellation">Ends hill climbing with the best structure so far; cancels the other methods.</param>
    /// <exception cref="AtelierException">An edge names an unknown variable, or edges contradict one another or form a
    /// cycle.</exception>
    public static DirectedGraph Learn(DiscreteData data, BayesianNetworkConfig config, long seed,
        Action<string>? notes = null, CancellationToken cancellation = default)
    {
        string[] names = [.. data.Variables.Select(v => v.Name)];
        if (config.Structure == StructureName.Given)
            return Given(config, names);
        if (config.Edges.Count > 0)
        {
            throw new AtelierException("edges are given, but the structure is learned", "model.edges",
                "set model.structure to given, or list required edges under model.required");
        }
        var constraints = new StructureConstraints(names, EdgeList.Parse(config.Required, names, "model.required"),
            EdgeList.Parse(config.Forbidden, names, "model.forbidden"), config.MaxParents);
        var counter = new FamilyCounter(data);
        return config.Structure switch
        {
            StructureName.ChowLiu => ChowLiu.Learn(counter, names, constraints, Root(config, names)),
            StructureName.Pc => LearnPc(config, names, constraints, counter, notes, cancellation),
            _ => LearnHillClimbing(config, names, constraints, counter, seed, notes, cancellation),
        };
    }

    private static int? Root(BayesianNetworkConfig config, string[] names) => config.Root is null ? null
        : EdgeList.Parse([$"{config.Root}->{names.First(n => n != config.Root)}"], names, "model.root")[0].Parent;

    private static DirectedGraph LearnPc(BayesianNetworkConfig config, string[] names,
        StructureConstraints constraints, FamilyCounter counter, Action<string>? notes, CancellationToken cancellation)
    {
        var pc = new PcAlgorithm(names, constraints, new IndependenceTest(counter, config.Test), config.Significance,
            config.MaxConditions);
        DirectedGraph graph = pc.Learn(
            (size, edges) => notes?.Invoke($"{Quantity.Of(size, "condition")}: {Quantity.Of(edges, "edge")} left"),
            cancellation);
        string contradiction = pc.IsContradictory
            ? "; the directions they ask for contradict one another, so some follow the order of the columns"
            : "";
        notes?.Invoke(Quantity.Of(pc.Tests, "test") + contradiction);
        return graph;
    }

    private static DirectedGraph LearnHillClimbing(BayesianNetworkConfig config, string[] names,
        StructureConstraints constraints, FamilyCounter counter, long seed, Action<string>? notes,
        CancellationToken cancellation)
    {
        if (config is { Score: NetworkScore.Bdeu, EquivalentSampleSize: <= 0 })
            throw new AtelierException("the BDeu score needs an equivalent sample size", "model.equivalentSampleSize",
                "set it above 0, or use another model.score");
        var options = new HillClimbingOptions
        {
            TabuLength = config.TabuLength, Restarts = config.Restarts,
            Seconds = config.SearchSeconds ?? double.PositiveInfinity, Seed = seed,
        };
        var score = new FamilyScore(counter, config.Score, config.EquivalentSampleSize);
        var search = new HillClimbing(score, names, constraints, options);
        var steady = new SteadyProgress(notes);
        DirectedGraph graph = search.Search(
            (climbs, moves, reached) => steady.Report(() => FormattableString.Invariant(
                $"{Quantity.Of(climbs, "climb")}, {Quantity.Of(moves, "move")}, score {reached:0.000}")),
            cancellation);
        notes?.Invoke(search.Ending);
        return graph;
    }

    private static DirectedGraph Given(BayesianNetworkConfig config, string[] names)
    {
        if (config.Required.Count + config.Forbidden.Count > 0)
        {
            throw new AtelierException("edges are required or forbidden where the structure is given", "model.required",
                "leave them out, or use model.structure hill-climbing");
        }
        return DirectedGraph.Of(EdgeList.Parse(config.Edges, names, "model.edges"), names);
    }
}
