using Atelier.Runs;
using Atelier.Tests.Data;

namespace Atelier.Server.Tests;

/// <summary>Small trainings in the history of a server: n-grams of four hundred lines.</summary>
internal static class TrainedRuns
{
    /// <summary>Trains an n-gram, and evaluates it if asked.</summary>
    public static async Task<RunRecord> AddAsync(TestServer server, TemporaryFolder folder, string name, int order,
        bool evaluates = true)
    {
        string text = folder.Write("lines.txt",
            string.Concat(Enumerable.Range(0, 400).Select(i => $"line {i} and {i % 5} and {i % 7} more\n")));
        string recipe = folder.Write($"{name}.yaml", $"name: {name}\ndata:\n  source: {text}\n  document: line\n"
            + $"model:\n  family: ngram\n  order: {order}\nevaluation:\n  samples: 0\n");
        await server.Workshop.TrainAsync(server.Workshop.ReadRecipe(recipe), new(folder[name]));
        if (evaluates)
            await server.Workshop.EvaluateAsync(folder[name]);
        return server.Workshop.History.Find(folder[name])!;
    }
}
